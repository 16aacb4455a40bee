"""A copy of a topic's records in a file, which is read as often as there are packs to measure on it."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

COLUMNS = 4
"""Whole numbers of each record: when it came, its partition, its offset, and how long its value is."""

_WORD = 8


class Portion(NamedTuple):
    """Some of the records: their values, int64 columns of when they came and where they lie.

    `share` is how much has been read, from 0 to 1.
    """

    lines: list[bytes]
    arrived_ms: NDArray[np.int64]
    partitions: NDArray[np.int64]
    offsets: NDArray[np.int64]
    share: float


class TopicCopy:
    """Keeps what it is given in `file`, which is empty and open for reading and writing. `name` says what it is of."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def add(
        self, values: Sequence[bytes], arrived_ms: Sequence[int], partitions: Sequence[int], offsets: Sequence[int]
    ) -> None:
        """Keeps n records behind those that are there. Raises OSError, such as for a full disk."""
        columns = np.array([arrived_ms, partitions, offsets, [len(value) for value in values]], dtype="<i8")
        for part in (np.array(len(values), dtype="<i8").tobytes(), columns.tobytes(), b"".join(values)):
            self._file.write(part)
            self._digest.update(part)
            self._size += len(part)

    def identity(self) -> str:
        """Hexadecimal digits that are the same for the same records, in the same portions."""
        return self._digest.hexdigest()

    def portions(self) -> Iterator[Portion]:
        """What was added, as it was added."""
        self._file.seek(0)
        while head := self._file.read(_WORD):
            (count,) = np.frombuffer(head, dtype="<i8").tolist()
            columns = np.frombuffer(self._file.read(COLUMNS * _WORD * count), dtype="<i8").reshape(COLUMNS, count)
            ends = np.cumsum(columns[3]).tolist()
            joined = self._file.read(ends[-1] if count else 0)
            lines = [joined[start:end] for start, end in zip([0, *ends], ends, strict=False)]
            yield Portion(lines, columns[0], columns[1], columns[2], self._file.tell() / self._size)
