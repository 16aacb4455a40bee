"""Percentiles against numpy, and what an event costs where a key has many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening, feature
from support.window_streams import assert_all_equal_to_oracle, stream_of
from windows import Aggregate


def of_user(share: int) -> Aggregate:
    return Aggregate("percentile", ("user",), 10**9, "amount", share=share)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=40), st.integers(0, 100_000))
def test_they_are_those_of_numpys_method_linear(amounts: list[int], share: int) -> None:
    history = [
        Happening(time_ms, {"user": "u"}, {"amount": amount}, frozenset({0})) for time_ms, amount in enumerate(amounts)
    ]
    expected = np.percentile(amounts, share / 1000, method="linear")
    assert feature(history, of_user(share)) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("late_share", [0.0, 0.3])
def test_a_hot_key_is_exact(late_share: float) -> None:
    """Windows of hundreds of values that come and go, some of them out of order."""
    stream = stream_of(1500, seed=5, gap_ms=10, keys=1, late_share=late_share)
    wanted = [
        Aggregate("percentile", ("user",), over_ms, "amount", share=share)
        for over_ms in (500, 4000)
        for share in (50_000, 99_900)
    ]
    assert_all_equal_to_oracle(WindowDriver(wanted, page_rows=64, lateness_ms=1000), stream, [1, 2, 700])
