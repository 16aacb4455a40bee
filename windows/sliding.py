"""Kernels of one window: rows enter and leave it, and its aggregates follow.

A window's set is always exactly the rows of its chain with `low < timestamp <= high`, where `high` is the slot's time less
the delay and `low` is `high` less the length.
"""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import Cells, Words
from windows.int128 import add_square
from windows.jit import inlined, kernel


@inlined
def accumulate(
    rows: Words, cells: Cells, row_words: int, accumulators: Words, first: int, end: int, block: Words, base: int,
    row: int, sign: int, low: int, high: int, look_back: bool, look_on: bool,
) -> None:  # fmt: skip
    """Adds (sign 1) or takes away (sign -1) `row` in the block at `block[base]`.

    A value is new to a distinct count, or gone from it, if no equal one is in the set: before the row (`look_back`: later
    than `low`) or behind it (`look_on`: not later than `high`).
    """
    block[base + layout.BLOCK_COUNT] += sign
    for a in range(first, end):
        kind = accumulators[a, layout.ACCUMULATOR_KIND]
        of = accumulators[a, layout.ACCUMULATOR_OF]
        word = base + accumulators[a, layout.ACCUMULATOR_WORD]
        if kind == layout.DISTINCT:
            at = row * 2 * row_words + of
            if cells[at + layout.SLOT] == layout.NONE:
                continue
            other = np.int64(cells[at + layout.PREVIOUS])
            if look_back and other != layout.NONE and rows[other * row_words] > low:
                continue
            other = np.int64(cells[at + layout.NEXT])
            if look_on and other != layout.NONE and rows[other * row_words] <= high:
                continue
            block[word] += sign
        elif kind < layout.DISTINCT:
            value = rows[row * row_words + of]
            if value == layout.NULL:
                continue
            if kind == layout.SUM:
                block[word] += sign * value
            elif kind == layout.COUNT_OF:
                block[word] += sign
            else:
                add_square(block, word, value, sign)


@inlined
def _outranks(kind: int, held: int, value: int) -> bool:
    return held >= value if kind == layout.MAXIMUM else held <= value


@inlined
def enter_deques(
    rows: Words, cells: Cells, row_words: int, accumulators: Words, first: int, end: int, state_cells: Cells, base: int,
    row: int,
) -> None:  # fmt: skip
    """Puts `row` into the deque of each extreme of the block at `base`: rows in time order, each outranking all behind it."""
    stride = 2 * row_words
    for a in range(first, end):
        kind = accumulators[a, layout.ACCUMULATOR_KIND]
        if kind < layout.MINIMUM:
            continue
        of = accumulators[a, layout.ACCUMULATOR_OF]
        cell = accumulators[a, layout.ACCUMULATOR_CELL]
        front = 2 * (base + accumulators[a, layout.ACCUMULATOR_WORD])
        back = front + 1
        value = rows[row * row_words + of]
        if value == layout.NULL:
            continue
        behind = np.int64(layout.NONE)
        ahead = np.int64(state_cells[back])
        while ahead != layout.NONE and rows[ahead * row_words] > rows[row * row_words]:
            behind = ahead
            ahead = np.int64(cells[ahead * stride + cell])
        if behind != layout.NONE and _outranks(kind, rows[behind * row_words + of], value):
            continue
        while ahead != layout.NONE and _outranks(kind, value, rows[ahead * row_words + of]):
            ahead = np.int64(cells[ahead * stride + cell])
        cells[row * stride + cell] = ahead
        cells[row * stride + cell + 1] = behind
        if ahead != layout.NONE:
            cells[ahead * stride + cell + 1] = row
        else:
            state_cells[front] = row
        if behind != layout.NONE:
            cells[behind * stride + cell] = row
        else:
            state_cells[back] = row


@inlined
def leave_deques(
    cells: Cells, row_words: int, accumulators: Words, first: int, end: int, state_cells: Cells, base: int, row: int
) -> None:
    """Takes `row`, the oldest of the set, out of the deques where it is the front."""
    stride = 2 * row_words
    for a in range(first, end):
        if accumulators[a, layout.ACCUMULATOR_KIND] < layout.MINIMUM:
            continue
        cell = accumulators[a, layout.ACCUMULATOR_CELL]
        front = 2 * (base + accumulators[a, layout.ACCUMULATOR_WORD])
        if state_cells[front] != row:
            continue
        following = cells[row * stride + cell + 1]
        state_cells[front] = following
        if following == layout.NONE:
            state_cells[front + 1] = layout.NONE
        else:
            cells[np.int64(following) * stride + cell] = layout.NONE


