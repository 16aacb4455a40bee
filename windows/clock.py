"""Kernels of the stream's clock, in event time: what most of the last events agree on, so that few cannot move it.

How far an event's time is ahead of its arrival, `ahead`, is kept for the last RECENT events: in order of arrival in
the first row of `recent`, and ascending in the second. Where arrivals are unknown they are 0, and the clock moves with
the events' own times.
"""

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


@inlined
def quorum_of(recent: Words, count: int, skew_ms: int) -> int:
    """The largest `ahead` with QUORUM of them in `(ahead - 2 * skew_ms, ahead]`, or NULL."""
    for i in range(count - 1, QUORUM - 2, -1):
        if recent[1, i - QUORUM + 1] > recent[1, i] - 2 * skew_ms:
            return int(recent[1, i])
    return layout.NULL


@inlined
def surpassed_by(recent: Words, count: int, quorum: int) -> int:
    """An `ahead` that the stream has surely come to: `quorum`, or the lower median where that is NULL; else NULL.

    It is NULL too with fewer than QUORUM events, so that no few of the first ones can move it for good.
    """
    if quorum == layout.NULL and count >= QUORUM:
        return int(recent[1, (count - 1) // 2])
    return quorum


@inlined
def remember(recent: Words, register: Words, ahead: int) -> None:
    """Takes `ahead` in, in the place of the oldest."""
    count, at = register[CLOCK_COUNT], register[CLOCK_NEXT]
    if count < RECENT:
        place = count
        register[CLOCK_COUNT] = count + 1
    else:
        oldest = recent[0, at]
        place = 0
        while recent[1, place] != oldest:
            place += 1
    while place > 0 and recent[1, place - 1] > ahead:
        recent[1, place] = recent[1, place - 1]
        place -= 1
    while place + 1 < register[CLOCK_COUNT] and recent[1, place + 1] < ahead:
        recent[1, place] = recent[1, place + 1]
        place += 1
    recent[1, place] = ahead
    recent[0, at] = ahead
    register[CLOCK_NEXT] = (at + 1) % RECENT
