"""What happens to a simulated process, and when: every call to the disk or the broker is a step at which it may end."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

SET_BACK_MS = 3_000


class Crash(BaseException):
    """The simulated process ends here, whatever it was doing."""


class Trace:
    """All that happened, as lines; two runs of the same seed have the same digest."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.lines: list[str] = []

    def note(self, *words: object) -> None:
        line = " ".join(map(str, words))
        self._hash.update(line.encode() + b"\n")
        self.lines.append(line)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class Clock:
    """Simulated time: `now_ms` can be set back, `monotonic` cannot."""

    def __init__(self, now_ms: int) -> None:
        self._offset_ms = self._latest_ms = now_ms
        self._elapsed_s = 0.0

    def monotonic(self) -> float:
        return self._elapsed_s

    def now_ms(self) -> int:
        return self._offset_ms + int(self._elapsed_s * 1_000)

    def pass_s(self, seconds: float) -> None:
        self._elapsed_s += seconds

    def reach_ms(self, now_ms: int) -> None:
        """It is at least this late."""
        self._offset_ms += max(0, now_ms - self.now_ms())

    def set_back(self) -> None:
        """By some seconds, and never further behind the latest time than that."""
        self._latest_ms = max(self._latest_ms, self.now_ms())
        self._offset_ms += self._latest_ms - SET_BACK_MS - self.now_ms()


class Fate:
    """One process's: the step at which it crashes, the disk is full from, or a sync fails; 0 is never."""

    def __init__(self, draw: random.Random, trace: Trace, *, calm: bool) -> None:
        self.crash_at = self.full_at = self.unsynced_at = 0
        self.dead = False
        self.is_full = False
        self.failed_sync = False
        self.steps = 0
        self._trace = trace
        if not calm:
            kind = draw.choice(("crash", "crash", "crash", "full", "unsynced", "none"))
            at = draw.randint(1, draw.choice((12, 40, 120, 400)))
            self.crash_at = at if kind == "crash" else 0
            self.full_at = at if kind == "full" else 0
            self.unsynced_at = at if kind == "unsynced" else 0

    def step(self, *words: object) -> bool:
        """Counts a step and returns whether the process ends in its course: then `die` is to be called."""
        if self.dead:
            raise Crash
        self.steps += 1
        self._trace.note(self.steps, *words)
        self.is_full = self.is_full or self.steps == self.full_at
        return self.steps == self.crash_at

    def die(self) -> None:
        self.dead = True
        self._trace.note("crash")
        raise Crash

    def pass_by(self, *words: object) -> None:
        """A step that happens wholly or not at all."""
        if self.step(*words):
            self.die()

    @property
    def disk_failed(self) -> bool:
        """Whether the process had to live with a disk that refused something."""
        return self.is_full or self.failed_sync


@contextmanager
def replaced(*replacements: tuple[Any, str, Any]) -> Iterator[None]:
    """Other attributes of modules, for a while."""
    with ExitStack() as restoring:
        for owner, name, other in replacements:
            restoring.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, other)
        yield
