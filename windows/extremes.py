"""Kernels of minimum and maximum: a deque of candidates for each, linked through two cells of their rows.

A candidate is a row of the set that no later row outranks, so the front is the extreme. The first cell of a row names
the candidate ahead of it, the older, and the second the one behind it. The deque's word in the window's block holds
its front and back (2 cells).
"""

import numpy as np

from windows import layout
from windows.jit import inlined
from windows.memory import Arena, Log, Tables, cell_of, set_cell, time_of, value_of

_AHEAD, _BEHIND = range(layout.DEQUE_CELLS)


@inlined
def _outranks(kind: int, held: int, value: int) -> bool:
    return held >= value if kind == layout.MAXIMUM else held <= value


@inlined
def enter_deque(log: Log, tables: Tables, arena: Arena, a: int, base: int, row: int) -> None:
    """Puts `row` into the deque of extreme `a`, in order of time, and drops the candidates that it outranks."""
    kind = tables.accumulators[a, layout.ACCUMULATOR_KIND]
    of = tables.accumulators[a, layout.ACCUMULATOR_OF]
    cell = tables.accumulators[a, layout.ACCUMULATOR_CELL]
    front = 2 * (base + tables.accumulators[a, layout.ACCUMULATOR_WORD])
    back = front + 1
    value = value_of(log, row, of)
    if value == layout.NULL:
        return
    behind = layout.NONE
    ahead = int(arena.cells[back])
    while ahead != layout.NONE and time_of(log, ahead) > time_of(log, row):
        behind = ahead
        ahead = cell_of(log, ahead, cell + _AHEAD)
    if behind != layout.NONE and _outranks(kind, value_of(log, behind, of), value):
        return
    while ahead != layout.NONE and _outranks(kind, value, value_of(log, ahead, of)):
        ahead = cell_of(log, ahead, cell + _AHEAD)
    set_cell(log, row, cell + _AHEAD, ahead)
    set_cell(log, row, cell + _BEHIND, behind)
    if ahead != layout.NONE:
        set_cell(log, ahead, cell + _BEHIND, row)
    else:
        arena.cells[front] = row
    if behind != layout.NONE:
        set_cell(log, behind, cell + _AHEAD, row)
    else:
        arena.cells[back] = row


@inlined
def leave_deque(log: Log, tables: Tables, arena: Arena, a: int, base: int, row: int) -> None:
    """Takes `row`, the oldest of the set, out of the deque of extreme `a` if it is the front."""
    cell = tables.accumulators[a, layout.ACCUMULATOR_CELL]
    front = 2 * (base + tables.accumulators[a, layout.ACCUMULATOR_WORD])
    if arena.cells[front] != row:
        return
    following = cell_of(log, row, cell + _BEHIND)
    arena.cells[front] = following
    if following == layout.NONE:
        arena.cells[front + 1] = layout.NONE
    else:
        set_cell(log, following, cell + _AHEAD, layout.NONE)


@inlined
def extreme_of(log: Log, tables: Tables, a: int, cell: int, oldest: int, high: int) -> np.int64:
    """The value of extreme `a` over the chain from row `oldest` up to the time `high`, or NULL; uses no deque."""
    kind = tables.accumulators[a, layout.ACCUMULATOR_KIND]
    of = tables.accumulators[a, layout.ACCUMULATOR_OF]
    best = np.int64(layout.NULL)
    row = oldest
    while row != layout.NONE and time_of(log, row) <= high:
        value = np.int64(value_of(log, row, of))
        if value != layout.NULL and (best == layout.NULL or _outranks(kind, int(value), int(best))):
            best = value
        row = cell_of(log, row, cell + layout.NEXT)
    return best
