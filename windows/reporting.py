"""Kernels of the answers: the features of a window as of an event's own time.

Outputs are int64; a float's bits go through `floats`, one element that shares its memory with nothing else.
"""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.int128 import add_square, squared_deviations
from windows.jit import inlined, kernel
from windows.memory import Arena, Log, Tables, Words, cell_of, time_of, value_of
from windows.places import distance_km
from windows.sequences import has_come
from windows.sliding import rewind
from windows.structures import read_structure

Floats = NDArray[np.float64]


@inlined
def _latest_before(
    log: Log, arena: Arena, cell: int, slot: int, lead: int, row: int, low: int, high: int, delay: int
) -> int:
    """The latest row of the chain before the event in `(low, high]`, or NONE; `row` is NONE where it did not enter."""
    if row != layout.NONE and delay == 0:
        found = cell_of(log, row, cell + layout.PREVIOUS)
    elif lead != layout.NONE:
        found = cell_of(log, lead, cell + layout.PREVIOUS)
    else:
        found = int(arena.cells[2 * (slot + layout.SLOT_LAST)])
    while found != layout.NONE and time_of(log, found) > high:
        found = cell_of(log, found, cell + layout.PREVIOUS)
    if found != layout.NONE and time_of(log, found) <= low:
        return layout.NONE
    return found


@inlined
def _bits(number: float, floats: Floats) -> int:
    floats[0] = number
    return int(floats.view(np.int64)[0])


@inlined
def _mean(block: Words, base: int, outputs: Words, o: int) -> float:
    count = block[base + outputs[o, layout.OUTPUT_SECOND]]
    if count == 0:
        return np.nan
    return float(block[base + outputs[o, layout.OUTPUT_FIRST]] / count)


@inlined
def _deviation(block: Words, base: int, outputs: Words, o: int) -> float:
    """The sample standard deviation; NaN for fewer than two values."""
    count = block[base + outputs[o, layout.OUTPUT_SECOND]]
    if count < 2:
        return np.nan
    total = block[base + outputs[o, layout.OUTPUT_FIRST]]
    deviations = squared_deviations(block, base + outputs[o, layout.OUTPUT_THIRD], total, count)
    return float(np.sqrt(max(deviations, 0.0) / (count - 1)))


@kernel
def _standing(block: Words, base: int, outputs: Words, o: int, value: int, inside: bool) -> float:
    """How many standard deviations `value` is above the mean of the values in the block; NaN where that says nothing.

    A value that is `inside` is left out of them, for as long as this takes.
    """
    count = block[base + outputs[o, layout.OUTPUT_SECOND]]
    total = block[base + outputs[o, layout.OUTPUT_FIRST]]
    if value == layout.NULL:
        return np.nan
    if inside:
        count -= 1
        total -= value
    if count < outputs[o, layout.OUTPUT_FIFTH]:
        return np.nan
    squares = base + outputs[o, layout.OUTPUT_THIRD]
    if inside:
        add_square(block, squares, value, -1)
    deviations = squared_deviations(block, squares, total, count)
    if inside:
        add_square(block, squares, value, 1)
    if deviations <= 0.0:
        return np.nan
    mean = total // count
    distance = float(value - mean) - float(total - mean * count) / float(count)
    return float(distance / np.sqrt(deviations / (count - 1)))


@inlined
def _rate(outputs: Words, o: int, whole: int, recent: int) -> float:
    """How many times as much there was in the window's last part, `recent`, as before it; NaN where there was nothing.

    Each by the time it took.
    """
    before = whole - recent
    if before == 0:
        return np.nan
    return float((recent / outputs[o, layout.OUTPUT_SECOND]) / (before / outputs[o, layout.OUTPUT_THIRD]))


@kernel
def _travelled(log: Log, outputs: Words, o: int, row: int, before: int) -> float:
    """Kilometres from the place of the row `before` to that of `row`, or km/h; NaN where there are none."""
    column = outputs[o, layout.OUTPUT_FIRST]
    if before == layout.NONE:
        return np.nan
    here, there = value_of(log, row, column), value_of(log, before, column)
    if here == layout.NULL or there == layout.NULL:
        return np.nan
    way_km, took_ms = distance_km(here, there), time_of(log, row) - time_of(log, before)
    if outputs[o, layout.OUTPUT_KIND] == layout.OUT_DISTANCE:
        return way_km
    return np.nan if took_ms == 0 else way_km / (took_ms / 3_600_000.0)


@inlined
def _of_row(log: Log, kind: int, column: int, time: int, oldest: int, latest: int) -> int:
    """The output that the oldest row or the latest before the event gives: its value, the row itself, or its age."""
    row = oldest if kind in (layout.OUT_FIRST_VALUE, layout.OUT_FIRST_ROW, layout.OUT_AGE) else latest
    if row == layout.NONE:
        return layout.NULL
    if kind in (layout.OUT_AGE, layout.OUT_GAP):
        return time - time_of(log, row)
    if kind in (layout.OUT_FIRST_ROW, layout.OUT_LAST_ROW):
        return row
    return value_of(log, row, column)


