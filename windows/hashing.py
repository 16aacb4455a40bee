"""64-bit ids of texts and contents of events, under a key: who does not know it can make no two of them collide."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from windows.contents import MARGIN, hash_objects
from windows.jit import inlined, kernel
from windows.siphash import absorbed, finished, seeded, word_at

SEPARATOR = "\0"
_SEPARATOR, _NO_SEPARATOR = ord(SEPARATOR), 256
_MARGIN = bytes(MARGIN)


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
                value = _hash(text, start, at, key0, key1)
                out[part] = value if value != np.uint64(0) else np.uint64(1)
            part += 1
            start = at + 1


class Hasher:
    """Hashes under one 16-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 16:
            raise ValueError(f"expected a key of 16 bytes, got {len(key)}")
        self._key0 = np.uint64(int.from_bytes(key[:8], "little"))
        self._key1 = np.uint64(int.from_bytes(key[8:], "little"))
        self.id("compile now")
        self.contents([])

    def ids(self, texts: Sequence[str | None]) -> NDArray[np.uint64]:
        """The id of each text, uint64; a missing or empty text has the id 0."""
        there: Sequence[Any] = texts
        try:
            joined = SEPARATOR.join(there)
        except TypeError:
            joined = SEPARATOR.join([text or "" for text in texts])
        out = np.empty(len(texts), dtype=np.uint64)
        if joined.count(SEPARATOR) == len(texts) - 1:
            self._hash(joined, _SEPARATOR, out)
        else:
            for at, text in enumerate(texts):
                self._hash(text or "", _NO_SEPARATOR, out[at : at + 1])
        return out

    def id(self, text: str) -> int:
        """The id of one text."""
        return int(self.ids([text])[0])

    def contents(self, raws: Sequence[bytes]) -> NDArray[np.uint64]:
        """A hash of each JSON object, uint64, in which the order of its fields and white space make no difference.

        Fields inside other values are taken in their order, and numbers and strings as they are written.
        """
        lengths = np.fromiter(map(len, raws), np.int64, len(raws))
        text = np.frombuffer(b"".join((*raws, _MARGIN)), np.uint8)
        out = np.empty(len(raws), np.uint64)
        hash_objects(text, lengths, self._key0, self._key1, out)
        return out

    def _hash(self, joined: str, separator: int, out: NDArray[np.uint64]) -> None:
        _hash_parts(np.frombuffer(joined.encode(), dtype=np.uint8), separator, self._key0, self._key1, out)
