"""Kernels of one window: rows enter and leave it, and its aggregates follow.

A window's set is always exactly the rows of its chain with `low < timestamp <= high`, where `high` is the slot's time
less the delay and `low` is `high` less the length. `cell` is the chain's place in a row, `w` the window's in the
tables.
"""

from windows import layout
from windows.extremes import extreme_of
from windows.int128 import add_square
from windows.jit import inlined, kernel
from windows.memory import Arena, Log, Tables, Words, cell_of, time_of, value_of
from windows.structures import enter_structures, leave_structures


@inlined
def _has_equal(log: Log, row: int, pair: int, look_back: bool, low: int, look_on: bool, high: int) -> bool:
    """Whether the set holds another row with the value of `row`: its neighbour in the chain of pairs at cell `pair`."""
    if look_back:
        other = cell_of(log, row, pair + layout.PREVIOUS)
        if other != layout.NONE and time_of(log, other) > low:
            return True
    if look_on:
        other = cell_of(log, row, pair + layout.NEXT)
        if other != layout.NONE and time_of(log, other) <= high:
            return True
    return False


@inlined
def add_value(block: Words, word: int, kind: int, value: int, sign: int) -> None:
    """Adds (sign 1) or takes away (sign -1) `value`, unless it is missing, in an accumulator that sums up values."""
    if value == layout.NULL:
        return
    if kind == layout.SUM:
        block[word] += sign * value
    elif kind == layout.COUNT_OF:
        block[word] += sign
    else:
        add_square(block, word, value, sign)


@inlined
def accumulate(
    log: Log,
    tables: Tables,
    w: int,
    block: Words,
    base: int,
    row: int,
    sign: int,
    low: int,
    high: int,
    look_back: bool,
    look_on: bool,
) -> None:
    """Adds (sign 1) or takes away (sign -1) `row` in the block at `block[base]`.

    A value is new to a distinct count, or gone from it, if no equal one is in the set: before the row (`look_back`:
    later than `low`) or behind it (`look_on`: not later than `high`).
    """
    block[base + layout.BLOCK_COUNT] += sign
    for a in range(tables.windows[w, layout.WINDOW_ACCUMULATORS], tables.windows[w, layout.WINDOW_STRUCTURES]):
        kind = tables.accumulators[a, layout.ACCUMULATOR_KIND]
        of = tables.accumulators[a, layout.ACCUMULATOR_OF]
        word = base + tables.accumulators[a, layout.ACCUMULATOR_WORD]
        if kind == layout.DISTINCT:
            has_value = cell_of(log, row, of + layout.SLOT) != layout.NONE
            if has_value and not _has_equal(log, row, of, look_back, low, look_on, high):
                block[word] += sign
        else:
            add_value(block, word, kind, value_of(log, row, of), sign)


@inlined
def _await(log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, row: int) -> None:
    """Lets `row`, later than the set, wait its turn."""
    base = slot + tables.windows[w, layout.WINDOW_WORD]
    lead = arena.cells[2 * base + 1]
    if lead == layout.NONE or cell_of(log, row, cell + layout.NEXT) == lead:
        if arena.cells[2 * base] == lead:
            arena.cells[2 * base] = row
        arena.cells[2 * base + 1] = row


@inlined
def admit(log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, now: int, row: int) -> None:
    """Puts `row`, just linked into its chain, into the set if its time is within; else it waits its turn or is past."""
    base = slot + tables.windows[w, layout.WINDOW_WORD]
    tail_cell, lead_cell = 2 * base, 2 * base + 1
    high = now - tables.windows[w, layout.WINDOW_DELAY]
    low = high - tables.windows[w, layout.WINDOW_OVER]
    time = time_of(log, row)
    following = cell_of(log, row, cell + layout.NEXT)
    if time > high:
        _await(log, tables, arena, cell, w, slot, row)
    elif time > low:
        accumulate(log, tables, w, arena.words, base, row, 1, low, high, True, True)
        enter_structures(log, tables, arena, w, base, row)
        tail = arena.cells[tail_cell]
        if tail == arena.cells[lead_cell] or following == tail:
            arena.cells[tail_cell] = row