@inlined
def admit(
    rows: Words, cells: Cells, row_words: int, cell: int, windows: Words, w: int, accumulators: Words, state: Words,
    state_cells: Cells, slot: int, now: int, row: int,
) -> None:  # fmt: skip
    """Takes notice of `row`, just linked into its chain: into the set if its time is within it, else it waits or is past."""
    base = slot + windows[w, layout.WINDOW_WORD]
    tail_cell, lead_cell = 2 * base, 2 * base + 1
    high = now - windows[w, layout.WINDOW_DELAY]
    low = high - windows[w, layout.WINDOW_OVER]
    time = rows[row * row_words]
    following = np.int64(cells[row * 2 * row_words + cell + layout.NEXT])
    if time > high:
        lead = state_cells[lead_cell]
        if lead == layout.NONE or following == lead:
            if state_cells[tail_cell] == lead:
                state_cells[tail_cell] = row
            state_cells[lead_cell] = row
    elif time > low:
        first, end = windows[w, layout.WINDOW_ACCUMULATORS], windows[w, layout.WINDOW_ACCUMULATORS_END]
        accumulate(
            rows, cells, row_words, accumulators, first, end, state, base, row, 1, low, high, True, True
        )  # fmt: skip
        enter_deques(rows, cells, row_words, accumulators, first, end, state_cells, base, row)
        tail = state_cells[tail_cell]
        if tail == state_cells[lead_cell] or following == tail:
            state_cells[tail_cell] = row


@inlined
def advance(
    rows: Words, cells: Cells, row_words: int, cell: int, windows: Words, w: int, accumulators: Words, state: Words,
    state_cells: Cells, slot: int, old: int, now: int,
) -> None:  # fmt: skip
    """Moves the window from the slot's time `old` to the later `now`: what has come enters, what has passed leaves."""
    base = slot + windows[w, layout.WINDOW_WORD]
    first, end = windows[w, layout.WINDOW_ACCUMULATORS], windows[w, layout.WINDOW_ACCUMULATORS_END]
    over = windows[w, layout.WINDOW_OVER]
    high = now - windows[w, layout.WINDOW_DELAY]
    low = high - over
    old_low = old - windows[w, layout.WINDOW_DELAY] - over
    stride = 2 * row_words
    tail, lead = np.int64(state_cells[2 * base]), np.int64(state_cells[2 * base + 1])
    while lead != layout.NONE and rows[lead * row_words] <= high:
        accumulate(
            rows, cells, row_words, accumulators, first, end, state, base, lead, 1, old_low, high, True, False
        )  # fmt: skip
        enter_deques(rows, cells, row_words, accumulators, first, end, state_cells, base, lead)
        lead = np.int64(cells[lead * stride + cell + layout.NEXT])
    while tail != lead and rows[tail * row_words] <= low:
        accumulate(
            rows, cells, row_words, accumulators, first, end, state, base, tail, -1, low, high, False, True
        )  # fmt: skip
        leave_deques(cells, row_words, accumulators, first, end, state_cells, base, tail)
        tail = np.int64(cells[tail * stride + cell + layout.NEXT])
    state_cells[2 * base] = tail
    state_cells[2 * base + 1] = lead


@kernel
def rewind(
    rows: Words, cells: Cells, row_words: int, cell: int, windows: Words, w: int, accumulators: Words, state: Words,
    state_cells: Cells, slot: int, now: int, time: int, block: Words,
) -> int:  # fmt: skip
    """Fills `block` with the window's block as of `time`, earlier than the slot's time `now`; returns its oldest row.

    The set at `now` loses its rows later than `time` allows and gains the older ones that it had then. An extreme's word
    becomes its value.
    """
    base = slot + windows[w, layout.WINDOW_WORD]
    first, end = windows[w, layout.WINDOW_ACCUMULATORS], windows[w, layout.WINDOW_ACCUMULATORS_END]
    over, delay = windows[w, layout.WINDOW_OVER], windows[w, layout.WINDOW_DELAY]
    stride = 2 * row_words
    for word in range(windows[w, layout.WINDOW_WORDS]):
        block[word] = state[base + word]
    tail, lead = np.int64(state_cells[2 * base]), np.int64(state_cells[2 * base + 1])
    last = np.int64(state_cells[2 * (slot + layout.SLOT_LAST)])
    low_now, low, high = now - delay - over, time - delay - over, time - delay
    row = last if lead == layout.NONE else np.int64(cells[lead * stride + cell + layout.PREVIOUS])
    while row != layout.NONE and rows[row * row_words] > high and rows[row * row_words] > low_now:
        accumulate(
            rows, cells, row_words, accumulators, first, end, block, 0, row, -1, low_now, high, True, False
        )  # fmt: skip
        row = np.int64(cells[row * stride + cell + layout.PREVIOUS])
    oldest = tail if tail != lead and rows[tail * row_words] <= high else np.int64(layout.NONE)
    row = last if tail == layout.NONE else np.int64(cells[tail * stride + cell + layout.PREVIOUS])
    while row != layout.NONE and rows[row * row_words] > low:
        if rows[row * row_words] <= high:
            accumulate(
                rows, cells, row_words, accumulators, first, end, block, 0, row, 1, low, high, False, True
            )  # fmt: skip
            oldest = row
        row = np.int64(cells[row * stride + cell + layout.PREVIOUS])
    for a in range(first, end):
        kind = accumulators[a, layout.ACCUMULATOR_KIND]
        if kind >= layout.MINIMUM:
            of = accumulators[a, layout.ACCUMULATOR_OF]
            best = np.int64(layout.NULL)
            row = oldest
            while row != layout.NONE and rows[row * row_words] <= high:
                value = rows[row * row_words + of]
                if value != layout.NULL and (best == layout.NULL or _outranks(kind, value, best)):
                    best = value
                row = np.int64(cells[row * stride + cell + layout.NEXT])
            block[accumulators[a, layout.ACCUMULATOR_WORD]] = best
    return oldest
