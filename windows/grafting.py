"""The kernel that takes in events whose keys are known, and what of one plan's log another plan can use."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import create
from windows.jit import kernel
from windows.memory import Arena, Cells, Log, Tables, Words
from windows.plan import Plan
from windows.table import find
from windows.updating import AHEAD, fetch, take


class Graft(NamedTuple):
    """What a log kept by an older plan has for `plan`: for each of its chains and value columns where that is in the
    older plan's rows, NONE where it is not there.

    `filters` are the filters of rows, if both plans keep them: which bit there becomes which here. The plan's keys are
    hashed as the older one's, so that they are the same.
    """

    plan: Plan
    chain_cells: tuple[int, ...]
    value_words: tuple[int, ...]
    filters: tuple[tuple[int, int], ...]


class Kept(NamedTuple):
    """What a page of the log holds for another plan: n events in order of arrival, at `rows`.

    `timestamp_ms` is int64[n]; `keys` is int64[chains, n], 0 where an event is in no such chain; `values`, which rows
    have behind their time, is int64[words, n].
    """

    timestamp_ms: NDArray[np.int64]
    keys: NDArray[np.int64]
    values: NDArray[np.int64]
    rows: range


def graft_of(plan: Plan, older: Plan, filters: Mapping[int, int]) -> Graft:
    """`filters` says for the plan's filters, where it is so, which of the older plan's takes in the same events."""
    known = dict(zip(chain_keys(older), older.chains, strict=True))
    unused = int(older.chains[:, layout.CHAIN_SEED].max(initial=0)) + 1
    chains, cells = plan.chains.copy(), []
    for number, ((entering, keys), chain) in enumerate(zip(chain_keys(plan), chains, strict=True)):
        source = known.get((_translated(entering, filters), keys))
        cells.append(layout.NONE if source is None else int(source[layout.CHAIN_CELL]))
        chain[layout.CHAIN_SEED] = unused + number if source is None else source[layout.CHAIN_SEED]
    words = [1 + older.values.index(name) if name in older.values else layout.NONE for name in plan.values]
    bits = [(old, new) for new, old in filters.items()] if plan.keeps_filters and older.keeps_filters else []
    return Graft(replace(plan, chains=chains), tuple(cells), tuple(words), tuple(bits))


def _translated(entering: int, filters: Mapping[int, int]) -> int:
    """The bits of filters as the older plan has them, 0 where it does not have one of them."""
    numbers = [number for number in range(entering.bit_length()) if entering >> number & 1]
    return sum(1 << filters[number] for number in numbers) if all(each in filters for each in numbers) else 0


def chain_keys(plan: Plan) -> list[tuple[int, tuple[str, ...]]]:
    """What makes each chain of the plan: the bits of the filters that enter, and the names of its id columns."""
    keys = []
    for chain in plan.chains:
        columns = chain[layout.CHAIN_KEYS : layout.CHAIN_KEYS + layout.KEYS_MAX].tolist()
        names = tuple(plan.ids[column] for column in columns if column != layout.NONE)
        keys.append((int(chain[layout.CHAIN_FILTERS]), names))
    return keys


def kept(graft: Graft, older: Plan, log: Log, words: Words, rows: range) -> Kept:
    """What `rows` of the older plan's log, with its slots in `words`, hold for a graft."""
    of_rows = slice(rows.start, rows.stop)
    held, cells = log.rows.reshape(-1, log.row_words)[of_rows], log.cells.reshape(-1, 2 * log.row_words)[of_rows]
    keys = np.zeros((len(graft.chain_cells), len(rows)), dtype=np.int64)
    for chain, cell in enumerate(graft.chain_cells):
        if cell != layout.NONE:
            slots = cells[:, cell + layout.SLOT]
            keys[chain] = np.where(slots == layout.NONE, 0, words[slots + layout.SLOT_KEY])
    count = len(graft.value_words)
    values = np.full((count + graft.plan.keeps_filters, len(rows)), layout.NULL, dtype=np.int64)
    for column, word in enumerate(graft.value_words):
        if word != layout.NONE:
            values[column] = held[:, word]
    if graft.plan.keeps_filters:
        passed = held[:, 1 + len(older.values)] if graft.filters else np.zeros(len(rows), dtype=np.int64)
        values[count] = sum((((passed >> old) & 1) << new for old, new in graft.filters), np.zeros_like(passed))
    return Kept(held[:, 0].copy(), keys, values, rows)


def nothing_kept(graft: Graft, time_ms: int, count: int) -> Kept:
    """What stands for events of which nothing is left: they are in no chain."""
    words = len(graft.value_words) + graft.plan.keeps_filters
    return Kept(
        np.full(count, time_ms, dtype=np.int64),
        np.zeros((len(graft.chain_cells), count), dtype=np.int64),
        np.full((words, count), layout.NULL, dtype=np.int64),
        range(0),
    )


@kernel
def enter(
    tables: Tables,
    arena: Arena,
    log: Log,
    table: Words,
    times: Words,
    keys: Words,
    values: Words,
    filters: NDArray[np.uint64],
    judged: NDArray[np.bool_],
    first_row: int,
    slots: Cells,
    scratch: Words,
    floats: NDArray[np.float64],
    features: Words,
) -> int:
    """Takes the events into the rows from `first_row` on, each into the chains for which `keys[chain, i]` is not 0.

    All bits of `filters` are set, and nobody is judged; `features` is written nevertheless.
    """
    for c in range(len(tables.chains)):
        for i in range(len(times)):
            slots[i, c] = layout.NONE
            key = np.uint64(keys[c, i])
            if key != np.uint64(0):
                slot, place = find(table, arena.words, key)
                slots[i, c] = create(table, tables, arena, c, key, place) if slot == layout.UNSEEN else slot
    seen = 0
    for i in range(len(times)):
        if i % AHEAD == 0:
            seen ^= fetch(log, tables, arena, slots, i, min(i + AHEAD, len(times)))
        take(tables, arena, log, times, values, filters, judged, first_row, slots, scratch, floats, features, i)
    return seen
