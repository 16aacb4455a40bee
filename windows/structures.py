"""Kernels of the structures that hold a window's rows: the deques of its extremes, and its ordered trees."""

import numpy as np

from windows import layout
from windows.extremes import enter_deque, leave_deque
from windows.jit import inlined, kernel
from windows.memory import Arena, Log, Tables, cell_of, time_of, value_of
from windows.treaps import Tree, erase, insert, member_at, size_of

_WHOLE = 100_000
"""A percentile's share is in thousandths of a percent."""


@inlined
def _values(log: Log, tables: Tables, a: int) -> Tree:
    """Rows by the value that accumulator `a` orders."""
    of, cell = tables.accumulators[a, layout.ACCUMULATOR_OF], tables.accumulators[a, layout.ACCUMULATOR_CELL]
    return Tree(log.rows, log.row_words, of, log.cells, 2 * log.row_words, cell)


@inlined
def _counts(tables: Tables, arena: Arena, a: int) -> Tree:
    """Slots of pairs by how many of their rows are in the window of accumulator `a`."""
    word = tables.accumulators[a, layout.ACCUMULATOR_CELL]
    return Tree(arena.words, 1, word + layout.MEMBER_COUNT, arena.cells, 2, 2 * (word + layout.MEMBER_CELLS))


@inlined
def _root(tables: Tables, a: int, base: int) -> int:
    """Which cell of the arena has the root of tree `a` of the window whose block is at `base`."""
    return int(2 * (base + tables.accumulators[a, layout.ACCUMULATOR_WORD]))


@kernel
def _order(log: Log, tables: Tables, arena: Arena, a: int, base: int, row: int, value: int, enters: bool) -> None:
    """Puts `row` with its `value` into tree `a` or takes it out, unless that is none."""
    if value == layout.NULL:
        return
    root = _root(tables, a, base)
    if enters:
        arena.cells[root] = insert(_values(log, tables, a), int(arena.cells[root]), row)
    else:
        arena.cells[root] = erase(_values(log, tables, a), int(arena.cells[root]), row, value)


@kernel
def _count(log: Log, tables: Tables, arena: Arena, a: int, base: int, row: int, change: int) -> None:
    """Adds `change` to how often the window has the value of `row`, unless that is none; the tree's word is followed
    by that of their sum.
    """
    slot = cell_of(log, row, tables.accumulators[a, layout.ACCUMULATOR_OF] + layout.SLOT)
    if slot == layout.NONE:
        return
    place, root = slot + tables.accumulators[a, layout.ACCUMULATOR_CELL] + layout.MEMBER_COUNT, _root(tables, a, base)
    count = int(arena.words[place])
    if count > 0:
        arena.cells[root] = erase(_counts(tables, arena, a), int(arena.cells[root]), slot, count)
    arena.words[place] = count + change
    if count + change > 0:
        arena.cells[root] = insert(_counts(tables, arena, a), int(arena.cells[root]), slot)
    arena.words[base + tables.accumulators[a, layout.ACCUMULATOR_WORD] + 1] += change


@inlined
def _change_tree(log: Log, tables: Tables, arena: Arena, a: int, base: int, row: int, enters: bool) -> None:
    """Puts `row` into tree `a` or takes it out."""
    if tables.accumulators[a, layout.ACCUMULATOR_KIND] == layout.TOP:
        _count(log, tables, arena, a, base, row, 1 if enters else -1)
    else:
        value = value_of(log, row, tables.accumulators[a, layout.ACCUMULATOR_OF])
        _order(log, tables, arena, a, base, row, value, enters)


@inlined
def _enter(log: Log, tables: Tables, arena: Arena, a: int, base: int, row: int) -> None:
    if tables.accumulators[a, layout.ACCUMULATOR_KIND] >= layout.ORDER:
        _change_tree(log, tables, arena, a, base, row, True)
    else:
        enter_deque(log, tables, arena, a, base, row)


@inlined
def enter_structures(log: Log, tables: Tables, arena: Arena, w: int, base: int, row: int) -> None:
    """Puts `row` into each structure of window `w`, whose block is at `base`."""
    for a in range(tables.windows[w, layout.WINDOW_STRUCTURES], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]):
        _enter(log, tables, arena, a, base, row)


@inlined
def leave_structures(log: Log, tables: Tables, arena: Arena, w: int, base: int, row: int) -> None:
    """Takes `row`, the oldest of the set, out of each structure of window `w`, whose block is at `base`."""
    for a in range(tables.windows[w, layout.WINDOW_STRUCTURES], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]):
        if tables.accumulators[a, layout.ACCUMULATOR_KIND] >= layout.ORDER:
            _change_tree(log, tables, arena, a, base, row, False)
        else:
            leave_deque(log, tables, arena, a, base, row)


