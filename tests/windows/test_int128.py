"""128-bit arithmetic against Python's integers and fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from windows.int128 import add_square, multiply, squared_deviations

unsigned = st.integers(0, 2**64 - 1)
values = st.integers(-(2**56), 2**56)


def signed(words: NDArray[np.int64], at: int) -> int:
    return int(words[at + 1]) * 2**64 + int(words[at]) % 2**64


@given(unsigned, unsigned)
def test_products(a: int, b: int) -> None:
    low, high = multiply(np.uint64(a), np.uint64(b))
    assert int(high) * 2**64 + int(low) == a * b


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.sampled_from([1, -1])), max_size=7))
def test_sums_of_squares_with_carry_and_borrow(steps: list[tuple[int, int]]) -> None:
    words = np.array([7, 0, 0, 7], dtype=np.int64)
    total = 0
    for value, sign in steps:
        add_square(words, 1, value, sign)
        total += sign * value * value
        assert signed(words, 1) == total
    assert (words[0], words[3]) == (7, 7)


@given(st.lists(values, min_size=1, max_size=50))
def test_squared_deviations(numbers: list[int]) -> None:
    words = np.zeros(2, dtype=np.int64)
    for number in numbers:
        add_square(words, 0, number, 1)
    mean = Fraction(sum(numbers), len(numbers))
    expected = float(sum((number - mean) ** 2 for number in numbers))
    assert squared_deviations(words, 0, sum(numbers), len(numbers)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_small_differences_of_large_values_do_not_cancel() -> None:
    words = np.zeros(2, dtype=np.int64)
    numbers = [10**15, 10**15 + 1, 10**15 + 2]
    for number in numbers:
        add_square(words, 0, number, 1)
    assert squared_deviations(words, 0, sum(numbers), 3) == 2.0
