"""Events loaded without features: what comes after them is answered as if each had been taken in as it came."""

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
from windows import Aggregate


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 59),
    st.integers(1, 3),
    st.sampled_from((4, 16, 1024)),
    st.lists(aggregates(), min_size=1, max_size=6),
    happenings(),
    revaluations(),
)
def test_what_follows_equals_the_oracle(
    loaded: int,
    shards: int,
    page_rows: int,
    plan: list[Aggregate],
    stream: list[Happening],
    changes: Revaluations,
) -> None:
    driver = WindowDriver(plan, page_rows=page_rows, lateness_ms=300, shards=shards)
    assert_equal_to_oracle_with_changes(driver, stream, changes, loaded)


@pytest.mark.parametrize("part", [100, 777, 9000])
def test_a_long_stream_goes_on_from_any_place(part: int) -> None:
    """Compared with a store that took all events in batch by batch, while pages are forgotten."""
    stream = stream_of(12_000, seed=4, gap_ms=1000, keys=30, late_share=0.05)
    loaded, taken = WindowDriver(everything(400_000)), WindowDriver(everything(400_000))
    for start in range(0, 9000, part):
        loaded.load(stream[start : min(start + part, 9000)])
    for start in range(0, 9000, 500):
        taken.take(stream[start : start + 500])
    for start in range(9000, 12_000, 500):
        batch = stream[start : start + 500]
        for ours, theirs in zip(loaded.take(batch), taken.take(batch), strict=True):
            assert all(map(same, ours, theirs))
    assert (loaded.store.events, loaded.store.keys) == (taken.store.events, taken.store.keys)
    assert loaded.store.complete_since_ms == taken.store.complete_since_ms


def test_nothing_is_loaded_behind_an_update() -> None:
    driver = WindowDriver(everything(1000))
    stream = stream_of(10, seed=1, gap_ms=1, keys=2)
    driver.load(stream[:4])
    driver.take(stream[4:5])
    with pytest.raises(ValueError, match="expected all events to be loaded before the first update"):
        driver.load(stream[5:])
