"""What the kernels read and write, grouped: the plan's tables, the log of events, and the arena of slots.

The kernel that every batch goes through takes their arrays one by one: numba needs three microseconds a call to unpack
these groups, which is nothing for a page of the log and a tenth of a batch of one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.jit import inlined

Words = NDArray[np.int64]
Cells = NDArray[np.int32]


class Tables(NamedTuple):
    """The plan's tables, int64[n, columns] each, with the columns named in `windows.layout`."""

    chains: Words
    windows: Words
    accumulators: Words
    outputs: Words


class Log(NamedTuple):
    """The events, in rows of `row_words` words; `cells` is the memory of `rows` as 4-byte integers."""

    rows: Words
    cells: Cells
    row_words: int


class Arena(NamedTuple):
    """The slots; `cells` is the memory of `words` as 4-byte integers.

    `free` and `register` are laid out as in `windows.layout`.
    """

    words: Words
    cells: Cells
    free: Words
    register: Words


PAGE_WORDS = 512
"""Words of the machine's smallest page of memory."""


def touch(*unused: Words) -> None:
    """Lets the machine give the memory of arrays that nothing is in yet: a page may take it milliseconds."""
    for words in unused:
        words[::PAGE_WORDS] = 0


@inlined
def time_of(log: Log, row: int) -> int:
    """When the event in `row` happened, in ms."""
    return int(log.rows[np.uint64(row * log.row_words)])


@inlined
def value_of(log: Log, row: int, column: int) -> int:
    """The value in word `column` of `row`, or NULL."""
    return int(log.rows[np.uint64(row * log.row_words + column)])


@inlined
def cell_of(log: Log, row: int, cell: int) -> int:
    """The row or slot that `cell` of `row` names, or NONE."""
    return int(log.cells[np.uint64(2 * row * log.row_words + cell)])


@inlined
def set_cell(log: Log, row: int, cell: int, value: int) -> None:
    """Lets `cell` of `row` name the row or slot `value`."""
    log.cells[np.uint64(2 * row * log.row_words + cell)] = value


def lacks_words(tables: Tables, arena: Arena, count: int) -> bool:
    """Whether the unused arena may be too small for the keys of `count` events."""
    new = np.maximum(count - arena.free[layout.FREE_COUNT], 0)
    most = int((new * tables.chains[:, layout.CHAIN_WORDS]).sum())
    return int(arena.register[layout.ARENA_TOP]) + most > len(arena.words)
