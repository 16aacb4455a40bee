"""Kernels of an open-addressing hash table: from 64-bit keys to the places of the records that hold them.

An entry holds the place of a record, below 2^32 and never 0, in its low half and the key's low half above it, so that
other keys are passed without a look at their records, and the table can be doubled without one. An entry of 0 is
empty. A table's length is a power of two. A record has its key in its first word.
"""

import numpy as np

from windows import layout
from windows.jit import inlined, kernel
from windows.memory import Words

_LOW = np.uint64(0xFFFFFFFF)


@inlined
def find(table: Words, words: Words, key: np.uint64) -> tuple[int, int]:
    """Where in `words` the record of `key` is, or UNSEEN, and where in the table its entry is or belongs."""
    mask = np.uint64(len(table) - 1)
    at = key & mask
    tag = key & _LOW
    while True:
        entry = np.uint64(table[np.int64(at)])
        if entry == np.uint64(0):
            return layout.UNSEEN, int(np.int64(at))
        if entry >> np.uint64(32) == tag:
            record = int(np.int64(entry & _LOW))
            if np.uint64(words[record]) == key:
                return record, int(np.int64(at))
        at = (at + np.uint64(1)) & mask


@inlined
def put(table: Words, at: int, key: np.uint64, record: int) -> None:
    """Lets the entry at `at`, where `find` said that `key` belongs, name its record."""
    table[at] = np.int64(((key & _LOW) << np.uint64(32)) | np.uint64(record))


@inlined
def vacate(table: Words, at: int) -> None:
    """Empties the entry at `at`, and closes the gap for those behind it."""
    mask = np.uint64(len(table) - 1)
    hole = np.uint64(at)
    following = hole
    while True:
        following = (following + np.uint64(1)) & mask
        entry = np.uint64(table[np.int64(following)])
        if entry == np.uint64(0):
            break
        home = (entry >> np.uint64(32)) & mask
        if ((following - home) & mask) >= ((following - hole) & mask):
            table[np.int64(hole)] = np.int64(entry)
            hole = following
    table[np.int64(hole)] = 0


@kernel
def rehash(table: Words, larger: Words) -> None:
    """Enters everything of `table` into the empty `larger`."""
    mask = np.uint64(len(larger) - 1)
    for old in range(len(table)):
        entry = np.uint64(table[old])
        if entry != np.uint64(0):
            at = (entry >> np.uint64(32)) & mask
            while larger[np.int64(at)] != 0:
                at = (at + np.uint64(1)) & mask
            larger[np.int64(at)] = np.int64(entry)


def roomy(table: Words, keys: int) -> Words:
    """The table, or one with the same entries that has room for so many keys."""
    size = len(table)
    while keys * 5 > size * 3:
        size *= 2
    if size == len(table):
        return table
    larger = np.zeros(size, dtype=np.int64)
    rehash(table, larger)
    return larger
