"""Where the time of a batch goes: CPU time of each stage without the stages inside it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import engine.engine
import schemas.batches
from engine import Engine
from engine.judgement import Judge
from windows import WindowStore

PROBES: tuple[tuple[Any, str, str], ...] = (
    (schemas.batches, "decode", "decode"),
    (Engine, "decide", "columns"),
    (WindowStore, "update", "windows"),
    (Judge, "judge", "rules"),
    (engine.engine, "encode", "encode"),
)
"""Which functions are a stage. What `decide` does outside the others is making columns: reading fields and hashing."""


class Stopwatch:
    """Sums up seconds by stage; a stage that begins inside another stops that one's time."""

    def __init__(self) -> None:
        self.elapsed_s: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since_s = 0.0

    def enter(self, stage: str) -> None:
        self._credit()
        self._open.append(stage)

    def leave(self) -> None:
        self._credit()
        self._open.pop()

    def _credit(self) -> None:
        now_s = time.process_time()
        if self._open:
            self.elapsed_s[self._open[-1]] += now_s - self._since_s
        self._since_s = now_s


@contextmanager
def watched(watch: Stopwatch) -> Iterator[None]:
    """While it lasts, every call of a probed function goes to the stopwatch."""
    originals = [getattr(owner, name) for owner, name, _ in PROBES]
    try:
        for (owner, name, stage), original in zip(PROBES, originals, strict=True):
            setattr(owner, name, _timed(original, stage, watch))
        yield
    finally:
        for (owner, name, _), original in zip(PROBES, originals, strict=True):
            setattr(owner, name, original)


def _timed(function: Callable[..., Any], stage: str, watch: Stopwatch) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        watch.enter(stage)
        try:
            return function(*arguments)
        finally:
            watch.leave()

    return timed
