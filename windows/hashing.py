"""64-bit ids of texts and contents of events, under a key: who does not know it can make no two of them collide."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from windows.contents import hash_object
from windows.jit import inlined, kernel
from windows.siphash import absorbed, finished, seeded, word_at

SEPARATOR = "\0"
_WORD = 8
_END = SEPARATOR.encode() * _WORD
"""Ends the last text; kernels read whole words."""

_NOT_IN_TEXTS = b"\xff" * _WORD
"""The same, of a byte that is in no UTF-8."""


@inlined
def _hash(text: NDArray[np.uint8], start: int, stop: int, key0: np.uint64, key1: np.uint64) -> np.uint64:
    state, at = seeded(key0, key1), start
    while at + 8 <= stop:
        state = absorbed(state, word_at(text, at))
        at += 8
    rest = np.uint64(0)
    for k in range(stop - at):
        rest |= np.uint64(text[np.uint64(at + k)]) << np.uint64(8 * k)
    return finished(state, stop - start, rest)


@kernel
def _hash_all(
    buffer: NDArray[np.uint8], objects: int, separator: int, key: NDArray[np.uint64], out: NDArray[np.uint64]
) -> None:
    """Fills `out` with the hash of each text and then of each object; an empty text is 0, another is never 0.

    `buffer` has the lengths of the objects, the objects, and the texts, each with `separator` behind it.
    """
    texts, at, key0, key1 = len(out) - objects, 8 * objects, key[0], key[1]
    for i in range(objects):
        end = at + int(word_at(buffer, 8 * i))
        out[texts + i] = hash_object(buffer, at, end, key0, key1)
        at = end
    for i in range(texts):
        start = at
        while buffer[np.uint64(at)] != separator:
            at += 1
        out[i] = np.uint64(0) if at == start else max(_hash(buffer, start, at, key0, key1), np.uint64(1))
        at += 1


class Hasher:
    """Hashes under one 16-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 16:
            raise ValueError(f"expected a key of 16 bytes, got {len(key)}")
        self._key = np.frombuffer(key, np.dtype("<u8")).astype(np.uint64)
        self.id("compile now")

    def ids(self, texts: Sequence[str | None]) -> NDArray[np.uint64]:
        """The id of each text, uint64; a missing or empty text has the id 0."""
        return self.hashes(texts, ())

    def hashes(self, texts: Sequence[str | None], objects: Sequence[bytes]) -> NDArray[np.uint64]:
        """The ids of the texts, and behind them a hash of each JSON object.

        In the latter the order of the object's fields and white space make no difference. Fields inside other values
        are taken in their order, and numbers and strings as they are written.
        """
        there: Sequence[Any] = texts
        try:
            joined = SEPARATOR.join(there)
        except TypeError:
            joined = SEPARATOR.join([text or "" for text in texts])
        encoded, end = joined.encode(), _END
        if joined.count(SEPARATOR) >= len(texts):
            encoded, end = _NOT_IN_TEXTS[:1].join([(text or "").encode() for text in texts]), _NOT_IN_TEXTS
        buffer = np.frombuffer(b"".join((array("q", map(len, objects)), *objects, encoded, end)), np.uint8)
        out = np.empty(len(texts) + len(objects), np.uint64)
        _hash_all(buffer, len(objects), end[0], self._key, out)
        return out

    def id(self, text: str) -> int:
        """The id of one text."""
        return int(self.ids([text])[0])
