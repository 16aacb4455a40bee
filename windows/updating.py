"""The two kernels the store calls: one takes a batch of events in, the other forgets a page of the log."""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import link, remove, unlink
from windows.jit import inlined, kernel
from windows.keys import enters, locate
from windows.memory import Arena, Cells, Log, Tables, Words, cell_of, set_cell, time_of
from windows.reporting import report, report_nothing
from windows.sliding import slide

AHEAD = 64
"""So many events' rows fit the nearest memory."""


@inlined
def _append(log: Log, chains: Words, arena: Arena, slots: Cells, i: int, filters: np.uint64, row: int) -> None:
    """Links `row`, event `i` of the batch, into each chain that it enters."""
    for c in range(len(chains)):
        cell = chains[c, layout.CHAIN_CELL]
        slot = int(slots[i, c])
        if slot < layout.FOREIGN:
            slot = layout.FOREIGN - slot
        if slot >= 0 and enters(chains, c, filters):
            link(log, cell, arena, slot, row)
        else:
            set_cell(log, row, cell + layout.SLOT, layout.NONE)


@inlined
def fetch(log: Log, tables: Tables, arena: Arena, slots: Cells, start: int, end: int) -> int:
    """Reads the rows that the events from `start` to `end` meet first, all at once, since each is far off in memory.

    They are the last of each chain and the oldest of each window.
    """
    chains, seen = tables.chains, 0
    for c in range(len(chains)):
        for i in range(start, end):
            slot = max(int(slots[i, c]), 0)
            row = max(int(arena.cells[2 * (slot + layout.SLOT_LAST)]), 0)
            seen ^= time_of(log, row) ^ cell_of(log, row, chains[c, layout.CHAIN_CELL])
        for w in range(chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]):
            for i in range(start, end):
                block = max(int(slots[i, c]), 0) + tables.windows[w, layout.WINDOW_WORD]
                seen ^= time_of(log, max(int(arena.cells[2 * block]), 0))
    return seen


@inlined
def take(
    tables: Tables,
    arena: Arena,
    log: Log,
    times: Words,
    values: Words,
    filters: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    first_row: int,
    slots: Cells,
    scratch: Words,
    floats: NDArray[np.float64],
    features: Words,
    i: int,
) -> None:
    """Takes event `i` in, and writes its features to `features[:, i]`, NULL if it is not judged."""
    row, time = first_row + i, times[i]
    if not judged[i]:
        features[:, i] = layout.NULL
    log.rows[row * log.row_words] = time
    for v in range(len(values)):
        log.rows[row * log.row_words + 1 + v] = values[v, i]
    _append(log, tables.chains, arena, slots, i, filters[i], row)
    for c in range(len(tables.chains)):
        first, end = tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]
        if first == end:
            continue
        slot = int(slots[i, c])
        if slot < 0:
            if judged[i] and slot > layout.FOREIGN:
                report_nothing(tables, c, slot == layout.UNSEEN, floats, features, i)
            continue
        cell = tables.chains[c, layout.CHAIN_CELL]
        entered = enters(tables.chains, c, filters[i])
        old = arena.words[slot + layout.SLOT_NOW]
        now = max(old, time)
        arena.words[slot + layout.SLOT_NOW] = now
        for w in range(first, end):
            slide(log, tables, arena, cell, w, slot, old, now, row if entered else layout.NONE)
            if judged[i]:
                report(log, tables, arena, cell, w, slot, now, time, row, entered, scratch, floats, features, i)


@kernel
def update(
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
    scratch: Words,
    floats: NDArray[np.float64],
    features: Words,
) -> int:
    """Takes the events into the rows from `first_row` on, and writes the features of each to `features[:, i]`.

    They are NULL where it is not judged. `slots` has room for the slot of each event in each chain, `scratch` for two
    words of each or a window's block.
    """
    tables = Tables(chains, windows, accumulators, outputs)
    arena = Arena(words, word_cells, free, register)
    log = Log(rows, cells, row_words)
    locate(tables, arena, table, ids, filters, judged, scratch, slots)
    seen = 0
    for i in range(len(times)):
        if i % AHEAD == 0:
            seen ^= fetch(log, tables, arena, slots, i, min(i + AHEAD, len(times)))
        take(tables, arena, log, times, values, filters, judged, first_row, slots, scratch, floats, features, i)
    return seen


@kernel
def forget(
    tables: Tables,
    arena: Arena,
    log: Log,
    table: Words,
    first_row: int,
    end_row: int,
    clock: int,
) -> None:
    """Takes the rows `[first_row, end_row)` out of their chains; no window reaches them once it stands at `clock`."""
    for row in range(first_row, end_row):
        for c in range(len(tables.chains)):
            cell = tables.chains[c, layout.CHAIN_CELL]
            slot = cell_of(log, row, cell + layout.SLOT)
            if slot == layout.NONE:
                continue
            first, end = tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]
            if first < end and arena.words[slot + layout.SLOT_NOW] < clock:
                old = arena.words[slot + layout.SLOT_NOW]
                arena.words[slot + layout.SLOT_NOW] = clock
                for w in range(first, end):
                    slide(log, tables, arena, cell, w, slot, old, clock, layout.NONE)
            unlink(log, cell, arena, slot, row)
            if arena.cells[2 * (slot + layout.SLOT_LAST)] == layout.NONE:
                remove(table, arena, c, slot)
        for c in range(len(tables.chains)):
            set_cell(log, row, tables.chains[c, layout.CHAIN_CELL] + layout.SLOT, layout.NONE)
