"""Kernels of keys: from the ids of events to the slots of their keys, for a batch at a time.

Tables and slots are far off in memory. Each step is a loop over all events of the batch, so that what one of them
waits for is fetched while others wait too.
"""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import create
from windows.jit import inlined
from windows.memory import Arena, Cells, Tables, Words
from windows.table import find

_LOW = np.uint64(0xFFFFFFFF)
_STEP = np.uint64(0x9E3779B97F4A7C15)


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
        key = mix(key ^ value) + _STEP
    key = mix(key)
    return key if key != np.uint64(0) else np.uint64(1)


@inlined
def _hash_keys(chains: Words, c: int, ids: NDArray[np.uint64], count: int, keys: Words) -> None:
    """Fills `keys` with the key of each event in chain `c`; loops of their own for one id and two, which most have."""
    seed = np.uint64(chains[c, layout.CHAIN_SEED])
    first, second = chains[c, layout.CHAIN_KEYS], chains[c, layout.CHAIN_KEYS + 1]
    if chains[c, layout.CHAIN_KEYS + 2] >= 0:
        for i in range(count):
            keys[i] = np.int64(key_of(chains, c, ids, i))
    elif second >= 0:
        for i in range(count):
            one, other = ids[i, first], ids[i, second]
            key = mix(mix((mix(seed ^ one) + _STEP) ^ other) + _STEP)
            key = key if key != np.uint64(0) else np.uint64(1)
            keys[i] = np.int64(key) if one != np.uint64(0) and other != np.uint64(0) else 0
    else:
        for i in range(count):
            one = ids[i, first]
            key = mix(mix(seed ^ one) + _STEP)
            key = key if key != np.uint64(0) else np.uint64(1)
            keys[i] = np.int64(key) if one != np.uint64(0) else 0


@inlined
def enters(chains: Words, c: int, filters: np.uint64) -> bool:
    """Whether an event that passes `filters` enters chain `c`, if it has a key there."""
    return bool(filters & np.uint64(chains[c, layout.CHAIN_FILTERS]) != np.uint64(0))


@inlined
def _look(table: Words, words: Words, count: int, keys: Words, found: Words) -> None:
    """Fills `found` with the slot of each key that is where it belongs in the table, and with 0 for all others."""
    mask = np.uint64(len(table) - 1)
    for i in range(count):
        key = np.uint64(keys[i])
        entry = np.uint64(table[np.int64(key & mask)])
        found[i] = np.int64(entry & _LOW) if entry >> np.uint64(32) == key & _LOW else 0
    for i in range(count):
        if words[np.uint64(found[i])] != keys[i]:
            found[i] = 0


@inlined
def shard_of(key: np.uint64, shards: np.uint64) -> np.uint64:
    """Which of `shards` has the windows of `key`, by its high half; no key, 0, belongs to shard 0."""
    return ((key >> np.uint64(32)) * shards) >> np.uint64(32)


@inlined
def _own(tables: Tables, arena: Arena, c: int, count: int, keys: Words, flags: Cells) -> None:
    """Flags the events' chain `c` where its windows are this shard's (OWNED), and the chains that these read (READ).

    Those come later: they have one key column more.
    """
    chains, windows, accumulators = tables.chains, tables.windows, tables.accumulators
    shard, shards = np.uint64(arena.register[layout.ARENA_SHARD]), np.uint64(arena.register[layout.ARENA_SHARDS])
    for i in range(count):
        flags[i, c] |= layout.OWNED if shard_of(np.uint64(keys[i]), shards) == shard else 0
    first, end = chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]
    for a in range(windows[first, layout.WINDOW_ACCUMULATORS], windows[end - 1, layout.WINDOW_ACCUMULATORS_END]):
        if accumulators[a, layout.ACCUMULATOR_KIND] in (layout.DISTINCT, layout.TOP):
            cell = accumulators[a, layout.ACCUMULATOR_OF]
            pair = (cell - chains[0, layout.CHAIN_CELL]) // layout.CHAIN_CELLS
            for i in range(count):
                flags[i, pair] |= layout.READ if flags[i, c] & layout.OWNED else 0


@inlined
def _select(
    chains: Words,
    c: int,
    divided: bool,
    entering: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    keys: Words,
    chosen: Words,
    slots: Cells,
) -> int:
    """Moves what has a slot to find in chain `c` to the front: its position to `chosen` and its key; returns how many.

    Leaves NONE or FOREIGN in `slots` for the others, and also for those whose windows are another shard's. There is no
    branch, since what is owned nobody can guess.
    """
    has_windows, count = chains[c, layout.CHAIN_WINDOWS_END] > chains[c, layout.CHAIN_WINDOWS], 0
    for i in range(len(judged)):
        linked, owned = True, has_windows
        if divided:
            linked, owned = slots[i, c] != 0, has_windows & (slots[i, c] & layout.OWNED != 0)
        wanted = (linked & enters(chains, c, entering[i])) | (owned & judged[i])
        slots[i, c] = layout.FOREIGN if has_windows & (not owned) else layout.NONE
        key = keys[i]
        chosen[count] = i
        keys[count] = key
        count += wanted & (key != 0)
    return count


@inlined
def locate(
    tables: Tables,
    arena: Arena,
    table: Words,
    ids: NDArray[np.uint64],
    entering: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    scratch: Words,
    slots: Cells,
) -> None:
    """Fills `slots[i, c]` with the slot of event `i` in chain `c`, made where the event enters the chain.

    UNSEEN where the event is only judged and its key is unknown; NONE where it has no key, or does neither; FOREIGN, or
    FOREIGN less the slot, where the windows are another shard's. `scratch` has three words for each event.
    """
    count = len(judged)
    keys, found, chosen = scratch[:count], scratch[count : 2 * count], scratch[2 * count : 3 * count]
    chains, divided = tables.chains, arena.register[layout.ARENA_SHARDS] > 1
    if divided:
        slots[:count] = 0
    for c in range(len(chains)):
        _hash_keys(chains, c, ids, count, keys)
        if divided and chains[c, layout.CHAIN_WINDOWS] < chains[c, layout.CHAIN_WINDOWS_END]:
            _own(tables, arena, c, count, keys, slots)
        sought = _select(chains, c, divided, entering, judged, keys, chosen, slots)
        _look(table, arena.words, sought, keys, found)
        for k in range(sought):
            i, slot = chosen[k], int(found[k])
            if slot == 0:
                key = np.uint64(keys[k])
                slot, place = find(table, arena.words, key)
                if slot == layout.UNSEEN and enters(chains, c, entering[i]):
                    slot = create(table, tables, arena, c, key, place)
            slots[i, c] = layout.FOREIGN - slot if slots[i, c] == layout.FOREIGN else slot
