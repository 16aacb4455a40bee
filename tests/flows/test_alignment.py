"""Alignment against a naive oracle, on random partitions, times and ends."""

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from flows.kafka.alignment import HELD_MAX, HELD_TOTAL_MAX, LOW_SHARE, Alignment

PARTITIONS = range(4)


class Record(NamedTuple):
    """A record, by where it is and the time by which it is ordered: no earlier than that of those before it."""

    time: int
    partition: int
    offset: int


class Oracle:
    """Keeps all in one list and looks through it anew each time."""

    def __init__(self) -> None:
        self.held: list[Record] = []
        self.latest: dict[int, int] = {}
        self.ended: dict[int, bool] = {}

    def open(self, partition: int) -> None:
        self.ended.setdefault(partition, False)
        self.latest.setdefault(partition, 0)

    def close(self, partition: int) -> None:
        self.ended.pop(partition, None)
        self.latest.pop(partition, None)
        self.held = [record for record in self.held if record.partition != partition]

    def add(self, partition: int, times: Iterable[int], first_offset: int) -> None:
        if partition in self.ended:
            self.ended[partition] = False
            for offset, time in enumerate(times, first_offset):
                self.latest[partition] = max(self.latest[partition], time)
                self.held.append(Record(self.latest[partition], partition, offset))

    def release(self) -> list[Record]:
        running = [partition for partition, ended in self.ended.items() if not ended]
        if len(self.ended) == 1 or not running:
            given = self.held
        else:
            last = {record.partition: record.time for record in self.held}
            horizon = min(last.get(partition, -1) for partition in running)
            given = [record for record in self.held if record.time <= horizon]
        self.held = [record for record in self.held if record not in given]
        return sorted(given)


class Both:
    """The alignment and its oracle, which are told the same."""

    def __init__(self, opened: Iterable[int] = ()) -> None:
        self.alignment, self.oracle = Alignment[Record](), Oracle()
        self.added: dict[int, list[Record]] = {partition: [] for partition in PARTITIONS}
        self.released: list[Record] = []
        for partition in opened:
            self.open(partition)

    def open(self, partition: int) -> None:
        self.alignment.open(partition)
        self.oracle.open(partition)

    def close(self, partition: int) -> None:
        self.alignment.close(partition)
        self.oracle.close(partition)

    def add(self, partition: int, times: list[int]) -> None:
        before = len(self.oracle.held)
        self.oracle.add(partition, times, len(self.added[partition]))
        records = self.oracle.held[before:]
        opened = partition in self.oracle.ended
        given = records if opened else [Record(time, partition, 0) for time in times]
        assert self.alignment.add(partition, times, given) == opened
        self.added[partition].extend(records)

    def end(self, partition: int) -> None:
        if partition in self.oracle.ended:
            self.alignment.end(partition)
            self.oracle.ended[partition] = True

    def release(self) -> list[Record]:
        given = self.alignment.release()
        assert sorted(given) == self.oracle.release()
        assert [record.time for record in given] == sorted(record.time for record in given)
        self.released.extend(given)
        return given

    def of(self, partition: int) -> list[Record]:
        return [record for record in self.released if record.partition == partition]


partitions = st.sampled_from(PARTITIONS)
times = st.lists(st.integers(-1, 20), min_size=1, max_size=6)
additions = st.tuples(st.just("add"), partitions, times)
releases = st.tuples(st.just("release"), st.just(0), st.just([0]))
ends = st.tuples(st.just("end"), partitions, st.just([0]))
moves = st.tuples(st.sampled_from(("open", "close")), partitions, st.just([0]))
Step = tuple[str, int, list[int]]


def play(both: Both, steps: Iterable[Step]) -> None:
    for step, partition, given_times in steps:
        if step == "add":
            both.add(partition, given_times)
        elif step == "release":
            both.release()
        elif step == "end":
            both.end(partition)
        elif step == "open":
            both.open(partition)
        else:
            both.close(partition)


