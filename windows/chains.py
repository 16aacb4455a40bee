"""Kernels of keys and chains: the hash table from keys to slots, and the links between the events of a key."""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.jit import inlined, kernel

Words = NDArray[np.int64]
Cells = NDArray[np.int32]

_LOW = np.uint64(0xFFFFFFFF)


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
        value = ids[column, i]
        if value == np.uint64(0):
            return np.uint64(0)
        key = mix(key ^ value) + np.uint64(0x9E3779B97F4A7C15)
    key = mix(key)
    return key if key != np.uint64(0) else np.uint64(1)


@inlined
def find(table: Words, state: Words, key: np.uint64) -> tuple[int, int]:
    """The slot of `key`, or UNSEEN, and the table's place where it is or belongs.

    An entry holds the slot in its low half and the key's low half above it, so that other keys are passed without a look
    at their slots, and the table can be doubled without one.
    """
    mask = np.uint64(len(table) - 1)
    place = key & mask
    tag = key & _LOW
    while True:
        entry = np.uint64(table[np.int64(place)])
        if entry == np.uint64(0):
            return layout.UNSEEN, np.int64(place)
        if entry >> np.uint64(32) == tag:
            slot = np.int64(entry & _LOW)
            if np.uint64(state[slot + layout.SLOT_KEY]) == key:
                return slot, np.int64(place)
        place = (place + np.uint64(1)) & mask


@inlined
def create(
    table: Words, state: Words, state_cells: Cells, free: Words, register: Words, chains: Words, windows: Words,
    accumulators: Words, c: int, key: np.uint64, place: int,
) -> int:  # fmt: skip
    """A new empty slot for `key` of chain `c`, entered at `place` of the table."""
    words = chains[c, layout.CHAIN_WORDS]
    slot = free[c]
    if slot > 0:
        free[c] = state[slot]
    else:
        slot = register[layout.ARENA_TOP]
        register[layout.ARENA_TOP] += words
    register[layout.ARENA_SLOTS] += 1
    for word in range(words):
        state[slot + word] = 0
    state[slot + layout.SLOT_KEY] = np.int64(key)
    state_cells[2 * (slot + layout.SLOT_LAST)] = layout.NONE
    if words > layout.SLOT_NOW:
        state[slot + layout.SLOT_NOW] = layout.LONG_AGO
    for w in range(chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]):
        block = slot + windows[w, layout.WINDOW_WORD]
        state_cells[2 * block] = layout.NONE
        state_cells[2 * block + 1] = layout.NONE
        for a in range(windows[w, layout.WINDOW_ACCUMULATORS], windows[w, layout.WINDOW_ACCUMULATORS_END]):
            if accumulators[a, layout.ACCUMULATOR_KIND] >= layout.MINIMUM:
                state[block + accumulators[a, layout.ACCUMULATOR_WORD]] = layout.NO_ROWS
    table[place] = np.int64(((key & _LOW) << np.uint64(32)) | np.uint64(slot))
    return slot


@inlined
def remove(table: Words, state: Words, free: Words, register: Words, c: int, slot: int) -> None:
    """Takes `slot` of chain `c` out of the table and keeps its words for the next key."""
    mask = np.uint64(len(table) - 1)
    _, at = find(table, state, np.uint64(state[slot + layout.SLOT_KEY]))
    hole = np.uint64(at)
    place = hole
    while True:
        place = (place + np.uint64(1)) & mask
        entry = np.uint64(table[np.int64(place)])
        if entry == np.uint64(0):
            break
        home = (entry >> np.uint64(32)) & mask
        if ((place - home) & mask) >= ((place - hole) & mask):
            table[np.int64(hole)] = np.int64(entry)
            hole = place
    table[np.int64(hole)] = 0
    state[slot] = free[c]
    free[c] = slot
    register[layout.ARENA_SLOTS] -= 1


@kernel
def rehash(table: Words, larger: Words) -> None:
    """Enters everything of `table` into the empty `larger`."""
    mask = np.uint64(len(larger) - 1)
    for old in range(len(table)):
        entry = np.uint64(table[old])
        if entry != np.uint64(0):
            place = (entry >> np.uint64(32)) & mask
            while larger[np.int64(place)] != 0:
                place = (place + np.uint64(1)) & mask
            larger[np.int64(place)] = np.int64(entry)


@kernel
def locate(
    chains: Words, windows: Words, accumulators: Words, ids: NDArray[np.uint64], entering: NDArray[np.uint64], judged: NDArray[np.bool_],
    table: Words, state: Words, state_cells: Cells, free: Words, register: Words, slots: Cells,
) -> None:  # fmt: skip
    """Fills `slots[i, c]` with the slot of event `i` in chain `c`, made where the event enters the chain.

    UNSEEN where the event is only judged and its key is unknown; NONE where it has no key, or does neither.
    """
    for c in range(len(chains)):
        bit = np.uint64(chains[c, layout.CHAIN_FILTER])
        has_windows = chains[c, layout.CHAIN_WINDOWS_END] > chains[c, layout.CHAIN_WINDOWS]
        for i in range(len(judged)):
            enters = (entering[i] >> bit) & np.uint64(1) != np.uint64(0)
            slots[i, c] = layout.NONE
            if not enters and not (judged[i] and has_windows):
                continue
            key = key_of(chains, c, ids, i)
            if key == np.uint64(0):
                continue
            slot, place = find(table, state, key)
            if slot == layout.UNSEEN and enters:
                slot = create(
                    table, state, state_cells, free, register, chains, windows, accumulators, c, key, place
                )
            slots[i, c] = slot


@inlined
def link(rows: Words, cells: Cells, row_words: int, cell: int, state_cells: Cells, slot: int, row: int) -> None:
    """Puts `row` into its chain behind every row that is not later than it."""
    time = rows[row * row_words]
    end = 2 * (slot + layout.SLOT_LAST)
    after = np.int64(state_cells[end])
    before = np.int64(layout.NONE)
    stride = 2 * row_words
    while after != layout.NONE and rows[after * row_words] > time:
        before = after
        after = np.int64(cells[after * stride + cell + layout.PREVIOUS])
    at = row * stride + cell
    cells[at + layout.PREVIOUS] = after
    cells[at + layout.NEXT] = before
    cells[at + layout.SLOT] = slot
    if after != layout.NONE:
        cells[after * stride + cell + layout.NEXT] = row
    if before != layout.NONE:
        cells[before * stride + cell + layout.PREVIOUS] = row
    else:
        state_cells[end] = row


@inlined
def unlink(rows: Words, cells: Cells, row_words: int, cell: int, state_cells: Cells, slot: int, row: int) -> None:
    """Takes `row` out of its chain."""
    stride = 2 * row_words
    at = row * stride + cell
    after = np.int64(cells[at + layout.PREVIOUS])
    before = np.int64(cells[at + layout.NEXT])
    if after != layout.NONE:
        cells[after * stride + cell + layout.NEXT] = before
    if before != layout.NONE:
        cells[before * stride + cell + layout.PREVIOUS] = after
    else:
        state_cells[2 * (slot + layout.SLOT_LAST)] = after
