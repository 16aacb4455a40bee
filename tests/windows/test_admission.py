"""Admission against its oracle, and what a stream's clock must not be moved by."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.admission_oracle import NaiveAdmission
from windows import CONFLICT, DUPLICATE, FRESH, FUTURE, LATE, Admission

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 10**12


@dataclass(frozen=True)
class Coming:
    id: int
    content: int
    timestamp_ms: int
    arrival_ms: int = 0


def take(admission: Admission, stream: Sequence[Coming], known: bool = True) -> list[tuple[int, int, int]]:
    """Kind, serial and clock of each event of one batch; arrivals are given if they are `known`."""
    verdicts = admission.admit(
        np.array([c.id for c in stream], dtype=np.uint64),
        np.array([c.content for c in stream], dtype=np.uint64),
        np.array([c.timestamp_ms for c in stream], dtype=np.int64),
        np.array([c.arrival_ms for c in stream], dtype=np.int64) if known else None,
    )
    return list(zip(verdicts.kinds.tolist(), verdicts.serials.tolist(), verdicts.clock_ms.tolist(), strict=True))


@st.composite
def comings(draw: st.DrawFn) -> list[Coming]:
    """Up to 150 events: mostly in step, some late, some ahead, some again, with known or unknown arrivals."""
    known = draw(st.booleans())
    dice = random.Random(draw(st.integers(0, 2**32)))
    steps = draw(st.sampled_from(((0, 1, 3), (0, 5, 60), (2, 40, 200))))
    strays = draw(st.sampled_from(((0,), (0, 0, 0, -40, -400, 30, 400, 10**9), (0, 10**9, -(10**9)))))
    jumps = draw(st.sampled_from(((0,), (0, 0, 0, 0, 0, 0, 0, 0, 0, 500, -500))))
    ids = draw(st.sampled_from((2, 20, 2**64)))
    now_ms, stream = START, []
    for _ in range(draw(st.integers(1, 150))):
        now_ms += dice.choice(steps) + dice.choice(jumps)
        stream.append(
            Coming(
                dice.randrange(ids), dice.choice((0, 2**64 - 1)), now_ms + dice.choice(strays), now_ms if known else 0
            )
        )
    return stream


def state(admission: Admission | NaiveAdmission) -> tuple[int, int, int, int]:
    return admission.oldest, admission.repeatable, admission.next_serial, admission.forgotten_early


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    comings(),
    st.tuples(st.sampled_from((0, 30, 300)), st.sampled_from((1, 20, 200)), st.sampled_from((0, 50, 1000))),
    st.sampled_from((0, 100)),
    st.sampled_from((1, 3, 20, 10**6)),
    st.lists(st.integers(1, 149), max_size=4),
)
def test_verdicts_equal_the_oracle(
    stream: list[Coming], limits: tuple[int, int, int], longer_ms: int, entries_max: int, cuts: list[int]
) -> None:
    keep_ms = limits[2] + longer_ms
    ours, theirs = Admission(*limits, keep_ms, entries_max), NaiveAdmission(*limits, keep_ms, entries_max)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in pairwise(edges):
        part = stream[start:end]
        expected = [theirs.admit(c.id, c.content, c.timestamp_ms, c.arrival_ms) for c in part]
        assert take(ours, part, known=any(c.arrival_ms for c in stream)) == expected
        assert state(ours) == state(theirs)
        ids = sorted({c.id for c in stream})
        assert ours.find(np.array(ids, dtype=np.uint64)).tolist() == [theirs.find(each) for each in ids]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(comings(), st.integers(0, 150), st.sampled_from((1, 3, 20, 10**6)))
def test_what_was_admitted_is_all_that_a_restart_needs(stream: list[Coming], at: int, entries_max: int) -> None:
    whole, before, after = (Admission(30, 20, 100, 150, entries_max) for _ in range(3))
    expected = take(whole, stream)
    kinds = [kind for kind, _, _ in take(before, stream[:at])]
    admitted = [c for c, kind in zip(stream, kinds, strict=False) if kind in (FRESH, LATE, FUTURE)]
    after.load(
        np.array([c.id for c in admitted], dtype=np.uint64),
        np.array([c.content for c in admitted], dtype=np.uint64),
        np.array([c.timestamp_ms for c in admitted], dtype=np.int64),
        np.array([c.arrival_ms for c in admitted], dtype=np.int64),
    )
    assert state(after) == state(before)
    assert take(after, stream[at:]) == expected[at:]
    assert state(after) == state(whole)


def steady(count: int, first: int = 0, gap_ms: int = 1000, known: bool = True) -> list[Coming]:
    """Punctual events `gap_ms` apart, with ids from `first` on."""
    times = [START + gap_ms * number for number in range(first, first + count)]
    return [Coming(first + n, 0, time, time if known else 0) for n, time in enumerate(times)]


def kinds_of(stream: Sequence[Coming], known: bool = True) -> list[int]:
    return [kind for kind, _, _ in take(Admission(HOUR, 5 * MINUTE, DAY, DAY), stream, known)]


@pytest.mark.parametrize("known", [True, False])
def test_wild_times_make_nobody_else_late(known: bool) -> None:
    """Fifteen of 64 events, years ahead, or years behind."""
    dice, stream = random.Random(1), steady(640, known=known)
    for start in range(64, 640, 64):
        for at in dice.sample(range(start, start + 64), 7):
            stray_ms = dice.choice((-1, 1)) * dice.randrange(DAY, 4000 * DAY)
            stream[at] = Coming(at, 0, stream[at].timestamp_ms + stray_ms, stream[at].arrival_ms)
    expected = [
        FRESH if abs(c.timestamp_ms - START - 1000 * at) < HOUR else FUTURE if c.timestamp_ms > START + DAY else LATE
        for at, c in enumerate(stream)
    ]
    assert kinds_of(stream, known) == expected
    assert {LATE, FUTURE} < set(expected)


def test_lateness_and_skew_are_exact() -> None:
    stream = steady(100)
    at, arrival_ms = stream[-1].timestamp_ms, stream[-1].arrival_ms
    for stray_ms, kind in ((-HOUR, FRESH), (-HOUR - 1, LATE), (5 * MINUTE, FRESH), (5 * MINUTE + 1, FUTURE)):
        assert kinds_of([*stream, Coming(1000, 0, at + stray_ms, arrival_ms)])[-1] == kind


def test_a_handful_of_events_has_no_clock_yet() -> None:
    """Nothing is in the future then; what is late is measured by the second latest."""
    days = (0, 400, 0, 400, 800, 0)
    stream = [Coming(n, 0, START + day * DAY) for n, day in enumerate(days)]
    assert kinds_of(stream, known=False) == [FRESH, FRESH, FRESH, FRESH, FRESH, LATE]
    verdicts = Admission(HOUR, MINUTE, DAY, DAY).admit(
        np.array([1], np.uint64), np.array([1], np.uint64), np.array([5]), None
    )
    assert verdicts.clock_ms.tolist() == [5]


def test_an_id_again_is_a_duplicate_or_a_conflict_until_dedupe_is_over() -> None:
    first = Coming(7, 1, START, START)
    for after_ms, kind in ((0, DUPLICATE), (DAY, DUPLICATE), (DAY + 1, FRESH)):
        again = Coming(7, 1, START + after_ms, START + after_ms)
        assert kinds_of([first, again])[-1] == kind
    assert kinds_of([first, Coming(7, 2, START + 5, START + 5)])[-1] == CONFLICT


def test_nobody_is_late_after_an_interruption() -> None:
    """What waited for thirty hours is not late, nor is it new if it had come before; what was late before is late."""
    before = steady(100)
    resumed_ms = before[-1].timestamp_ms + 30 * HOUR
    backlog = [Coming(c.id, 0, c.timestamp_ms, resumed_ms) for c in steady(200, 100)]
    again = [Coming(c.id, 0, c.timestamp_ms, resumed_ms) for c in before]
    late = [Coming(10**6 + n, 0, before[n].timestamp_ms - HOUR - 200_000, resumed_ms) for n in range(100)]
    stream = [*before, *(c for three in zip(again, late, backlog, strict=False) for c in three), *backlog[100:]]
    assert kinds_of(stream) == [FRESH] * 100 + [DUPLICATE, LATE, FRESH] * 100 + [FRESH] * 100


@pytest.mark.parametrize("few", [1, 2, 7])
@pytest.mark.parametrize("gap_ms", [1000, DAY // 50])
@pytest.mark.parametrize("known", [True, False])
def test_few_wild_times_end_nobodys_dedupe(known: bool, gap_ms: int, few: int) -> None:
    """Not even where events are so far apart that there is no clock."""
    wild = [Coming(10**6 + n, 0, START + (4000 + n) * DAY, START if known else 0) for n in range(few)]
    for before in (1, 2, 5, 40):
        stream = steady(before, gap_ms=gap_ms, known=known)
        assert kinds_of([*wild, *stream, *stream], known)[-before:] == [DUPLICATE] * before
        assert kinds_of([*stream, *wild, *stream], known)[-before:] == [DUPLICATE] * before


def test_many_ids_are_remembered_and_forgotten_page_by_page() -> None:
    """More than the table and the pages hold at first, and many times round."""
    admission = Admission(HOUR, 5 * MINUTE, 20_000 * 1000, 20_000 * 1000)
    for start in range(0, 200_000, 10_000):
        assert {kind for kind, _, _ in take(admission, steady(10_000, start))} == {FRESH}
    assert admission.next_serial == 200_000
    assert admission.oldest == 200_000 - 20_001
    kinds = [kind for kind, _, _ in take(admission, steady(200_000 - admission.oldest, admission.oldest))]
    assert set(kinds) == {DUPLICATE}
    assert admission.forgotten_early == 0


def test_a_full_ledger_forgets_its_oldest_and_says_so() -> None:
    admission = Admission(HOUR, 5 * MINUTE, DAY, DAY, entries_max=10_000)
    take(admission, steady(30_000, gap_ms=1))
    assert (admission.oldest, admission.forgotten_early) == (20_000, 20_000)
    kinds = [kind for kind, _, _ in take(admission, steady(10_001, 19_999, gap_ms=1)[::-1])]
    assert kinds == [DUPLICATE] * 10_000 + [FRESH]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            (-1, 1, 1, 1, 1),
            "lateness_ms of at least 0, skew_ms of at least 1 and dedupe_ms from 0 to keep_ms, got -1, 1, 1 and 1",
        ),
        ((1, 0, 1, 1, 1), "got 1, 0, 1 and 1"),
        ((1, 1, -5, 1, 1), "got 1, 1, -5 and 1"),
        ((1, 1, 5, 4, 1), "got 1, 1, 5 and 4"),
        ((1, 1, 1, 1, 0), "expected entries_max from 1 to 1073741824, got 0"),
        ((1, 1, 1, 1, 2**31), "expected entries_max from 1 to 1073741824, got 2147483648"),
    ],
)
def test_limits_that_mean_nothing_are_refused(limits: tuple[int, int, int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Admission(*limits)
