"""Kernels of slots and chains: the record of a live key, and the links between its events."""

import numpy as np

from windows import layout
from windows.jit import inlined
from windows.memory import Arena, Log, Tables, Words, cell_of, set_cell, time_of
from windows.table import find, put, vacate


@inlined
def create(table: Words, tables: Tables, arena: Arena, c: int, key: np.uint64, place: int) -> int:
    """A new empty slot for `key` of chain `c`, entered at `place` of the table."""
    size = tables.chains[c, layout.CHAIN_WORDS]
    slot = int(arena.free[layout.FREE_FIRST, c])
    if slot > 0:
        arena.free[layout.FREE_FIRST, c] = arena.words[slot]
        arena.free[layout.FREE_COUNT, c] -= 1
    else:
        slot = int(arena.register[layout.ARENA_TOP])
        arena.register[layout.ARENA_TOP] += size
    arena.register[layout.ARENA_SLOTS] += 1
    for word in range(size):
        arena.words[slot + word] = 0
    arena.words[slot + layout.SLOT_KEY] = np.int64(key)
    arena.cells[2 * (slot + layout.SLOT_LAST)] = layout.NONE
    if size > layout.SLOT_NOW:
        arena.words[slot + layout.SLOT_NOW] = layout.LONG_AGO
    for w in range(tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]):
        block = slot + tables.windows[w, layout.WINDOW_WORD]
        arena.cells[2 * block] = layout.NONE
        arena.cells[2 * block + 1] = layout.NONE
        for a in range(tables.windows[w, layout.WINDOW_STRUCTURES], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]):
            arena.words[block + tables.accumulators[a, layout.ACCUMULATOR_WORD]] = layout.NO_ROWS
    put(table, place, key, slot)
    return slot


@inlined
def remove(table: Words, arena: Arena, c: int, slot: int) -> None:
    """Takes `slot` of chain `c` out of the table and keeps its words for the next key."""
    _, at = find(table, arena.words, np.uint64(arena.words[slot + layout.SLOT_KEY]))
    vacate(table, at)
    arena.words[slot] = arena.free[layout.FREE_FIRST, c]
    arena.free[layout.FREE_FIRST, c] = slot
    arena.free[layout.FREE_COUNT, c] += 1
    arena.register[layout.ARENA_SLOTS] -= 1


@inlined
def link(log: Log, cell: int, arena: Arena, slot: int, row: int) -> None:
    """Puts `row` into its chain behind every row that is not later than it."""
    time = time_of(log, row)
    end = 2 * (slot + layout.SLOT_LAST)
    after = int(arena.cells[end])
    before = layout.NONE
    while after != layout.NONE and time_of(log, after) > time:
        before = after
        after = cell_of(log, after, cell + layout.PREVIOUS)
    set_cell(log, row, cell + layout.PREVIOUS, after)
    set_cell(log, row, cell + layout.NEXT, before)
    set_cell(log, row, cell + layout.SLOT, slot)
    if after != layout.NONE:
        set_cell(log, after, cell + layout.NEXT, row)
    if before != layout.NONE:
        set_cell(log, before, cell + layout.PREVIOUS, row)
    else:
        arena.cells[end] = row


@inlined
def unlink(log: Log, cell: int, arena: Arena, slot: int, row: int) -> None:
    """Takes `row` out of its chain."""
    after = cell_of(log, row, cell + layout.PREVIOUS)
    before = cell_of(log, row, cell + layout.NEXT)
    if after != layout.NONE:
        set_cell(log, after, cell + layout.NEXT, before)
    if before != layout.NONE:
        set_cell(log, before, cell + layout.PREVIOUS, after)
    else:
        arena.cells[2 * (slot + layout.SLOT_LAST)] = after
