"""A store for another plan that takes over what an older one's log holds: it answers as if it had always been there."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening
from support.window_streams import aggregates, happenings, same, stream_of
from windows import Aggregate, graft_of


def grown(older: WindowDriver, plan: Sequence[Aggregate], page_rows: int, part: int = 1024) -> WindowDriver:
    """A driver for `plan` that has taken over all that the older one holds; filters are the same in both."""
    graft = graft_of(WindowDriver(plan).plan, older.plan, {number: number for number in range(63)})
    driver = WindowDriver(plan, page_rows=page_rows, lateness_ms=300, planned=graft.plan)
    for number in older.store.pages:
        for place in range(0, page_rows, part):
            kept = older.store.kept(number, graft, place, part)
            assert kept is not None
            if kept.rows:
                driver.adopt_texts(older, kept.rows, driver.store.take_kept(number, kept))
    return driver


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 59),
    st.sampled_from((4, 16, 1024)),
    st.lists(aggregates(), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    happenings(),
)
def test_windows_over_the_same_events_are_as_if_they_had_always_been(
    before: int, page_rows: int, plan: list[Aggregate], draw: random.Random, stream: list[Happening]
) -> None:
    """Any of the older plan's aggregates in any order and over other spans, of which none is longer than before."""
    chosen = draw.sample(plan, draw.randrange(1, len(plan) + 1))
    longest = max(each.reach_ms for each in plan)
    plan = [*plan, Aggregate("count", plan[0].by, longest, filter=plan[0].filter)]
    older = WindowDriver(plan, page_rows=page_rows, lateness_ms=300)
    older.take(stream[:before])
    younger = grown(older, chosen, page_rows, draw.choice((1, 3, 1024)) if page_rows < 1024 else 1024)
    always = WindowDriver(chosen, page_rows=page_rows, lateness_ms=10**6)
    always.take(stream[:before])
    for happening in stream[before:]:
        for ours, theirs in zip(younger.take([happening]), always.take([happening]), strict=True):
            assert all(map(same, ours, theirs))


def test_a_chain_that_was_not_kept_begins_with_what_comes() -> None:
    old = [Aggregate("count", ("user",), 10_000)]
    new = [Aggregate("count", ("device",), 10_000), *old, Aggregate("sum", ("user",), 10_000, "amount")]
    stream = stream_of(400, seed=3, gap_ms=1, keys=4)
    older, later = WindowDriver(old, lateness_ms=300), WindowDriver(new, lateness_ms=300)
    older.take(stream[:200])
    younger = grown(older, new, 1024)
    whole = WindowDriver(old)
    whole.take(stream[:200])
    for happening in stream[200:]:
        ours, count, fresh = younger.take([happening])[0], whole.take([happening])[0], later.take([happening])[0]
        assert same(ours[0], fresh[0])
        assert same(ours[1], count[0])
        assert same(ours[2], fresh[2])


def test_a_change_of_an_older_event_finds_it_in_the_new_log() -> None:
    plan = [Aggregate("sum", ("user",), 10**9, "amount"), Aggregate("max", ("user",), 10**9, "amount")]
    stream = stream_of(60, seed=5, gap_ms=1, keys=2)
    older, always = WindowDriver(plan, page_rows=16), WindowDriver(plan[::-1], page_rows=16)
    for driver in (older, always):
        driver.take(stream[:40])
    younger = grown(older, plan[::-1], 16)
    for ordinal, value in ((0, 7), (17, None), (39, 10**6)):
        assert younger.revalue(ordinal, "amount", value) == always.revalue(ordinal, "amount", value)
    for ours, theirs in zip(younger.take(stream[40:]), always.take(stream[40:]), strict=True):
        assert all(map(same, ours, theirs))


def test_pages_come_in_order_and_once() -> None:
    plan = [Aggregate("count", ("user",), 10**9)]
    older = WindowDriver(plan, page_rows=16)
    older.take(stream_of(40, seed=5, gap_ms=1, keys=2))
    younger = grown(older, plan, 16)
    graft = graft_of(younger.plan, older.plan, {0: 0})
    kept = older.store.kept(0, graft, 0, 16)
    assert kept is not None
    with pytest.raises(ValueError, match="expected page 2 or a later one"):
        younger.store.take_kept(0, kept)
