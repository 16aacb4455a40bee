"""The kernel that changes a value of an event that is already in the log, and all aggregates that hold it."""

from windows import layout
from windows.jit import inlined, kernel
from windows.memory import Arena, Cells, Log, Tables, Words, cell_of, time_of, value_of
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
    row: int,
    column: int,
    new: int,
) -> None:
    """Sets word `column` of `row` to `new` in the log and in every window whose set holds the row."""
    tables = Tables(chains, windows, accumulators, outputs)
    arena = Arena(words, word_cells, free, register)
    log = Log(rows, cells, row_words)
    old, time = value_of(log, row, column), time_of(log, row)
    rows[row * row_words + column] = new
    for c in range(len(chains)):
        cell = chains[c, layout.CHAIN_CELL]
        slot = cell_of(log, row, cell + layout.SLOT)
        if slot == layout.NONE:
            continue
        for w in range(chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]):
            high = words[slot + layout.SLOT_NOW] - windows[w, layout.WINDOW_DELAY]
            if high - windows[w, layout.WINDOW_OVER] < time <= high:
                base = slot + windows[w, layout.WINDOW_WORD]
                _revalue_window(log, tables, arena, cell, w, base, row, column, old)
