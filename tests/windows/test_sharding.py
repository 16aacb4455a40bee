"""Several shards, joined, against the oracle of one."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening
from support.window_streams import (
    Revaluations,
    aggregates,
    assert_equal_to_oracle_with_changes,
    everything,
    happenings,
    revaluations,
    same,
    stream_of,
)
from windows import Aggregate, Columns, WindowStore, plan_of
from windows.store import MEMORY_MIN


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(2, 5),
    st.sampled_from((4, 1024)),
    st.lists(aggregates(), min_size=1, max_size=6),
    happenings(),
    revaluations(),
)
def test_any_number_of_shards_equals_the_oracle(
    shards: int, page_rows: int, plan: list[Aggregate], stream: list[Happening], changes: Revaluations
) -> None:
    driver = WindowDriver(plan, page_rows=page_rows, lateness_ms=300, shards=shards)
    assert_equal_to_oracle_with_changes(driver, stream, changes)


def test_shards_equal_one_store_over_many_pages() -> None:
    stream = stream_of(12_000, seed=3, gap_ms=1000, keys=30, late_share=0.05)
    plan = everything(400_000)
    one, three = WindowDriver(plan), WindowDriver(plan, shards=3)
    for start in range(0, len(stream), 777):
        part = stream[start : start + 777]
        for ours, theirs in zip(three.take(part), one.take(part), strict=True):
            assert all(map(same, ours, theirs))
    assert len({store.events for store in (*one.stores, *three.stores)}) == 1
    assert sum(store.keys for store in three.stores) < 2 * one.store.keys


def test_a_shard_whose_keys_need_more_memory_keeps_the_rows_of_the_others() -> None:
    """All keys belong to shard 0; only there pages leave their chains early, and their events change nothing more."""
    plan = plan_of([Aggregate("std", ("user",), 10**9 + n, "amount") for n in range(60)], ("amount",))
    stores = [WindowStore(plan, MEMORY_MIN, shard=shard, shards=2) for shard in range(2)]
    probe = WindowStore(plan_of([Aggregate("count", ("user",), 1)], ()), MEMORY_MIN, shard=0, shards=2)
    everybody = np.ones(1000, dtype=np.uint64)
    columns = None
    for start in range(0, 60_000, 1000):
        ids = np.random.default_rng(start).integers(1, 2**63, size=(3000, 1), dtype=np.uint64)
        nobody = np.zeros(3000, dtype=np.uint64)
        probe.update(Columns(nobody.astype(np.int64), ids, np.empty((0, 3000), np.int64), nobody, nobody == 1))
        times = np.arange(10**12 + start, 10**12 + start + 1000)
        columns = Columns(times, ids[probe.owned[0]][:1000], np.full((1, 1000), 5), everybody, everybody == 1)
        rows = [store.update(columns)[1] for store in stores]
        assert rows[0] == rows[1]
        assert stores[0].owned.all()
    assert stores[0].complete_since_ms > 10**12 > stores[1].complete_since_ms
    assert stores[0].events == stores[1].events == 60_000
    for ordinal in range(stores[0].complete_since_ms - 10**12 + 1):
        assert stores[0].revalue(ordinal, 0, 10**6)
    assert columns is not None
    features, _ = stores[0].update(columns)
    assert np.all(features.view(np.float64) == 0.0)


@pytest.mark.parametrize("shard", [-1, 3])
def test_a_shard_that_there_is_not_is_refused(shard: int) -> None:
    plan = plan_of([Aggregate("count", ("user",), 1000)], ())
    with pytest.raises(ValueError, match=f"expected a shard from 0 to 2, got {shard}"):
        WindowStore(plan, MEMORY_MIN, shard=shard, shards=3)
