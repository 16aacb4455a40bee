"""Kernels of SipHash-1-3, word by word, and how words are read from bytes.

Source: Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012; one compression and three finalization rounds.
"""

import numpy as np
from numpy.typing import NDArray

from windows.jit import inlined

State = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@inlined
def _rotate(x: np.uint64, bits: int) -> np.uint64:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@inlined
def _round(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> State:
    v0 = v0 + v1
    v1 = _rotate(v1, 13) ^ v0
    v0 = _rotate(v0, 32)
    v2 = v2 + v3
    v3 = _rotate(v3, 16) ^ v2
    v0 = v0 + v3
    v3 = _rotate(v3, 21) ^ v0
    v2 = v2 + v1
    v1 = _rotate(v1, 17) ^ v2
    v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


@inlined
def seeded(key0: np.uint64, key1: np.uint64) -> State:
    """The state before the first word."""
    return (
        key0 ^ np.uint64(0x736F6D6570736575),
        key1 ^ np.uint64(0x646F72616E646F6D),
        key0 ^ np.uint64(0x6C7967656E657261),
        key1 ^ np.uint64(0x7465646279746573),
    )


@inlined
def absorbed(state: State, word: np.uint64) -> State:
    """The state behind one word more."""
    v0, v1, v2, v3 = state
    v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
    return v0 ^ word, v1, v2, v3


@inlined
def finished(state: State, length: int, rest: np.uint64) -> np.uint64:
    """The hash of `length` bytes, of which those behind the last whole word are in `rest`."""
    v0, v1, v2, v3 = absorbed(state, (np.uint64(length & 0xFF) << np.uint64(56)) | rest)
    v2 ^= np.uint64(0xFF)
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@inlined
def word_at(text: NDArray[np.uint8], at: int) -> np.uint64:
    """The eight bytes from `at` on, which must be there, the first one lowest."""
    first = np.uint64(at)
    return (
        np.uint64(text[first])
        | np.uint64(text[first + np.uint64(1)]) << np.uint64(8)
        | np.uint64(text[first + np.uint64(2)]) << np.uint64(16)
        | np.uint64(text[first + np.uint64(3)]) << np.uint64(24)
        | np.uint64(text[first + np.uint64(4)]) << np.uint64(32)
        | np.uint64(text[first + np.uint64(5)]) << np.uint64(40)
        | np.uint64(text[first + np.uint64(6)]) << np.uint64(48)
        | np.uint64(text[first + np.uint64(7)]) << np.uint64(56)
    )
