"""Values that change after their events came, against the oracle with a history that changed."""

from dataclasses import replace
from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening
from support.window_streams import aggregates, assert_equal_to_oracle, everything, happenings, stream_of
from windows import Aggregate

Revaluations = list[tuple[int, int, str, int | None]]


@st.composite
def revaluations(draw: st.DrawFn) -> Revaluations:
    """Sorted: after how many events which one (of those then taken in, roughly) gets another value of which name."""
    places, names = st.integers(1, 59), st.sampled_from(("amount", "quantity"))
    values = st.sampled_from((None, 0, 1, 2, -5, 10**14))
    changes = st.tuples(places, st.integers(0, 58), names, values)
    return sorted(draw(st.lists(changes, min_size=1, max_size=12)), key=itemgetter(0))


@pytest.mark.parametrize("page_rows", [4, 1024])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(aggregates(), min_size=1, max_size=6), happenings(), revaluations())
def test_another_value_counts_from_then_on(
    page_rows: int, plan: list[Aggregate], stream: list[Happening], changes: Revaluations
) -> None:
    driver, history = WindowDriver(plan, page_rows=page_rows, lateness_ms=300), list(stream)
    taken = 0
    for place, number, name, value in changes:
        place = min(place, len(stream))
        assert_equal_to_oracle(driver, history, taken, place)
        taken = place
        if name in driver.plan.values:
            ordinal = number % place
            held = driver.revalue(ordinal, name, value)
            assert held or page_rows < 60
            happening = history[ordinal]
            history[ordinal] = replace(happening, values={**happening.values, name: value})
    assert_equal_to_oracle(driver, history, taken, len(stream))


def test_an_event_that_left_the_log_has_no_value_to_change() -> None:
    driver = WindowDriver(everything(1000), page_rows=64, lateness_ms=0)
    driver.take(stream_of(2000, seed=1, gap_ms=100, keys=3))
    assert not driver.revalue(0, "amount", 5)
    assert driver.revalue(1999, "amount", 5)
    for ordinal in (-1, 2000):
        with pytest.raises(ValueError, match=f"expected the ordinal of an event that was taken in, got {ordinal}"):
            driver.revalue(ordinal, "amount", 5)
    with pytest.raises(ValueError, match="expected a value column from 0 to 0, got 1"):
        driver.store.revalue(0, 1, 5)
