"""Kernels of keys and chains: the slots of keys, and the links between the events of a key."""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.jit import inlined
from windows.memory import Arena, Cells, Log, Tables, Words, cell_of, set_cell, time_of
from windows.table import find, put, vacate


@inlined
def mix(x: np.uint64) -> np.uint64:
    """A bijection that spreads every bit (the finalizer of SplitMix64; Steele, Lea and Flood, 2014)."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


@inlined
def key_of(chains: Words, c: int, ids: NDArray[np.uint64], i: int) -> np.uint64:
    """The key of event `i` in chain `c`; 0 where one of its ids is missing."""
    key = np.uint64(chains[c, layout.CHAIN_SEED])
    for k in range(layout.KEYS_MAX):
        column = chains[c, layout.CHAIN_KEYS + k]
        if column < 0:
            break
        value = ids[i, column]
        if value == np.uint64(0):
            return np.uint64(0)
        key = mix(key ^ value) + np.uint64(0x9E3779B97F4A7C15)
    key = mix(key)
    return key if key != np.uint64(0) else np.uint64(1)


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
        for a in range(tables.windows[w, layout.WINDOW_EXTREMES], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]):
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
def enters(chains: Words, c: int, filters: np.uint64) -> bool:
    """Whether an event that passes `filters` enters chain `c`, if it has a key there."""
    return bool((filters >> np.uint64(chains[c, layout.CHAIN_FILTER])) & np.uint64(1) != np.uint64(0))


@inlined
def divide(tables: Tables, arena: Arena, ids: NDArray[np.uint64], count: int, flags: Cells) -> None:
    """Flags where the windows of event `i` in chain `c` are this shard's (OWNED), or one of them reads pairs (READ).

    A key belongs to shard `key % shards`; no key belongs to shard 0.
    """
    chains, windows, accumulators = tables.chains, tables.windows, tables.accumulators
    shard, shards = np.uint64(arena.register[layout.ARENA_SHARD]), np.uint64(arena.register[layout.ARENA_SHARDS])
    flags[:count] = 0
    for c in range(len(chains)):
        first, end = chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]
        if first == end:
            continue
        for i in range(count):
            if key_of(chains, c, ids, i) % shards == shard:
                flags[i, c] |= layout.OWNED
        for a in range(windows[first, layout.WINDOW_ACCUMULATORS], windows[end - 1, layout.WINDOW_EXTREMES]):
            if accumulators[a, layout.ACCUMULATOR_KIND] == layout.DISTINCT:
                cell = accumulators[a, layout.ACCUMULATOR_OF]
                pair = (cell - chains[0, layout.CHAIN_CELL]) // layout.CHAIN_CELLS
                for i in range(count):
                    if flags[i, c] & layout.OWNED:
                        flags[i, pair] |= layout.READ


@inlined
def locate(
    tables: Tables,
    arena: Arena,
    table: Words,
    ids: NDArray[np.uint64],
    entering: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    slots: Cells,
) -> None:
    """Fills `slots[i, c]` with the slot of event `i` in chain `c`, made where the event enters the chain.

    UNSEEN where the event is only judged and its key is unknown; NONE where it has no key, or does neither; FOREIGN, or
    FOREIGN less the slot, where the windows are another shard's.
    """
    chains, divided = tables.chains, arena.register[layout.ARENA_SHARDS] > 1
    if divided:
        divide(tables, arena, ids, len(judged), slots)
    for c in range(len(chains)):
        has_windows = chains[c, layout.CHAIN_WINDOWS_END] > chains[c, layout.CHAIN_WINDOWS]
        for i in range(len(judged)):
            entered, foreign = enters(chains, c, entering[i]), False
            if divided:
                foreign = has_windows and slots[i, c] & layout.OWNED == 0
                entered = entered and slots[i, c] != 0
            slots[i, c] = layout.FOREIGN if foreign else layout.NONE
            if not entered and not (judged[i] and has_windows and not foreign):
                continue
            key = key_of(chains, c, ids, i)
            if key == np.uint64(0):
                continue
            slot, place = find(table, arena.words, key)
            if slot == layout.UNSEEN and entered:
                slot = create(table, tables, arena, c, key, place)
            slots[i, c] = layout.FOREIGN - slot if foreign else slot


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
