"""The two kernels the store calls: one takes a batch of events in, the other forgets a page of the log."""

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.chains import Cells, Words, link, remove, unlink
from windows.int128 import squared_deviations
from windows.jit import inlined, kernel
from windows.sliding import admit, advance, rewind


@inlined
def _latest_before(
    rows: Words, cells: Cells, row_words: int, cell: int, state_cells: Cells, slot: int, lead: int, row: int,
    low: int, high: int, delay: int,
) -> int:  # fmt: skip
    """The latest row of the chain before the event (`row`, or NONE where it did not enter) in `(low, high]`, or NONE."""
    stride = 2 * row_words
    if row != layout.NONE and delay == 0:
        found = np.int64(cells[row * stride + cell + layout.PREVIOUS])
    elif lead != layout.NONE:
        found = np.int64(cells[lead * stride + cell + layout.PREVIOUS])
    else:
        found = np.int64(state_cells[2 * (slot + layout.SLOT_LAST)])
    while found != layout.NONE and rows[found * row_words] > high:
        found = np.int64(cells[found * stride + cell + layout.PREVIOUS])
    if found != layout.NONE and rows[found * row_words] <= low:
        found = np.int64(layout.NONE)
    return found


@inlined
def _output(
    rows: Words, row_words: int, outputs: Words, o: int, block: Words, block_cells: Cells, base: int, rewound: bool,
    time: int, oldest: int, latest: int, floats: NDArray[np.float64],
) -> int:  # fmt: skip
    """The value of output `o`, as int64 (a float's bits go through `floats`, one element that shares memory with none)."""
    kind = outputs[o, layout.OUTPUT_KIND]
    first = outputs[o, layout.OUTPUT_FIRST]
    second = outputs[o, layout.OUTPUT_SECOND]
    if kind == layout.OUT_WORD:
        return block[base + first]
    if kind == layout.OUT_EXTREME:
        if rewound:
            return block[base + first]
        row = np.int64(block_cells[2 * (base + first)])
        return layout.NULL if row == layout.NONE else rows[row * row_words + second]
    if kind == layout.OUT_IS_NEW:
        return 1 if latest == layout.NONE else 0
    if kind == layout.OUT_MEAN or kind == layout.OUT_STD:
        count = block[base + second]
        floats[0] = np.nan
        if kind == layout.OUT_MEAN and count > 0:
            floats[0] = block[base + first] / count
        elif kind == layout.OUT_STD and count > 1:
            deviations = squared_deviations(
                block, base + outputs[o, layout.OUTPUT_THIRD], block[base + first], count
            )
            floats[0] = np.sqrt(max(deviations, 0.0) / (count - 1))
        return floats.view(np.int64)[0]
    if kind == layout.OUT_FIRST_VALUE or kind == layout.OUT_FIRST_ROW or kind == layout.OUT_AGE:
        row = oldest
    else:
        row = latest
    if row == layout.NONE:
        return layout.NULL
    if kind == layout.OUT_AGE or kind == layout.OUT_GAP:
        return time - rows[row * row_words]
    if kind == layout.OUT_FIRST_ROW or kind == layout.OUT_LAST_ROW:
        return row
    return rows[row * row_words + first]


@inlined
def _unseen(kind: int, floats: NDArray[np.float64]) -> int:
    """The value of an output where the key has nothing in the log."""
    if kind == layout.OUT_WORD:
        return 0
    if kind == layout.OUT_IS_NEW:
        return 1
    if kind == layout.OUT_MEAN or kind == layout.OUT_STD:
        floats[0] = np.nan
        return floats.view(np.int64)[0]
    return layout.NULL


@inlined
def _report(
    rows: Words, cells: Cells, row_words: int, cell: int, windows: Words, w: int, accumulators: Words, outputs: Words,
    state: Words, state_cells: Cells, slot: int, time: int, row: int, scratch: Words, floats: NDArray[np.float64],
    features: Words, i: int,
) -> None:  # fmt: skip
    """Writes the features of window `w` as of `time` for event `i`."""
    base = slot + windows[w, layout.WINDOW_WORD]
    now = state[slot + layout.SLOT_NOW]
    tail, lead = np.int64(state_cells[2 * base]), np.int64(state_cells[2 * base + 1])
    delay = windows[w, layout.WINDOW_DELAY]
    high = time - delay
    low = high - windows[w, layout.WINDOW_OVER]
    rewound = time < now
    if rewound:
        oldest = rewind(
            rows, cells, row_words, cell, windows, w, accumulators, state, state_cells, slot, now, time, scratch
        )
    else:
        oldest = tail if tail != lead else np.int64(layout.NONE)
    for o in range(windows[w, layout.WINDOW_OUTPUTS], windows[w, layout.WINDOW_OUTPUTS_END]):
        latest = np.int64(layout.NONE)
        if outputs[o, layout.OUTPUT_KIND] >= layout.OUT_LAST_VALUE:
            latest = _latest_before(rows, cells, row_words, cell, state_cells, slot, lead, row, low, high, delay)
        if rewound:
            value = _output(
                rows, row_words, outputs, o, scratch, state_cells, 0, True, high, oldest, latest, floats
            )
        else:
            value = _output(
                rows, row_words, outputs, o, state, state_cells, base, False, high, oldest, latest, floats
            )
        features[outputs[o, layout.OUTPUT_FEATURE], i] = value


