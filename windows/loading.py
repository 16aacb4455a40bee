"""The kernels that take in many events of which nobody asks for the features: links first, windows once at the end.

What is in a window follows from the chain of its key and the time the slot stands at, so that nothing has to slide.
"""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import link
from windows.jit import inlined, kernel
from windows.keys import enters, locate, shard_of
from windows.memory import Arena, Cells, Log, Tables, Words, cell_of, set_cell, time_of, value_of
from windows.sliding import add_value
from windows.structures import restore_structure

Marks = NDArray[np.uint8]

_NEVER = 2**62
"""Older than any window reaches."""


@inlined
def _link_chain(
    log: Log,
    tables: Tables,
    arena: Arena,
    c: int,
    filters: NDArray[np.uint64],
    slots: Cells,
    first_row: int,
    late: Marks,
) -> None:
    """Links the events into chain `c`, lets its slots stand at the latest, and marks rows that are not the last."""
    cell = tables.chains[c, layout.CHAIN_CELL]
    has_windows = tables.chains[c, layout.CHAIN_WINDOWS_END] > tables.chains[c, layout.CHAIN_WINDOWS]
    for i in range(len(filters)):
        slot, row = int(slots[i, c]), first_row + i
        owned, slot = slot > 0, layout.FOREIGN - slot if slot < layout.FOREIGN else slot
        if slot <= 0 or not enters(tables.chains, c, filters[i]):
            set_cell(log, row, cell + layout.SLOT, layout.NONE)
            continue
        link(log, cell, arena, slot, row)
        if cell_of(log, row, cell + layout.NEXT) != layout.NONE:
            late[row] = 1
        elif has_windows and owned:
            arena.words[slot + layout.SLOT_NOW] = max(arena.words[slot + layout.SLOT_NOW], time_of(log, row))


@kernel
def load(
    tables: Tables,
    arena: Arena,
    log: Log,
    table: Words,
    times: Words,
    ids: NDArray[np.uint64],
    values: Words,
    filters: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    first_row: int,
    scratch: Words,
    slots: Cells,
    late: Marks,
) -> None:
    """Takes the events into the rows from `first_row` on and links them; `judged` is false for all of them."""
    for i in range(len(times)):
        at = (first_row + i) * log.row_words
        late[first_row + i] = 0
        log.rows[at] = times[i]
        for v in range(len(values)):
            log.rows[at + 1 + v] = values[v, i]
    locate(tables, arena, table, ids, filters, judged, scratch, slots)
    for c in range(len(tables.chains)):
        _link_chain(log, tables, arena, c, filters, slots, first_row, late)


@inlined
def _enter_cursors(log: Log, arena: Arena, base: int, row: int, late: bool, ahead: bool) -> None:
    """Lets the cursors of the window whose block is at `base` include `row`, which is in its set or `ahead` of it."""
    tail, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
    if ahead:
        if lead == layout.NONE or (late and time_of(log, row) < time_of(log, lead)):
            arena.cells[2 * base + 1] = row
            if tail == lead:
                arena.cells[2 * base] = row
    elif tail == lead or (late and time_of(log, row) < time_of(log, tail)):
        arena.cells[2 * base] = row


@inlined
def _settle_values(
    log: Log, tables: Tables, arena: Arena, w: int, a: int, count: int, slots: Words, members: Words, first_row: int
) -> None:
    """Adds the `members` of window `w` to accumulator `a`."""
    kind, of = tables.accumulators[a, layout.ACCUMULATOR_KIND], tables.accumulators[a, layout.ACCUMULATOR_OF]
    word = tables.windows[w, layout.WINDOW_WORD] + tables.accumulators[a, layout.ACCUMULATOR_WORD]
    if kind != layout.DISTINCT:
        for k in range(count):
            i = members[k]
            add_value(arena.words, slots[i] + word, kind, value_of(log, first_row + i, of), 1)
        return
    delay = tables.windows[w, layout.WINDOW_DELAY]
    for k in range(count):
        i = members[k]
        if cell_of(log, first_row + i, of + layout.SLOT) != layout.NONE:
            equal = cell_of(log, first_row + i, of + layout.NEXT)
            high = arena.words[slots[i] + layout.SLOT_NOW] - delay
            if equal == layout.NONE or (delay > 0 and time_of(log, equal) > high):
                arena.words[slots[i] + word] += 1


