"""Alignment: records of several partitions in the order of their timestamps, while there is a backlog.

A consumer that catches up gets long runs of one partition after the other, hours apart in time. Windows of a device or
a payee would then see the past after the future. So what has come is held back until no other partition can bring
something older. Where nothing waits to be read, nothing is held back.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from typing import Generic, TypeVar

HELD_MAX = 8_192
"""A partition with more records held back is too far ahead of the others: it should not be read for a while."""

HELD_TOTAL_MAX = 65_536
"""The same for all together: where there are many partitions, each may hold an equal share of this."""

LOW_SHARE = 4
"""With at most a fourth of what it may hold, a partition should be read again."""

Record = TypeVar("Record")


class _Lane(Generic[Record]):
    """What is held of one partition. Its times never fall, so that its own order is kept."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.records: list[Record] = []
        self.latest = 0
        self.ended = False


class Alignment(Generic[Record]):
    """Takes records as they come and gives them back in the order of time, each partition's in its own order."""

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane[Record]] = {}

    def open(self, partition: int) -> None:
        self._lanes.setdefault(partition, _Lane())

    def is_open(self, partition: int) -> bool:
        return partition in self._lanes

    def close(self, partition: int) -> None:
        """Forgets the partition and what is held of it."""
        self._lanes.pop(partition, None)

    def add(self, partition: int, times: Sequence[int], records: Sequence[Record]) -> bool:
        """Holds one or more records of a partition with their times; False when it is not open, and none is held."""
        lane = self._lanes.get(partition)
        if lane is None:
            return False
        lane.ended = False
        if times[0] < lane.latest or times != sorted(times):
            times = list(accumulate(times, max, initial=lane.latest))[1:]
        lane.latest = times[-1]
        lane.times.extend(times)
        lane.records.extend(records)
        return True

    def running(self) -> list[int]:
        """Partitions that have not ended."""
        return [partition for partition, lane in self._lanes.items() if not lane.ended]

    def silent(self) -> list[int]:
        """Partitions that hold others back: these have brought something, those nothing, and they have not ended."""
        empty = [partition for partition, lane in self._lanes.items() if not lane.records]
        if len(empty) == len(self._lanes):
            return []
        return [partition for partition in empty if not self._lanes[partition].ended]

    def end(self, partition: int) -> None:
        """There is nothing more to read of the partition now; it holds nobody back until it brings something."""
        self._lanes[partition].ended = True

    def release(self) -> list[Record]:
        """The records that nothing older can come before any more, in order."""
        if len(self._lanes) == 1:
            return self._release_all()
        running = [lane for lane in self._lanes.values() if not lane.ended]
        if not running:
            return self._release_all()
        horizon = min(lane.times[-1] if lane.times else -1 for lane in running)
        parts = []
        for lane in self._lanes.values():
            count = bisect_right(lane.times, horizon)
            if count:
                parts.append((lane.times[:count], lane.records[:count]))
                del lane.times[:count], lane.records[:count]
        return _merged(parts)

    def _release_all(self) -> list[Record]:
        parts = [(lane.times, lane.records) for lane in self._lanes.values() if lane.records]
        for lane in self._lanes.values():
            lane.times, lane.records = [], []
        return _merged(parts)

    def ahead(self) -> list[int]:
        """Partitions that should not be read for a while."""
        most = self._held_max()
        return [partition for partition, lane in self._lanes.items() if len(lane.records) > most]

    def behind(self) -> list[int]:
        """Partitions that should be read."""
        few = self._held_max() // LOW_SHARE
        return [partition for partition, lane in self._lanes.items() if len(lane.records) <= few]

    def _held_max(self) -> int:
        return min(HELD_MAX, HELD_TOTAL_MAX // max(len(self._lanes), 1))

    def first_held(self, partition: int) -> Record | None:
        """The oldest record held of the partition."""
        records = self._lanes[partition].records
        return records[0] if records else None


def _merged(parts: list[tuple[list[int], list[Record]]]) -> list[Record]:
    if len(parts) == 1:
        return parts[0][1]
    pairs = list(chain.from_iterable(zip(times, records, strict=True) for times, records in parts))
    pairs.sort(key=_time_of)
    return [record for _, record in pairs]


_time_of: Callable[[tuple[int, object]], int] = itemgetter(0)
