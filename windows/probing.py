"""The kernel that looks what became of a wait, which an event of long ago began."""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.columns import Probe
from windows.filters import bits_of, packed
from windows.jit import kernel
from windows.keys import key_of, shard_of
from windows.memory import Arena, Log, Tables, Words, cell_of, time_of, value_of
from windows.plan import Plan
from windows.sequences import has_come
from windows.table import find

NOT_COME, HAS_COME, UNSURE, NOT_OURS, _NOT_BEGUN = range(5)


def look(
    plan: Plan, tables: Tables, arena: Arena, log: Log, table: Words, begun: int, complete_since_ms: int, asked: Probe
) -> int:
    """What became of a wait that row `begun` began, as `WindowStore.probe` says."""
    absence, chain = plan.aggregates[asked.feature], int(plan.chain_of[asked.feature])
    before = absence.steps[:-1]
    low_ms, end_ms = asked.start_ms - asked.within_ms, asked.start_ms + asked.within_ms
    column = 1 + len(plan.values)
    masks = packed(before), bits_of(absence.unless), bits_of(absence.ends)
    times_ms = low_ms, asked.start_ms, end_ms
    found = int(_probe(tables, arena, log, table, chain, asked.ids[None, :], begun, *times_ms, column, *masks))
    first_ms = low_ms + 1 if before else asked.start_ms
    if found in (NOT_COME, _NOT_BEGUN) and complete_since_ms >= first_ms:
        return UNSURE
    return HAS_COME if found == _NOT_BEGUN else found


@kernel
def _probe(
    tables: Tables,
    arena: Arena,
    log: Log,
    table: Words,
    c: int,
    ids: NDArray[np.uint64],
    begun: int,
    low: int,
    start: int,
    end: int,
    column: int,
    steps: int,
    unless: int,
    ends: int,
) -> int:
    """Whether an event other than row `begun`, from `start` to `end`, passes one of the filters `ends`.

    It must be in chain `c` with the key of `ids[0]`, which must be whole. Where there is none, _NOT_BEGUN if there are
    `steps` that have not come between `low` and `begun`: see `has_come`.
    """
    key = key_of(tables.chains, c, ids, 0)
    if shard_of(key, np.uint64(arena.register[layout.ARENA_SHARDS])) != np.uint64(arena.register[layout.ARENA_SHARD]):
        return NOT_OURS
    cell = tables.chains[c, layout.CHAIN_CELL]
    slot, _ = find(table, arena.words, key)
    row = layout.NONE if slot == layout.UNSEEN else int(arena.cells[2 * (slot + layout.SLOT_LAST)])
    while row != layout.NONE and time_of(log, row) >= start:
        if row != begun and time_of(log, row) <= end and value_of(log, row, column) & ends != 0:
            return HAS_COME
        row = cell_of(log, row, cell + layout.PREVIOUS)
    if steps == 0:
        return NOT_COME
    if begun == layout.NONE or cell_of(log, begun, cell + layout.SLOT) == layout.NONE:
        return _NOT_BEGUN
    before = cell_of(log, begun, cell + layout.PREVIOUS)
    return NOT_COME if has_come(log, cell, before, low, column, steps, unless) else _NOT_BEGUN
