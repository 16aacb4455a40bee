"""The kernel of sequences: whether some steps have come, one after the other, before an event."""

from windows import layout
from windows.jit import inlined
from windows.memory import Log, cell_of, time_of, value_of

_STEP = (1 << layout.STEP_BITS) - 1


@inlined
def has_come(log: Log, cell: int, latest: int, low: int, column: int, steps: int, unless: int) -> bool:
    """Whether the `steps` have come, later than `low` and up to row `latest` of the chain at `cell`.

    `steps` are packed as `layout.STEP_BITS` says, `unless` has the bits of the filters that end a sequence; the filters
    that a row passed are its value `column`. Each step, from the last to the first, is taken as late as it can be: so
    the first is as late as it can be, and if any way of taking them has no event of the other filters behind its first
    step, this one has none.
    """
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