@kernel
def update(
    chains: Words, windows: Words, accumulators: Words, outputs: Words, times: Words, values: Words,
    judged: NDArray[np.bool_], entering: NDArray[np.uint64], slots: Cells, new_rows: Words, rows: Words, cells: Cells,
    row_words: int, state: Words, state_cells: Cells, scratch: Words, floats: NDArray[np.float64], features: Words,
) -> None:  # fmt: skip
    """Takes the events in, one after the other, and writes each judged one's features to `features[:, i]`."""
    stride = 2 * row_words
    for i in range(len(times)):
        row = new_rows[i]
        time = times[i]
        rows[row * row_words] = time
        for v in range(len(values)):
            rows[row * row_words + 1 + v] = values[v, i]
        for c in range(len(chains)):
            cell = chains[c, layout.CHAIN_CELL]
            if slots[i, c] >= 0 and _enters(chains, c, entering[i]):
                link(rows, cells, row_words, cell, state_cells, slots[i, c], row)
            else:
                cells[row * stride + cell + layout.SLOT] = layout.NONE
        for c in range(len(chains)):
            first, end = chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]
            if first == end:
                continue
            slot = np.int64(slots[i, c])
            if slot < 0:
                if judged[i]:
                    for o in range(windows[first, layout.WINDOW_OUTPUTS], windows[end - 1, layout.WINDOW_OUTPUTS_END]):
                        unknown = layout.NULL
                        if slot == layout.UNSEEN:
                            unknown = _unseen(outputs[o, layout.OUTPUT_KIND], floats)
                        elif outputs[o, layout.OUTPUT_KIND] in (layout.OUT_MEAN, layout.OUT_STD):
                            floats[0] = np.nan
                            unknown = floats.view(np.int64)[0]
                        features[outputs[o, layout.OUTPUT_FEATURE], i] = unknown
                continue
            cell = chains[c, layout.CHAIN_CELL]
            entered = row if _enters(chains, c, entering[i]) else layout.NONE
            old = state[slot + layout.SLOT_NOW]
            now = max(old, time)
            state[slot + layout.SLOT_NOW] = now
            for w in range(first, end):
                if entered != layout.NONE:
                    admit(rows, cells, row_words, cell, windows, w, accumulators, state, state_cells, slot, old, row)
                if now > old:
                    advance(
                        rows, cells, row_words, cell, windows, w, accumulators, state, state_cells, slot, old, now
                    )
                if judged[i]:
                    _report(
                        rows, cells, row_words, cell, windows, w, accumulators, outputs, state, state_cells, slot,
                        time, entered, scratch, floats, features, i,
                    )  # fmt: skip


@inlined
def _enters(chains: Words, c: int, entering: np.uint64) -> bool:
    return (entering >> np.uint64(chains[c, layout.CHAIN_FILTER])) & np.uint64(1) != np.uint64(0)


@kernel
def forget(
    chains: Words, windows: Words, accumulators: Words, first_row: int, end_row: int, clock: int, rows: Words,
    cells: Cells, row_words: int, state: Words, state_cells: Cells, table: Words, free: Words, register: Words,
) -> None:  # fmt: skip
    """Takes the rows `[first_row, end_row)` out of their chains; no window reaches them once it stands at `clock`."""
    for row in range(first_row, end_row):
        for c in range(len(chains)):
            cell = chains[c, layout.CHAIN_CELL]
            slot = np.int64(cells[row * 2 * row_words + cell + layout.SLOT])
            if slot == layout.NONE:
                continue
            first, end = chains[c, layout.CHAIN_WINDOWS], chains[c, layout.CHAIN_WINDOWS_END]
            if first < end:
                old = state[slot + layout.SLOT_NOW]
                if old < clock:
                    state[slot + layout.SLOT_NOW] = clock
                    for w in range(first, end):
                        advance(
                            rows, cells, row_words, cell, windows, w, accumulators, state, state_cells, slot, old, clock
                        )
            unlink(rows, cells, row_words, cell, state_cells, slot, row)
            if state_cells[2 * (slot + layout.SLOT_LAST)] == layout.NONE:
                remove(table, state, free, register, c, slot)
