"""The kernels that take in many events of which nobody asks for the features: links first, windows once at the end.

What is in a window follows from the chain of its key and the time the slot stands at, so that nothing has to slide.
"""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import enters, link, locate
from windows.extremes import restore_deque
from windows.jit import inlined, kernel
from windows.memory import Arena, Cells, Log, Tables, Words, cell_of, set_cell, time_of
from windows.sliding import accumulate

Marks = NDArray[np.uint8]


@inlined
def _link_all(
    log: Log, tables: Tables, arena: Arena, filters: NDArray[np.uint64], slots: Cells, first_row: int, late: Marks
) -> None:
    """Links the events into their chains, one chain after the other, and marks rows that are not the last there."""
    for c in range(len(tables.chains)):
        cell = tables.chains[c, layout.CHAIN_CELL]
        has_windows = tables.chains[c, layout.CHAIN_WINDOWS_END] > tables.chains[c, layout.CHAIN_WINDOWS]
        for i in range(len(filters)):
            slot, row = int(slots[i, c]), first_row + i
            owned = slot >= 0
            if slot < layout.FOREIGN:
                slot = layout.FOREIGN - slot
            if slot < 0 or not enters(tables.chains, c, filters[i]):
                set_cell(log, row, cell + layout.SLOT, layout.NONE)
                continue
            link(log, cell, arena, slot, row)
            if cell_of(log, row, cell + layout.NEXT) != layout.NONE:
                late[row] = 1
            elif has_windows and owned:
                arena.words[slot + layout.SLOT_NOW] = max(arena.words[slot + layout.SLOT_NOW], time_of(log, row))


@kernel
def load(
    chains: Words,
    windows: Words,
    accumulators: Words,
    outputs: Words,
    words: Words,
    word_cells: Cells,
    free: Words,
    register: Words,
    rows: Words,
    cells: Cells,
    row_words: int,
    table: Words,
    times: Words,
    ids: NDArray[np.uint64],
    values: Words,
    filters: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    first_row: int,
    slots: Cells,
    late: Marks,
) -> None:
    """Takes the events into the rows from `first_row` on and links them; `judged` is false for all of them."""
    tables = Tables(chains, windows, accumulators, outputs)
    arena = Arena(words, word_cells, free, register)
    log = Log(rows, cells, row_words)
    for i in range(len(times)):
        at = (first_row + i) * row_words
        rows[at] = times[i]
        for v in range(len(values)):
            rows[at + 1 + v] = values[v, i]
    locate(tables, arena, table, ids, filters, judged, slots)
    _link_all(log, tables, arena, filters, slots, first_row, late)


@inlined
def _settle_row(log: Log, tables: Tables, arena: Arena, c: int, slot: int, row: int, late: bool) -> None:
    """Puts `row` of chain `c` into the windows of its key; rows come in the order in which they arrived."""
    time, now = time_of(log, row), arena.words[slot + layout.SLOT_NOW]
    for w in range(tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]):
        base = slot + tables.windows[w, layout.WINDOW_WORD]
        high = now - tables.windows[w, layout.WINDOW_DELAY]
        low = high - tables.windows[w, layout.WINDOW_OVER]
        tail, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
        if time > high:
            first = lead == layout.NONE or (late and time < time_of(log, lead))
            if tail == lead and first:
                arena.cells[2 * base] = row
            if first:
                arena.cells[2 * base + 1] = row
        elif time > low:
            if tail == lead or (late and time < time_of(log, tail)):
                arena.cells[2 * base] = row
            accumulate(log, tables, w, arena.words, base, row, 1, low, high, False, True)


@kernel
def settle(
    chains: Words,
    windows: Words,
    accumulators: Words,
    outputs: Words,
    words: Words,
    word_cells: Cells,
    free: Words,
    register: Words,
    rows: Words,
    cells: Cells,
    row_words: int,
    first_row: int,
    end_row: int,
    late: Marks,
) -> None:
    """Puts the rows `[first_row, end_row)` into the windows of their keys, which stand where they will."""
    tables = Tables(chains, windows, accumulators, outputs)
    arena = Arena(words, word_cells, free, register)
    log = Log(rows, cells, row_words)
    shard, shards = np.uint64(register[layout.ARENA_SHARD]), np.uint64(register[layout.ARENA_SHARDS])
    for c in range(len(chains)):
        if chains[c, layout.CHAIN_WINDOWS_END] == chains[c, layout.CHAIN_WINDOWS]:
            continue
        cell = chains[c, layout.CHAIN_CELL]
        for row in range(first_row, end_row):
            slot = cell_of(log, row, cell + layout.SLOT)
            if slot != layout.NONE and np.uint64(words[slot + layout.SLOT_KEY]) % shards == shard:
                _settle_row(log, tables, arena, c, slot, row, late[row] != 0)


@kernel
def settle_extremes(
    chains: Words,
    windows: Words,
    accumulators: Words,
    outputs: Words,
    words: Words,
    word_cells: Cells,
    free: Words,
    register: Words,
    rows: Words,
    cells: Cells,
    row_words: int,
    first_row: int,
    end_row: int,
) -> None:
    """Makes the deques of the windows whose chains end in one of the rows `[first_row, end_row)`."""
    tables = Tables(chains, windows, accumulators, outputs)
    arena = Arena(words, word_cells, free, register)
    log = Log(rows, cells, row_words)
    for c in range(len(chains)):
        cell = chains[c, layout.CHAIN_CELL]
        for row in range(first_row, end_row):
            slot = cell_of(log, row, cell + layout.SLOT)
            if slot == layout.NONE or cell_of(log, row, cell + layout.NEXT) != layout.NONE:
                continue
            for w in range(chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]):
                base = slot + windows[w, layout.WINDOW_WORD]
                for a in range(windows[w, layout.WINDOW_EXTREMES], windows[w, layout.WINDOW_ACCUMULATORS_END]):
                    restore_deque(log, tables, arena, a, cell, base)
