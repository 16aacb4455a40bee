"""The kernel of sequences: whether some steps have come, one after the other, before an event."""

from windows import layout
from windows.jit import inlined
from windows.memory import Log, Words, cell_of, time_of, value_of

_STEP = (1 << layout.STEP_BITS) - 1


@inlined
def has_come(log: Log, outputs: Words, o: int, cell: int, latest: int, low: int) -> bool:
    """Whether the sequence of output `o` has come, later than `low` and up to row `latest` of the chain at `cell`.

    Each step, from the last to the first, is taken as late as it can be: so the first is as late as it can be, and if
    any way of taking them has no event of the other filters behind its first step, this one has none.
    """
    column = outputs[o, layout.OUTPUT_FIRST]
    steps, unless = outputs[o, layout.OUTPUT_SECOND], outputs[o, layout.OUTPUT_THIRD]
    row = latest
    while row != layout.NONE and time_of(log, row) > low:
        filters = value_of(log, row, column)
        is_step = (filters >> ((steps & _STEP) - 1)) & 1 != 0
        if is_step and steps <= _STEP:
            return True
        if filters & unless != 0:
            return False
        if is_step:
            steps >>= layout.STEP_BITS
        row = cell_of(log, row, cell + layout.PREVIOUS)
    return False
