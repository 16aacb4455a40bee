"""The kernel that changes a value of an event that is already in the log, and all aggregates that hold it."""

from windows import layout
from windows.jit import inlined, kernel
from windows.memory import Arena, Log, Tables, cell_of, time_of, value_of
from windows.sliding import add_value
from windows.structures import revalue_structure


@inlined
def _revalue_window(
    log: Log, tables: Tables, arena: Arena, cell: int, w: int, base: int, row: int, column: int, old: int
) -> None:
    """Lets the aggregates of window `w`, whose block is at `base`, follow `row` of its set, which had `old`."""
    new = value_of(log, row, column)
    for a in range(tables.windows[w, layout.WINDOW_ACCUMULATORS], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]):
        kind = tables.accumulators[a, layout.ACCUMULATOR_KIND]
        if kind in (layout.DISTINCT, layout.TOP) or tables.accumulators[a, layout.ACCUMULATOR_OF] != column:
            continue
        if a >= tables.windows[w, layout.WINDOW_STRUCTURES]:
            revalue_structure(log, tables, arena, a, cell, base, row, old)
        else:
            word = base + tables.accumulators[a, layout.ACCUMULATOR_WORD]
            add_value(arena.words, word, kind, old, -1)
            add_value(arena.words, word, kind, new, 1)


@kernel
def revalue(
    tables: Tables,
    arena: Arena,
    log: Log,
    row: int,
    column: int,
    new: int,
) -> None:
    """Sets word `column` of `row` to `new` in the log and in every window whose set holds the row."""
    old, time = value_of(log, row, column), time_of(log, row)
    log.rows[row * log.row_words + column] = new
    for c in range(len(tables.chains)):
        cell = tables.chains[c, layout.CHAIN_CELL]
        slot = cell_of(log, row, cell + layout.SLOT)
        if slot == layout.NONE:
            continue
        for w in range(tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]):
            high = arena.words[slot + layout.SLOT_NOW] - tables.windows[w, layout.WINDOW_DELAY]
            if high - tables.windows[w, layout.WINDOW_OVER] < time <= high:
                base = slot + tables.windows[w, layout.WINDOW_WORD]
                _revalue_window(log, tables, arena, cell, w, base, row, column, old)