@given(st.lists(additions | releases | ends | moves, max_size=60))
def test_it_releases_what_the_oracle_does(steps: list[Step]) -> None:
    both = Both(PARTITIONS[:2])
    play(both, steps)
    for partition in both.oracle.ended:
        held = [record for record in both.oracle.held if record.partition == partition]
        assert both.alignment.first_held(partition) == (held[0] if held else None)
    assert both.alignment.running() == [partition for partition, ended in both.oracle.ended.items() if not ended]


@given(st.lists(additions | releases | ends, max_size=60))
def test_nothing_is_lost_or_doubled_and_each_partition_keeps_its_order(steps: list[Step]) -> None:
    both = Both(PARTITIONS)
    play(both, steps)
    for partition in PARTITIONS:
        both.end(partition)
    both.release()
    assert both.alignment.release() == []
    for partition in PARTITIONS:
        assert both.of(partition) == both.added[partition]


@given(st.lists(additions | releases, max_size=60))
def test_all_is_in_order_of_time_while_no_partition_ends(steps: list[Step]) -> None:
    both = Both(PARTITIONS)
    play(both, steps)
    given_times = [record.time for record in both.released]
    assert given_times == sorted(given_times)


@given(st.lists(additions | releases, max_size=30), st.sampled_from(PARTITIONS))
def test_a_closed_partition_is_forgotten(steps: list[Step], partition: int) -> None:
    both = Both(PARTITIONS)
    play(both, steps)
    both.close(partition)
    released = len(both.released)
    for other in PARTITIONS:
        both.end(other)
    both.release()
    assert partition not in {record.partition for record in both.released[released:]}
    both.open(partition)
    assert both.alignment.first_held(partition) is None
    both.add(partition, [-1])
    assert both.release()[0].time == 0


def test_a_partition_that_brings_nothing_holds_the_others_back_until_it_ends() -> None:
    both = Both((0, 1))
    both.add(0, [5, 6])
    assert both.release() == []
    assert both.alignment.silent() == [1]
    both.end(1)
    assert both.alignment.silent() == []
    assert [record.time for record in both.release()] == [5, 6]


def test_a_partition_that_brings_something_after_its_end_counts_again() -> None:
    both = Both((0, 1))
    both.end(1)
    both.add(1, [3])
    both.add(0, [1, 5])
    assert [record.time for record in both.release()] == [1, 3]
    both.add(0, [7])
    assert both.release() == []


def test_nobody_is_silent_where_nobody_waits() -> None:
    both = Both((0, 1))
    assert both.alignment.silent() == []
    both.add(0, [1])
    both.end(0)
    both.end(1)
    both.release()
    assert both.alignment.silent() == []


def test_a_single_partition_never_waits() -> None:
    both = Both((3,))
    both.add(3, [9, 1, 10])
    assert [record.offset for record in both.release()] == [0, 1, 2]


def test_a_partition_far_ahead_waits_until_little_of_it_is_held() -> None:
    both = Alignment[int]()
    for partition in (0, 1):
        both.open(partition)
    both.add(0, range(HELD_MAX), range(HELD_MAX))
    assert both.ahead() == []
    both.add(0, [HELD_MAX], [HELD_MAX])
    assert (both.ahead(), both.behind()) == ([0], [1])
    low = HELD_MAX // LOW_SHARE
    both.add(1, [HELD_MAX - low - 1], [0])
    assert both.release()[-1] == 0
    assert both.behind() == [1]
    both.add(1, [HELD_MAX - low], [1])
    both.release()
    assert (both.ahead(), both.behind()) == ([], [0, 1])


def test_many_partitions_share_what_may_be_held() -> None:
    both, count = Alignment[int](), 64
    for partition in range(count):
        both.open(partition)
    most = HELD_TOTAL_MAX // count
    assert most < HELD_MAX
    both.add(7, range(most), range(most))
    assert both.ahead() == []
    both.add(7, [most], [most])
    assert both.ahead() == [7]
