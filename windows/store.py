"""The sliding-window store: one log of events, and the windows that slide over it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import chains, layout, updating
from windows.plan import Plan

PAGE_ROWS = 1024
"""The log grows and is forgotten by pages of so many rows."""

BATCH_MAX = 8192
"""The most events of one update."""

MEMORY_MIN = 64 << 20
LATENESS_MS = 3_600_000
"""How much older than the stream an event may be and still find all its windows reach in the log."""

_TABLE_MIN = 1 << 12
_ROW_SHARE = 0.6


class Columns(NamedTuple):
    """A batch of n events in order of arrival.

    `ids` is uint64[len(plan.ids), n], 0 where missing; `values` is int64[len(plan.values), n], NULL where missing;
    `entering` is uint64[n], bit f set where the event passes filter f; `judged` is bool[n], false where nobody asks for
    the features. Texts of `plan.texts` are given to `update` beside it.
    """

    timestamp_ms: NDArray[np.int64]
    ids: NDArray[np.uint64]
    values: NDArray[np.int64]
    entering: NDArray[np.uint64]
    judged: NDArray[np.bool_]


class WindowStore:
    """Windows over the events of one shard, exact as of each event's own time.

    Memory is reserved as address space and taken as it fills. Where the log would outgrow it, its oldest page is forgotten
    early and `complete_since_ms` says since when the log is whole.
    """

    def __init__(self, plan: Plan, memory_bytes: int) -> None:
        if memory_bytes < MEMORY_MIN:
            raise ValueError(f"expected at least {MEMORY_MIN} bytes of memory, got {memory_bytes}")
        self.plan = plan
        row_bytes = 8 * plan.row_words
        pages = int(memory_bytes * _ROW_SHARE) // (row_bytes * PAGE_ROWS)
        words = int(memory_bytes * (1 - _ROW_SHARE)) // 8
        self._rows = np.empty(pages * PAGE_ROWS * plan.row_words, dtype=np.int64)
        self._cells = self._rows.view(np.int32)
        self._state = np.empty(min(words, 2**31 - 1), dtype=np.int64)
        self._state_cells = self._state.view(np.int32)
        self._table = np.zeros(_TABLE_MIN, dtype=np.int64)
        self._register = np.zeros(layout.ARENA_REGISTER, dtype=np.int64)
        self._register[layout.ARENA_TOP] = 1
        self._free = np.zeros(len(plan.chains), dtype=np.int64)
        self._slot_words = int(plan.chains[:, layout.CHAIN_WORDS].sum())
        self._scratch = np.empty(int(plan.windows[:, layout.WINDOW_WORDS].max(initial=1)), dtype=np.int64)
        self._floats = np.empty(1, dtype=np.float64)
        self._unused_pages = list(range(pages - 1, -1, -1))
        self._pages: dict[int, int] = {}
        self._page = -1
        self._filled = PAGE_ROWS
        self._clock_ms = layout.LONG_AGO
        self.complete_since_ms = layout.LONG_AGO

    @property
    def events(self) -> int:
        """Events in the log."""
        return len(self._pages) * PAGE_ROWS + (self._filled if self._page >= 0 else 0)

    @property
    def keys(self) -> int:
        """Live keys over all chains."""
        return int(self._register[layout.ARENA_SLOTS])

    def update(self, columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Takes the events in, and answers with the features as of each and the row each event got in the log.

        Features are int64[len(plan.aggregates), n]: NULL where missing; those of `plan.floats` are the bits of a float64,
        NaN where missing; those of `plan.texts` are the row of the event whose text is meant. An event that was not
        judged has whatever was there. Rows stay valid until the next update.
        """
        plan, count = self.plan, len(columns.timestamp_ms)
        if count > BATCH_MAX:
            raise ValueError(f"expected at most {BATCH_MAX} events, got {count}")
        self._reserve(count)
        new_rows = self._append(count)
        slots = np.empty((count, len(plan.chains)), dtype=np.int32)
        chains.locate(
            plan.chains, plan.windows, plan.accumulators, columns.ids, columns.entering, columns.judged,
            self._table, self._state, self._state_cells, self._free, self._register, slots,
        )  # fmt: skip
        features = np.empty((len(plan.aggregates), count), dtype=np.int64)
        updating.update(
            plan.chains, plan.windows, plan.accumulators, plan.outputs, columns.timestamp_ms, columns.values,
            columns.judged, columns.entering, slots, new_rows, self._rows, self._cells, plan.row_words, self._state,
            self._state_cells, self._scratch, self._floats, features,
        )  # fmt: skip
        return features, new_rows

    def _append(self, count: int) -> NDArray[np.int64]:
        """Rows for the next `count` events."""
        start = self._filled
        if start + count <= PAGE_ROWS:
            self._filled += count
            first = self._page * PAGE_ROWS + start
            return np.arange(first, first + count, dtype=np.int64)
        runs = []
        while count > 0:
            if self._filled == PAGE_ROWS:
                self._page, self._filled = self._unused_pages.pop(), 0
            taken = min(count, PAGE_ROWS - self._filled)
            first = self._page * PAGE_ROWS + self._filled
            runs.append(np.arange(first, first + taken, dtype=np.int64))
            self._filled += taken
            count -= taken
            if self._filled == PAGE_ROWS:
                self._pages[self._page] = layout.NULL
        return np.concatenate(runs)

    def _reserve(self, count: int) -> None:
        """Makes room for `count` events more; forgets the pages that no window reaches."""
        if self._filled + count >= PAGE_ROWS:
            self._close_pages()
            self._forget_passed()
            while len(self._unused_pages) * PAGE_ROWS < count + PAGE_ROWS:
                self._forget_oldest()
        while self._register[layout.ARENA_TOP] + count * self._slot_words > len(self._state):
            self._forget_oldest()
        while (self._register[layout.ARENA_SLOTS] + count * len(self.plan.chains)) * 5 > len(self._table) * 3:
            larger = np.zeros(2 * len(self._table), dtype=np.int64)
            chains.rehash(self._table, larger)
            self._table = larger

    def _close_pages(self) -> None:
        """Notes the latest time on each full page, and moves the clock to the median time of the newest."""
        for page, latest in self._pages.items():
            if latest == layout.NULL:
                start = page * PAGE_ROWS * self.plan.row_words
                times = self._rows[start : start + PAGE_ROWS * self.plan.row_words : self.plan.row_words]
                self._pages[page] = int(times.max())
                self._clock_ms = max(self._clock_ms, int(np.median(times)))

    def _forget_passed(self) -> None:
        limit = self._clock_ms - LATENESS_MS - self.plan.reach_ms
        for page in [page for page, latest in self._pages.items() if latest <= limit]:
            self._forget(page)

    def _forget_oldest(self) -> None:
        """Forgets the page that ends earliest, although windows still reach it."""
        closed = {page: latest for page, latest in self._pages.items() if latest != layout.NULL}
        if not closed:
            raise MemoryError(f"the windows' memory is too small for one batch of events ({self.events} held)")
        self._forget(min(closed, key=closed.__getitem__))

    def _forget(self, page: int) -> None:
        latest = self._pages.pop(page)
        self.complete_since_ms = max(self.complete_since_ms, latest)
        plan = self.plan
        updating.forget(
            plan.chains, plan.windows, plan.accumulators, page * PAGE_ROWS, (page + 1) * PAGE_ROWS,
            latest + plan.reach_ms, self._rows, self._cells, plan.row_words, self._state, self._state_cells, self._table,
            self._free, self._register,
        )  # fmt: skip
        self._unused_pages.append(page)