@inlined
def advance(log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, old: int, now: int) -> None:
    """Moves the window from the slot's time `old` to the later `now`: what has come enters, what has passed leaves."""
    base = slot + tables.windows[w, layout.WINDOW_WORD]
    over = tables.windows[w, layout.WINDOW_OVER]
    high = now - tables.windows[w, layout.WINDOW_DELAY]
    low = high - over
    old_low = old - tables.windows[w, layout.WINDOW_DELAY] - over
    tail, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
    while lead != layout.NONE and time_of(log, lead) <= high:
        accumulate(log, tables, w, arena.words, base, lead, 1, old_low, high, True, False)
        enter_structures(log, tables, arena, w, base, lead)
        lead = cell_of(log, lead, cell + layout.NEXT)
    while tail != lead and time_of(log, tail) <= low:
        accumulate(log, tables, w, arena.words, base, tail, -1, low, high, False, True)
        leave_structures(log, tables, arena, w, base, tail)
        tail = cell_of(log, tail, cell + layout.NEXT)
    arena.cells[2 * base] = tail
    arena.cells[2 * base + 1] = lead


@inlined
def slide(log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, old: int, now: int, row: int) -> None:
    """Takes in `row`, just linked into its chain, unless it is NONE; then moves the window from `old` on to `now`."""
    if now > old:
        if row != layout.NONE:
            _await(log, tables, arena, cell, w, slot, row)
        advance(log, tables, arena, cell, w, slot, old, now)
    elif row != layout.NONE:
        admit(log, tables, arena, cell, w, slot, old, row)


@kernel
def rewind(
    log: Log, tables: Tables, arena: Arena, cell: int, w: int, slot: int, now: int, time: int, block: Words
) -> int:
    """Fills `block` with the window's block as of `time`, earlier than the slot's time `now`; returns its oldest row.

    The set at `now` loses its rows later than `time` allows and gains the older ones that it had then. An extreme's
    word becomes its value.
    """
    base = slot + tables.windows[w, layout.WINDOW_WORD]
    over, delay = tables.windows[w, layout.WINDOW_OVER], tables.windows[w, layout.WINDOW_DELAY]
    for word in range(tables.windows[w, layout.WINDOW_WORDS]):
        block[word] = arena.words[base + word]
    tail, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
    last = int(arena.cells[2 * (slot + layout.SLOT_LAST)])
    low_now, low, high = now - delay - over, time - delay - over, time - delay
    row = last if lead == layout.NONE else cell_of(log, lead, cell + layout.PREVIOUS)
    while row != layout.NONE and time_of(log, row) > high and time_of(log, row) > low_now:
        accumulate(log, tables, w, block, 0, row, -1, low_now, high, True, False)
        row = cell_of(log, row, cell + layout.PREVIOUS)
    oldest = tail if tail != lead and time_of(log, tail) <= high else layout.NONE
    row = last if tail == layout.NONE else cell_of(log, tail, cell + layout.PREVIOUS)
    while row != layout.NONE and time_of(log, row) > low:
        if time_of(log, row) <= high:
            accumulate(log, tables, w, block, 0, row, 1, low, high, False, True)
            oldest = row
        row = cell_of(log, row, cell + layout.PREVIOUS)
    for a in range(tables.windows[w, layout.WINDOW_STRUCTURES], tables.windows[w, layout.WINDOW_ACCUMULATORS_END]):
        if tables.accumulators[a, layout.ACCUMULATOR_KIND] < layout.ORDER:
            block[tables.accumulators[a, layout.ACCUMULATOR_WORD]] = extreme_of(log, tables, a, cell, oldest, high)
    return oldest
