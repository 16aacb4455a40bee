"""A process that is killed again and again, at moments that are drawn."""

import os
import random
import re
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from support.commands import ROOT, Running, started

KILLS = int(os.environ.get("RISKGATE_KILLS", "5"))
"""How often a test kills: a few times, and more than twenty with `make soak-kills`."""

PACK = ROOT / "benchmarks" / "packs" / "w"
POLL_S = 0.002
LIFE_S = 120.0

_TOOK_UP = re.compile(r"took up `.*` in ([\d.]+) s: ([\d,]+) events held, ([\d,]+) decisions given out again")


@dataclass
class Figures:
    """What was seen over all lives."""

    kills: int = 0
    early: int = 0
    """Those of them before the process was at work: while it started or took up its state."""
    again: int = 0
    recoveries_s: list[float] = field(default_factory=list)

    def add(self, told: str) -> None:
        for elapsed_s, _, again in _TOOK_UP.findall(told):
            self.recoveries_s.append(float(elapsed_s))
            self.again += int(again.replace(",", ""))

    def __str__(self) -> str:
        median_s = statistics.median(self.recoveries_s or [0.0])
        return (
            f"{self.kills} kills ({self.early} before it was at work), {self.again:,} decisions given out again,"
            f" {len(self.recoveries_s)} recoveries in {median_s:.1f} s each (median;"
            f" at most {max(self.recoveries_s, default=0.0):.1f} s)"
        )


def kill_at(
    draw: random.Random, progress: Callable[[], int], marks: list[int], *command: str | Path, errors: Path
) -> Figures:
    """Starts the command again and again, and kills it each time `progress` has passed the next of `marks`.

    Every third life is killed earlier, at any moment since its start.
    """
    figures = Figures()
    while marks:
        with started(errors, *command) as running:
            if len(marks) % 3 == 0 and figures.early <= figures.kills // 2:
                _let_live(running, draw.uniform(0.1, 2.0), partial(_has_passed, progress, marks[0]))
                figures.early += 1
            else:
                mark, *marks = marks
                _let_live(running, LIFE_S, partial(_has_passed, progress, mark))
            assert running.end(signal.SIGKILL) == -signal.SIGKILL, running.told
            figures.kills += 1
            figures.add(running.told)
            assert "Traceback" not in running.told
    return figures


def _has_passed(progress: Callable[[], int], mark: int) -> bool:
    return progress() >= mark


def _let_live(running: Running, for_s: float, is_over: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + for_s
    while not is_over() and time.monotonic() < deadline_s:
        if running.process.poll() is not None:
            pytest.fail(f"it ended by itself: {running.told}")
        time.sleep(POLL_S)
    if for_s == LIFE_S and not is_over():
        pytest.fail(f"no progress in {for_s} s: {running.told}")
