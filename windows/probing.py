"""The kernel that looks whether an event of a key came within a time, for an event of long ago."""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.jit import kernel
from windows.keys import key_of, shard_of
from windows.memory import Arena, Log, Tables, Words, cell_of, time_of
from windows.table import find

NOT_COME, HAS_COME, UNSURE, NOT_OURS = range(4)


@kernel
def probe(
    tables: Tables,
    arena: Arena,
    log: Log,
    table: Words,
    c: int,
    ids: NDArray[np.uint64],
    low: int,
    high: int,
) -> int:
    """Whether an event with the key of `ids[0]` in chain `c` has a time from `low` to `high`; the key must be whole."""
    key = key_of(tables.chains, c, ids, 0)
    if shard_of(key, np.uint64(arena.register[layout.ARENA_SHARDS])) != np.uint64(arena.register[layout.ARENA_SHARD]):
        return NOT_OURS
    slot, _ = find(table, arena.words, key)
    if slot == layout.UNSEEN:
        return NOT_COME
    row = int(arena.cells[2 * (slot + layout.SLOT_LAST)])
    while row != layout.NONE and time_of(log, row) > high:
        row = cell_of(log, row, tables.chains[c, layout.CHAIN_CELL] + layout.PREVIOUS)
    return HAS_COME if row != layout.NONE and time_of(log, row) >= low else NOT_COME