@inlined
def _output(
    log: Log,
    outputs: Words,
    arena: Arena,
    cell: int,
    o: int,
    block: Words,
    base: int,
    rewound: bool,
    low: int,
    time: int,
    oldest: int,
    latest: int,
    row: int,
    inside: bool,
    told: int,
    floats: Floats,
) -> int:
    """The value of output `o` in the block at `block[base]`, where an extreme's word is its value once `rewound`.

    `row` is the event's own, `inside` whether it is in the set. `told` is what a shorter window said of the feature.
    """
    kind = outputs[o, layout.OUTPUT_KIND]
    first = outputs[o, layout.OUTPUT_FIRST]
    if kind == layout.OUT_WORD:
        return int(block[base + first])
    if kind == layout.OUT_EXTREME:
        if rewound:
            return int(block[base + first])
        row = int(arena.cells[2 * (base + first)])
        return layout.NULL if row == layout.NONE else value_of(log, row, outputs[o, layout.OUTPUT_SECOND])
    if kind == layout.OUT_IS_NEW:
        return 1 if latest == layout.NONE else 0
    if kind == layout.OUT_SEQUENCE:
        steps, unless = outputs[o, layout.OUTPUT_SECOND], outputs[o, layout.OUTPUT_THIRD]
        return 1 if has_come(log, cell, latest, low, first, steps, unless) else 0
    if kind == layout.OUT_MEAN:
        return _bits(_mean(block, base, outputs, o), floats)
    if kind == layout.OUT_STD:
        return _bits(_deviation(block, base, outputs, o), floats)
    if layout.OUT_DISTANCE <= kind <= layout.OUT_SPEED:
        return _bits(_travelled(log, outputs, o, row, latest), floats)
    if kind == layout.OUT_ZSCORE:
        value = value_of(log, row, outputs[o, layout.OUTPUT_FOURTH])
        return _bits(_standing(block, base, outputs, o, value, inside), floats)
    if kind == layout.OUT_RATE:
        return _bits(_rate(outputs, o, int(block[base + first]), told), floats)
    return _of_row(log, kind, first, time, oldest, latest)


@inlined
def report(
    log: Log,
    tables: Tables,
    arena: Arena,
    cell: int,
    w: int,
    slot: int,
    now: int,
    time: int,
    row: int,
    entered: bool,
    scratch: Words,
    floats: Floats,
    features: Words,
    i: int,
) -> None:
    """Writes the features of window `w`, which stands at `now`, as of `time` to `features[:, i]`.

    `row` is the event's own, which has `entered` the chain at `cell` or not.
    """
    base = slot + tables.windows[w, layout.WINDOW_WORD]
    tail, lead = int(arena.cells[2 * base]), int(arena.cells[2 * base + 1])
    delay = tables.windows[w, layout.WINDOW_DELAY]
    high = time - delay
    low = high - tables.windows[w, layout.WINDOW_OVER]
    rewound, inside = time < now, entered and delay == 0
    oldest = tail if tail != lead else layout.NONE
    if rewound:
        oldest = rewind(log, tables, arena, cell, w, slot, now, time, scratch)
    for o in range(tables.windows[w, layout.WINDOW_OUTPUTS], tables.windows[w, layout.WINDOW_OUTPUTS_END]):
        latest = layout.NONE
        if layout.OUT_LAST_VALUE <= tables.outputs[o, layout.OUTPUT_KIND] <= layout.OUT_SPEED:
            latest = _latest_before(log, arena, cell, slot, lead, row if entered else layout.NONE, low, high, delay)
        feature = tables.outputs[o, layout.OUTPUT_FEATURE]
        told = features[feature, i]
        if tables.outputs[o, layout.OUTPUT_KIND] >= layout.OUT_PERCENTILE:
            value = _bits(read_structure(log, tables, arena, cell, w, slot, now, time, o), floats)
        else:
            block, at = (scratch, 0) if rewound else (arena.words, base)
            value = _output(
                log,
                tables.outputs,
                arena,
                cell,
                o,
                block,
                at,
                rewound,
                low,
                high,
                oldest,
                latest,
                row,
                inside,
                told,
                floats,
            )
        features[feature, i] = value


@inlined
def report_nothing(tables: Tables, c: int, has_key: bool, floats: Floats, features: Words, i: int) -> None:
    """Writes the features of chain `c` for an event whose key has nothing in the log, or that has no key there."""
    first, end = tables.chains[c, layout.CHAIN_WINDOWS], tables.chains[c, layout.CHAIN_WINDOWS_END]
    for o in range(tables.windows[first, layout.WINDOW_OUTPUTS], tables.windows[end - 1, layout.WINDOW_OUTPUTS_END]):
        kind = tables.outputs[o, layout.OUTPUT_KIND]
        value = layout.NULL
        if kind >= layout.OUT_DISTANCE:
            value = _bits(np.nan, floats)
        elif has_key and kind in (layout.OUT_WORD, layout.OUT_SEQUENCE):
            value = 0
        elif has_key and kind == layout.OUT_IS_NEW:
            value = 1
        features[tables.outputs[o, layout.OUTPUT_FEATURE], i] = value
