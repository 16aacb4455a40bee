"""Kernels of the stream's clock, in event time: what most of the last events agree on, so that few cannot move it.

Two things are kept of the last RECENT events, in two rows of `recent` each, first in order of arrival and then
ascending: from row AHEAD on how far their times are ahead of their arrivals, from row TIME on their times. Where
arrivals are unknown they are 0, and both are the same.
"""

import numpy as np

from windows import layout
from windows.jit import inlined
from windows.memory import Words

RECENT = 64
"""The clock looks at so many events."""

QUORUM = 16
"""So many of them, close together, must stand behind it."""

# The clock's words in the register: how many events it has, and where in the first row the next one goes.
CLOCK_COUNT, CLOCK_NEXT = range(2)
CLOCK_REGISTER = 2


AHEAD, TIME, ROWS = 0, 2, 4


@inlined
def quorum_of(recent: Words, row: int, count: int, skew_ms: int) -> int:
    """The largest value from `row` on with QUORUM of them in `(value - 2 * skew_ms, value]`, or NULL."""
    for i in range(count - 1, QUORUM - 2, -1):
        if recent[row + 1, i - QUORUM + 1] > recent[row + 1, i] - 2 * skew_ms:
            return int(recent[row + 1, i])
    return layout.NULL


@inlined
def base_of(recent: Words, row: int, count: int, quorum: int) -> int:
    """What lateness is measured from: `quorum`, or the second largest value where that is NULL; else NULL."""
    if quorum == layout.NULL and count > 1:
        return int(recent[row + 1, count - 2])
    return quorum


@inlined
def surpassed_by(recent: Words, row: int, count: int, quorum: int) -> int:
    """What the stream has surely come to: `quorum`, or the lower median where that is NULL; else NULL.

    It is NULL too with fewer than QUORUM events, so that no few of the first ones can move it for good.
    """
    if quorum == layout.NULL and count >= QUORUM:
        return int(recent[row + 1, (count - 1) // 2])
    return quorum


@inlined
def _below(recent: Words, row: int, count: int, value: int) -> int:
    """How many of the first `count` values in `row` are below this one; all are looked at, several at a time."""
    below = 0
    for i in range(count):
        below += recent[row, np.uint64(i)] < value
    return below


@inlined
def _insert(recent: Words, row: int, count: int, at: int, value: int) -> None:
    """Takes `value` in at `at`, which is the place of the oldest if there are RECENT already."""
    leaves = _below(recent, row + 1, count, recent[row, at]) if count == RECENT else count
    enters = _below(recent, row + 1, count, value)
    if enters > leaves:
        enters -= 1
        for i in range(leaves, enters):
            recent[row + 1, np.uint64(i)] = recent[row + 1, np.uint64(i + 1)]
    for i in range(leaves, enters, -1):
        recent[row + 1, np.uint64(i)] = recent[row + 1, np.uint64(i - 1)]
    recent[row + 1, enters] = value
    recent[row, at] = value


@inlined
def remember(recent: Words, register: Words, ahead: int, time: int) -> None:
    """Takes an event in, in the place of the oldest."""
    count, at = register[CLOCK_COUNT], register[CLOCK_NEXT]
    _insert(recent, AHEAD, count, at, ahead)
    _insert(recent, TIME, count, at, time)
    register[CLOCK_COUNT] = min(count + 1, RECENT)
    register[CLOCK_NEXT] = (at + 1) % RECENT
