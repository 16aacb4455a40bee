"""What takes a quarter of an hour: taking up millions of events, and sixty days of a stream whose users come and go."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, NamedTuple

from benchmarks.collection import Collection, Values
from benchmarks.quantities import FULL_MARK, MARK_DAYS, MARKS
from benchmarks.variants import PLAIN
from journal.writer import SEGMENT_BYTES

DAYS = MARKS * MARK_DAYS
STAY_DAYS = 20
"""For how long a user of the long run is one of those that the stream draws from."""

_DAY_MS = 86_400_000
_MB = 1e6


class LongExtent(NamedTuple):
    """How much is measured: what is held for recovery, all of it within a week, and how much runs in sixty days."""

    held: int = 10_000_000
    held_users: int = 2_500_000
    events: int = 20_000_000
    users: int = 100_000


LONG_QUICK = LongExtent(held=6_000, held_users=2_000, events=24_000, users=1_000)
"""To see that it works; the figures mean nothing."""

STEPS = 3


class Long:
    """Measures in process, with states in `folder`; the events come through a pipe from a process that makes them."""

    def __init__(self, extent: LongExtent, folder: Path, step: Callable[[str], None]) -> None:
        self._collection = Collection(step)
        self._extent = extent
        self._folder = folder

    def run(self) -> Values:
        self._recovery()
        self._sixty_days()
        return self._collection.values

    def _recovery(self) -> None:
        held = self._extent.held
        with TemporaryDirectory(dir=self._folder) as state:
            with _generated(held, self._extent.held_users, part=held // 10) as lines:
                found = self._stream("growing", state, held, lines)
            self._collection.add("growing", {"bytes_event": found["journal_mb_1"] * _MB / held})
            self._collection.measure("recovery_long", "keeping", "recovery", PLAIN, state)

    def _sixty_days(self) -> None:
        events, users = self._extent.events, self._extent.users
        gap_ms, leaving = DAYS * _DAY_MS / events, users // STAY_DAYS
        with (
            TemporaryDirectory(dir=self._folder) as state,
            _generated(events, users, "--gap-ms", gap_ms, "--leaving", leaving, part=events // DAYS) as lines,
        ):
            found = self._stream("sixty", state, events // MARKS, lines)
        resident, journal = (
            [found[f"{name}_mb_{mark}"] for mark in range(FULL_MARK, MARKS + 1)] for name in ("resident", "journal")
        )
        growth = {
            "resident": max(resident) / resident[0],
            "segments": (max(journal) - journal[0]) * _MB / SEGMENT_BYTES,
        }
        self._collection.add("sixty_growth", growth)

    def _stream(self, key: str, state: str, every: int, lines: IO[bytes]) -> dict[str, float]:
        return self._collection.measure(key, "keeping", "stream", PLAIN, state, "--every", every, lines=lines)


@contextmanager
def _generated(events: int, users: int, *arguments: object, part: int) -> Iterator[IO[bytes]]:
    """The lines of W at this scale, as a process writes them."""
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "workload",
        "-",
        "--events",
        events,
        "--users",
        users,
        "--part",
        part,
    ]
    with subprocess.Popen(
        [*map(str, command), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        yield process.stdout
    if process.returncode:
        raise SystemExit(f"what makes events ended with {process.returncode}")