@inlined
def _settle_window(
    log: Log,
    tables: Tables,
    arena: Arena,
    w: int,
    count: int,
    slots: Words,
    ages: Words,
    members: Words,
    first_row: int,
    late: Marks,
) -> None:
    """Puts rows into window `w`: row `i` of `count` from `first_row` on, in `slots[i]`, is `ages[i]` before its end."""
    delay = tables.windows[w, layout.WINDOW_DELAY]
    reach, word, inside = delay + tables.windows[w, layout.WINDOW_OVER], tables.windows[w, layout.WINDOW_WORD], 0
    for i in range(count):
        if ages[i] < reach:
            ahead, row, base = ages[i] < delay, first_row + i, int(slots[i] + word)
            _enter_cursors(log, arena, base, row, late[row] != 0, ahead)
            if not ahead:
                arena.words[base + layout.BLOCK_COUNT] += 1
                members[inside] = i
                inside += 1
    for a in range(tables.windows[w, layout.WINDOW_ACCUMULATORS], tables.windows[w, layout.WINDOW_STRUCTURES]):
        _settle_values(log, tables, arena, w, a, inside, slots, members, first_row)


@kernel
def settle(
    tables: Tables,
    arena: Arena,
    log: Log,
    first_row: int,
    end_row: int,
    scratch: Words,
    late: Marks,
) -> None:
    """Puts the rows `[first_row, end_row)` into the windows of their keys, which stand where they will.

    Rows must come in the order in which they arrived. `scratch` has three words for each.
    """
    shard, shards = np.uint64(arena.register[layout.ARENA_SHARD]), np.uint64(arena.register[layout.ARENA_SHARDS])
    count = end_row - first_row
    slots, ages, members = scratch[:count], scratch[count : 2 * count], scratch[2 * count : 3 * count]
    for c in range(len(tables.chains)):
        if tables.chains[c, layout.CHAIN_WINDOWS_END] == tables.chains[c, layout.CHAIN_WINDOWS]:
            continue
        cell = tables.chains[c, layout.CHAIN_CELL]
        for i in range(count):
            slots[i] = cell_of(log, first_row + i, cell + layout.SLOT)
        for i in range(count):
            ages[i] = _NEVER
            if (
                slots[i] != layout.NONE
                and shard_of(np.uint64(arena.words[slots[i] + layout.SLOT_KEY]), shards) == shard
            ):
                ages[i] = arena.words[slots[i] + layout.SLOT_NOW] - time_of(log, first_row + i)
        for w in range(tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]):
            _settle_window(log, tables, arena, w, count, slots, ages, members, first_row, late)


@kernel
def settle_structures(
    tables: Tables,
    arena: Arena,
    log: Log,
    first_row: int,
    end_row: int,
) -> None:
    """Makes the structures of the windows whose chains end in one of the rows `[first_row, end_row)`."""
    for c in range(len(tables.chains)):
        cell = tables.chains[c, layout.CHAIN_CELL]
        for row in range(first_row, end_row):
            slot = cell_of(log, row, cell + layout.SLOT)
            if slot == layout.NONE or cell_of(log, row, cell + layout.NEXT) != layout.NONE:
                continue
            for w in range(tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]):
                base = slot + tables.windows[w, layout.WINDOW_WORD]
                for a in range(
                    tables.windows[w, layout.WINDOW_STRUCTURES], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]
                ):
                    restore_structure(log, tables, arena, a, cell, base)
