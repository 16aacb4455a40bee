"""Values that change after their events came, against the oracle with a history that changed."""

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
    stream_of,
)
from windows import Aggregate


@pytest.mark.parametrize("page_rows", [4, 1024])
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(aggregates(), min_size=1, max_size=6), happenings(), revaluations())
def test_another_value_counts_from_then_on(
    page_rows: int, plan: list[Aggregate], stream: list[Happening], changes: Revaluations
) -> None:
    driver = WindowDriver(plan, page_rows=page_rows, lateness_ms=300)
    assert_equal_to_oracle_with_changes(driver, stream, changes)


def test_an_event_that_left_the_log_has_no_value_to_change() -> None:
    driver = WindowDriver(everything(1000), page_rows=64, lateness_ms=0)
    driver.take(stream_of(2000, seed=1, gap_ms=100, keys=3))
    assert not driver.revalue(0, "amount", 5)
    assert driver.revalue(1999, "amount", 5)
    for ordinal in (-1, 2000):
        with pytest.raises(ValueError, match=f"expected the ordinal of an event that was taken in, got {ordinal}"):
            driver.revalue(ordinal, "amount", 5)
    with pytest.raises(ValueError, match="expected a value column from 0 to 1, got 2"):
        driver.store.revalue(0, 2, 5)
