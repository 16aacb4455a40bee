"""Exact sums of squares: 128-bit integers in two int64 words of an array, low word first, two's complement."""

import numpy as np
from numpy.typing import NDArray

from windows.jit import inlined, kernel

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@inlined
def multiply(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The product of two unsigned words as (low, high)."""
    a0, a1 = a & _LOW, a >> _HALF
    b0, b1 = b & _LOW, b >> _HALF
    low = a0 * b0
    middle = a1 * b0 + (low >> _HALF)
    other = a0 * b1 + (middle & _LOW)
    return (other << _HALF) | (low & _LOW), a1 * b1 + (middle >> _HALF) + (other >> _HALF)


@inlined
def add_square(words: NDArray[np.int64], at: int, value: int, sign: int) -> None:
    """Adds (sign 1) or takes away (sign -1) the square of `value`."""
    magnitude = np.uint64(abs(value))
    low, high = multiply(magnitude, magnitude)
    old = np.uint64(words[at])
    if sign > 0:
        new = old + low
        carry = np.uint64(1) if new < old else np.uint64(0)
        words[at + 1] = np.int64(np.uint64(words[at + 1]) + high + carry)
    else:
        new = old - low
        borrow = np.uint64(1) if old < low else np.uint64(0)
        words[at + 1] = np.int64(np.uint64(words[at + 1]) - high - borrow)
    words[at] = np.int64(new)


@kernel
def squared_deviations(words: NDArray[np.int64], at: int, total: int, count: int) -> float:
    """Sum of squared deviations from the mean, of `count` values with sum `total` and their squares' sum in `words`.

    Around the integer m nearest below the mean: sum (x - m)^2 = Q - m (S + S - n m), exactly, so that nothing cancels
    in floating point.
    """
    m = total // count
    rest = total - m * count
    factor = total + rest
    low, high = multiply(np.uint64(abs(m)), np.uint64(abs(factor)))
    squares_low, squares_high = np.uint64(words[at]), np.uint64(words[at + 1])
    if (m < 0) == (factor < 0):
        around_low = squares_low - low
        borrow = np.uint64(1) if squares_low < low else np.uint64(0)
        around_high = squares_high - high - borrow
    else:
        around_low = squares_low + low
        carry = np.uint64(1) if around_low < low else np.uint64(0)
        around_high = squares_high + high + carry
    around = float(around_high) * 18446744073709551616.0 + float(around_low)
    return around - float(rest) * float(rest) / float(count)
