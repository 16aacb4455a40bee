"""64-bit ids of texts: SipHash-1-3 under a key, so that nobody who does not know the key can make two texts collide.

Source: Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012; one compression and three finalization rounds.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from windows.jit import inlined, kernel

SEPARATOR = "\0"
_NO_SEPARATOR = 256


@inlined
def _rotate(x: np.uint64, bits: int) -> np.uint64:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@inlined
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
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
def _siphash(text: NDArray[np.uint8], start: int, stop: int, key0: np.uint64, key1: np.uint64) -> np.uint64:
    v0 = key0 ^ np.uint64(0x736F6D6570736575)
    v1 = key1 ^ np.uint64(0x646F72616E646F6D)
    v2 = key0 ^ np.uint64(0x6C7967656E657261)
    v3 = key1 ^ np.uint64(0x7465646279746573)
    length = stop - start
    whole = start + (length & ~7)
    at = start
    while at < whole:
        word = np.uint64(0)
        for k in range(8):
            word |= np.uint64(text[at + k]) << np.uint64(8 * k)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
        at += 8
    word = np.uint64(length & 0xFF) << np.uint64(56)
    for k in range(stop - whole):
        word |= np.uint64(text[whole + k]) << np.uint64(8 * k)
    v3 ^= word
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= word
    v2 ^= np.uint64(0xFF)
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@kernel
def _hash_parts(
    text: NDArray[np.uint8], separator: int, key0: np.uint64, key1: np.uint64, out: NDArray[np.uint64]
) -> None:
    """The hash of each part of `text` between separators; an empty part is 0, another is never 0."""
    start = 0
    part = 0
    for at in range(len(text) + 1):
        if at == len(text) or text[at] == separator:
            if at == start:
                out[part] = np.uint64(0)
            else:
                value = _siphash(text, start, at, key0, key1)
                out[part] = value if value != np.uint64(0) else np.uint64(1)
            part += 1
            start = at + 1


class Hasher:
    """Ids of texts under one 16-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 16:
            raise ValueError(f"expected a key of 16 bytes, got {len(key)}")
        self._key0 = np.uint64(int.from_bytes(key[:8], "little"))
        self._key1 = np.uint64(int.from_bytes(key[8:], "little"))
        self.id("compile now")

    def ids(self, texts: Sequence[str | None]) -> NDArray[np.uint64]:
        """The id of each text, uint64; a missing or empty text has the id 0."""
        if not texts:
            return np.empty(0, dtype=np.uint64)
        try:
            joined = SEPARATOR.join(cast(Sequence[str], texts))
        except TypeError:
            joined = SEPARATOR.join([text or "" for text in texts])
        if joined.count(SEPARATOR) == len(texts) - 1:
            return self._hash(joined, len(texts), ord(SEPARATOR))
        return np.concatenate([self._hash(text or "", 1, _NO_SEPARATOR) for text in texts])

    def id(self, text: str) -> int:
        """The id of one text."""
        return int(self.ids([text])[0])

    def _hash(self, joined: str, parts: int, separator: int) -> NDArray[np.uint64]:
        out = np.empty(parts, dtype=np.uint64)
        _hash_parts(np.frombuffer(joined.encode(), dtype=np.uint8), separator, self._key0, self._key1, out)
        return out