@inlined
def restore_structure(log: Log, tables: Tables, arena: Arena, a: int, cell: int, base: int) -> None:
    """Makes structure `a` anew from the set of the window whose block is at `base`."""
    arena.words[base + tables.accumulators[a, layout.ACCUMULATOR_WORD]] = layout.NO_ROWS
    row, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
    while row != lead:
        _enter(log, tables, arena, a, base, row)
        row = cell_of(log, row, cell + layout.NEXT)


@inlined
def revalue_structure(log: Log, tables: Tables, arena: Arena, a: int, cell: int, base: int, row: int, old: int) -> None:
    """Lets structure `a` follow where the log's `row` of its set no longer has the value `old`."""
    if tables.accumulators[a, layout.ACCUMULATOR_KIND] == layout.ORDER:
        _order(log, tables, arena, a, base, row, old, False)
        _change_tree(log, tables, arena, a, base, row, True)
    else:
        restore_structure(log, tables, arena, a, cell, base)


@inlined
def _shift(
    log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, now: int, time: int, a: int, back: bool
) -> None:
    """Moves tree `a` of window `w` from its set at `now` to that at the earlier `time`, or `back` again."""
    base = slot + tables.windows[w, layout.WINDOW_WORD]
    over, delay = tables.windows[w, layout.WINDOW_OVER], tables.windows[w, layout.WINDOW_DELAY]
    tail, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
    last = int(arena.cells[2 * (slot + layout.SLOT_LAST)])
    low_now, low, high = now - delay - over, time - delay - over, time - delay
    row = last if lead == layout.NONE else cell_of(log, lead, cell + layout.PREVIOUS)
    while row != layout.NONE and time_of(log, row) > high and time_of(log, row) > low_now:
        _change_tree(log, tables, arena, a, base, row, back)
        row = cell_of(log, row, cell + layout.PREVIOUS)
    row = last if tail == layout.NONE else cell_of(log, tail, cell + layout.PREVIOUS)
    while row != layout.NONE and time_of(log, row) > low:
        if time_of(log, row) <= high:
            _change_tree(log, tables, arena, a, base, row, not back)
        row = cell_of(log, row, cell + layout.PREVIOUS)


@inlined
def _percentile(log: Log, tables: Tables, arena: Arena, a: int, base: int, share: int) -> float:
    """Between the two values next to `share` of the way from the least to the largest; NaN where there is none.

    This is the method "linear" of Hyndman and Fan (1996, definition 7).
    """
    tree, root = _values(log, tables, a), int(arena.cells[_root(tables, a, base)])
    count = size_of(tree, root)
    if count == 0:
        return np.nan
    place, rest = divmod((count - 1) * share, _WHOLE)
    of = tables.accumulators[a, layout.ACCUMULATOR_OF]
    value = value_of(log, member_at(tree, root, place), of)
    if rest == 0:
        return float(value)
    following = value_of(log, member_at(tree, root, place + 1), of)
    return float(value) + float(following - value) * float(rest) / float(_WHOLE)


@inlined
def _top_share(tables: Tables, arena: Arena, a: int, base: int) -> float:
    """How large a part of the window's values the most frequent one is; NaN where there is none."""
    tree, root = _counts(tables, arena, a), int(arena.cells[_root(tables, a, base)])
    if root == layout.NONE:
        return np.nan
    slot = member_at(tree, root, size_of(tree, root) - 1)
    most = arena.words[slot + tables.accumulators[a, layout.ACCUMULATOR_CELL] + layout.MEMBER_COUNT]
    return float(most / arena.words[base + tables.accumulators[a, layout.ACCUMULATOR_WORD] + 1])


@kernel
def read_structure(
    log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, now: int, time: int, o: int
) -> float:
    """The value of output `o`, which a tree of window `w` gives, as of `time`, at or before its own time `now`."""
    a, base = tables.outputs[o, layout.OUTPUT_FIRST], slot + tables.windows[w, layout.WINDOW_WORD]
    if time < now:
        _shift(log, tables, arena, cell, w, slot, now, time, a, False)
    if tables.outputs[o, layout.OUTPUT_KIND] == layout.OUT_TOP_SHARE:
        value = _top_share(tables, arena, a, base)
    else:
        value = _percentile(log, tables, arena, a, base, tables.outputs[o, layout.OUTPUT_SECOND])
    if time < now:
        _shift(log, tables, arena, cell, w, slot, now, time, a, True)
    return value
