"""The store against the oracle: every aggregate, late and simultaneous events, missing keys, filters, delays."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening, feature
from support.window_streams import (
    aggregates,
    assert_all_equal_to_oracle,
    everything,
    happenings,
    same,
    stream_of,
)
from windows import FILTERS_MAX, Aggregate, Columns, WindowStore, plan_of
from windows.store import MEMORY_MIN


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(aggregates(), min_size=1, max_size=6), happenings(), st.lists(st.integers(1, 59), max_size=4))
def test_every_feature_equals_the_oracle(plan: list[Aggregate], stream: list[Happening], cuts: list[int]) -> None:
    assert_all_equal_to_oracle(WindowDriver(plan), stream, cuts)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(aggregates(), min_size=1, max_size=4), happenings(), st.lists(st.integers(1, 59), max_size=4))
def test_forgetting_what_no_window_reaches_changes_nothing(
    plan: list[Aggregate], stream: list[Happening], cuts: list[int]
) -> None:
    assert_all_equal_to_oracle(WindowDriver(plan, page_rows=4, lateness_ms=300), stream, cuts)


@pytest.mark.parametrize("late_share", [0.0, 0.1])
def test_a_long_stream_is_exact_while_pages_are_forgotten(late_share: float) -> None:
    """Sampled, since the oracle is slow: 20,000 events over many times the longest window."""
    over_ms, stream = 400_000, stream_of(20_000, seed=1, gap_ms=1000, keys=30, late_share=late_share)
    driver = WindowDriver(everything(over_ms))
    for start in range(0, len(stream), 777):
        rows = driver.take(stream[start : start + 777])
        for i in range(start, min(start + 777, len(stream)), 193):
            recent = stream[max(0, i - 3000) : i + 1]
            for aggregate, ours in zip(driver.plan.aggregates, rows[i - start], strict=True):
                assert same(ours, feature(recent, aggregate)), f"event {i}: {aggregate}"
    assert driver.store.events < 8 * 1024
    assert driver.store.complete_since_ms > stream[0].time_ms


def columns_of(first_ms: int, gap_ms: int, ids: Sequence[int], rows: int = 1) -> Columns:
    """Events `gap_ms` apart that pass filter 0, with `rows` id columns that all hold `ids`."""
    count = len(ids)
    return Columns(
        first_ms + gap_ms * np.arange(count, dtype=np.int64),
        np.tile(np.array(ids, dtype=np.uint64)[:, None], (1, rows)),
        np.empty((0, count), dtype=np.int64),
        np.ones(count, dtype=np.uint64),
        np.ones(count, dtype=bool),
    )


@pytest.mark.parametrize("batch", [1, 1000, 1024])
def test_keys_that_went_silent_give_their_slots_back(batch: int) -> None:
    store = WindowStore(plan_of([Aggregate("count", ("user",), 1000)], ()), MEMORY_MIN)
    for start in range(1, 20_000, batch):
        store.update(columns_of(10**12 + start * 1000, 1000, range(start, start + batch)))
    assert store.keys < 8 * 1024
    assert store.events < 8 * 1024


def test_events_are_counted_through_full_pages() -> None:
    store = WindowStore(plan_of([Aggregate("count", ("user",), 10**9)], ()), MEMORY_MIN, page_rows=4)
    counts = []
    for start in range(9):
        store.update(columns_of(10**12 + start, 1, [7]))
        counts.append(store.events)
    assert counts == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_full_log_forgets_its_oldest_page_and_says_so() -> None:
    """A plan of wide rows, so that a few pages fill the least memory a store can have."""
    page_rows, batch = 8192, 4096
    plan = plan_of([Aggregate("count", ("user",), 10**9, filter=f) for f in range(FILTERS_MAX)], ())
    store = WindowStore(plan, MEMORY_MIN, page_rows=page_rows)
    for start in range(0, 3 * store.capacity, batch):
        features, _ = store.update(columns_of(10**12 + start, 1, [7] * batch))
        held = 10**12 + start + batch - 1 - store.complete_since_ms
        assert features[0, -1] == min(start + batch, held)
    assert 0 < store.events <= store.capacity
    assert store.capacity - store.events < 2 * page_rows + batch
    assert store.complete_since_ms > 10**12


def test_a_log_too_small_for_one_batch_says_so() -> None:
    plan = plan_of([Aggregate("count", ("user",), 10**9)], ())
    store = WindowStore(plan, MEMORY_MIN, page_rows=10**6)
    with pytest.raises(MemoryError, match=r"too small for one batch of events \(0 held\)"):
        store.update(columns_of(10**12, 1, [7]))


def test_sums_of_squares_do_not_drift() -> None:
    """One huge amount passes through a window of small ones: what it leaves behind is exact."""
    amounts = [*(100 + i % 2 for i in range(100)), 10**14, *(100 + i % 2 for i in range(101, 300))]
    nobody = {"device": None, "payee": None}
    stream = [
        Happening(time_ms, {"user": "a", **nobody}, {"amount": amount, "quantity": None}, frozenset({0}))
        for time_ms, amount in enumerate(amounts)
    ]
    assert_all_equal_to_oracle(WindowDriver([Aggregate("std", ("user",), 50, "amount")]), stream, [120])


def test_too_little_memory_and_too_large_a_batch_are_refused() -> None:
    plan = plan_of([Aggregate("count", ("user",), 1000)], ())
    with pytest.raises(ValueError, match="expected at least 67108864 bytes of memory, got 5"):
        WindowStore(plan, 5)
    with pytest.raises(ValueError, match="expected at most 8192 events, got 9000"):
        WindowDriver([Aggregate("count", ("user",), 1000)]).take(stream_of(9000, seed=1, gap_ms=1, keys=2))


def test_a_full_arena_forgets_pages_until_their_keys_make_room() -> None:
    """Every event brings new keys with large slots; their memory fills long before the log's."""
    aggregates = [Aggregate("std", ("user",), 10**9 + n, "amount") for n in range(60)]
    store = WindowStore(plan_of(aggregates, ("amount",)), MEMORY_MIN)
    rng = np.random.default_rng(1)
    for start in range(0, 100_000, 1000):
        ids = rng.integers(1, 2**63, size=1000, dtype=np.uint64)
        times = np.arange(10**12 + start, 10**12 + start + 1000)
        everybody = np.ones(1000, dtype=np.uint64)
        store.update(Columns(times, ids[:, None], np.full((1, 1000), 5), everybody, everybody == 0))
    assert store.complete_since_ms > 10**12
    assert 0 < store.keys < 20_000
