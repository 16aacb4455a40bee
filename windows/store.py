"""The sliding-window store: one log of events, and the windows that slide over it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import chains, layout, updating
from windows.memory import Arena, Log, Tables
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
_WORDS_MAX = 2**31 - 1


class Columns(NamedTuple):
    """A batch of n events in order of arrival.

    `ids` is uint64[len(plan.ids), n], as a Hasher gives them, 0 where missing; `values` is int64[len(plan.values), n],
    NULL where missing; `entering` is uint64[n], bit f set where the event passes filter f; `judged` is bool[n], false
    where nobody asks for the features. Texts stay with the caller: a feature of `plan.texts` comes out as a row.
    """

    timestamp_ms: NDArray[np.int64]
    ids: NDArray[np.uint64]
    values: NDArray[np.int64]
    entering: NDArray[np.uint64]
    judged: NDArray[np.bool_]


class WindowStore:
    """Windows over the events of one shard, exact as of each event's own time.

    Memory is reserved as address space and taken as it fills. The log is forgotten by pages of `page_rows` rows.
    Where it would outgrow its memory, its oldest page is forgotten early and `complete_since_ms` says since when the
    log is whole. `lateness_ms` is how much older than the stream an event may be and still find all that its windows
    reach.
    """

    def __init__(
        self, plan: Plan, memory_bytes: int, *, page_rows: int = PAGE_ROWS, lateness_ms: int = LATENESS_MS
    ) -> None:
        if memory_bytes < MEMORY_MIN:
            raise ValueError(f"expected at least {MEMORY_MIN} bytes of memory, got {memory_bytes}")
        self.plan = plan
        self.complete_since_ms = layout.LONG_AGO
        self._page_rows = page_rows
        self._lateness_ms = lateness_ms
        pages = int(memory_bytes * _ROW_SHARE) // (8 * plan.row_words * page_rows)
        rows = np.empty(pages * page_rows * plan.row_words, dtype=np.int64)
        words = np.empty(min(int(memory_bytes * (1 - _ROW_SHARE)) // 8, _WORDS_MAX), dtype=np.int64)
        free = np.zeros((layout.FREE_ROWS, len(plan.chains)), dtype=np.int64)
        register = np.zeros(layout.ARENA_REGISTER, dtype=np.int64)
        register[layout.ARENA_TOP] = 1
        self._tables = Tables(plan.chains, plan.windows, plan.accumulators, plan.outputs)
        self._log = Log(rows, rows.view(np.int32), plan.row_words)
        self._arena = Arena(words, words.view(np.int32), free, register)
        self._table = np.zeros(_TABLE_MIN, dtype=np.int64)
        self._scratch = np.empty(int(plan.windows[:, layout.WINDOW_WORDS].max(initial=1)), dtype=np.int64)
        self._floats = np.empty(1, dtype=np.float64)
        self._unused_pages = list(range(pages - 1, -1, -1))
        self._latest_ms = np.full(pages, layout.NULL, dtype=np.int64)
        self._open_pages: list[int] = []
        self._page = -1
        self._filled = page_rows
        self._clock_ms = layout.LONG_AGO

    @property
    def capacity(self) -> int:
        """Rows the log can have: they are numbered from 0."""
        return len(self._log.rows) // self.plan.row_words

    @property
    def events(self) -> int:
        """Events in the log."""
        pages = np.count_nonzero(self._latest_ms != layout.NULL) + len(self._open_pages)
        return int(pages) * self._page_rows + self._filled % self._page_rows

    @property
    def keys(self) -> int:
        """Live keys over all chains."""
        return int(self._arena.register[layout.ARENA_SLOTS])

    def update(self, columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Takes the events in, and answers with the features as of each and the row each event got in the log.

        Features are int64[len(plan.aggregates), n]: NULL where missing; those of `plan.floats` are the bits of a
        float64, NaN where missing; those of `plan.texts` are the row of the event whose text is meant. An event that is
        not judged has whatever was there. Rows stay valid until the next update.
        """
        plan, count = self.plan, len(columns.timestamp_ms)
        if count > BATCH_MAX:
            raise ValueError(f"expected at most {BATCH_MAX} events, got {count}")
        self._reserve(count)
        new_rows = self._append(count)
        slots = np.empty((count, len(plan.chains)), dtype=np.int32)
        features = np.empty((len(plan.aggregates), count), dtype=np.int64)
        updating.update(
            *self._tables,
            *self._arena,
            *self._log,
            self._table,
            columns.timestamp_ms,
            columns.ids,
            columns.values,
            columns.entering,
            columns.judged,
            slots,
            new_rows,
            self._scratch,
            self._floats,
            features,
        )
        return features, new_rows

    def _append(self, count: int) -> NDArray[np.int64]:
        """Rows for the next `count` events."""
        if count == 0:
            return np.empty(0, dtype=np.int64)
        runs = []
        while count > 0:
            if self._filled == self._page_rows:
                self._page, self._filled = self._unused_pages.pop(), 0
            taken = min(count, self._page_rows - self._filled)
            first = self._page * self._page_rows + self._filled
            runs.append(np.arange(first, first + taken, dtype=np.int64))
            self._filled += taken
            count -= taken
            if self._filled == self._page_rows:
                self._open_pages.append(self._page)
        return runs[0] if len(runs) == 1 else np.concatenate(runs)

    def _reserve(self, count: int) -> None:
        """Makes room for `count` events more; forgets the pages that no window reaches."""
        if self._filled + count >= self._page_rows:
            self._close_pages()
            self._forget_passed()
            while len(self._unused_pages) * self._page_rows < count + self._page_rows:
                self._forget_oldest()
        while self._arena.register[layout.ARENA_TOP] + self._new_words(count) > len(self._arena.words):
            self._forget_oldest()
        while (self._arena.register[layout.ARENA_SLOTS] + count * len(self.plan.chains)) * 5 > len(self._table) * 3:
            larger = np.zeros(2 * len(self._table), dtype=np.int64)
            chains.rehash(self._table, larger)
            self._table = larger

    def _new_words(self, count: int) -> int:
        """The most words of unused arena that `count` events can need."""
        new = np.maximum(count - self._arena.free[layout.FREE_COUNT], 0)
        return int((new * self.plan.chains[:, layout.CHAIN_WORDS]).sum())

    def _close_pages(self) -> None:
        """Notes the latest time on each page just filled, and moves the clock to the median time of the newest."""
        for page in self._open_pages:
            start = page * self._page_rows * self.plan.row_words
            times = self._log.rows[start : start + self._page_rows * self.plan.row_words : self.plan.row_words]
            self._latest_ms[page] = times.max()
            self._clock_ms = max(self._clock_ms, int(np.median(times)))
        self._open_pages.clear()

    def _forget_passed(self) -> None:
        limit = self._clock_ms - self._lateness_ms - self.plan.reach_ms
        for page in np.flatnonzero((self._latest_ms <= limit) & (self._latest_ms != layout.NULL)).tolist():
            self._forget(page)

    def _forget_oldest(self) -> None:
        """Forgets the page that ends earliest, although windows still reach it."""
        closed = np.flatnonzero(self._latest_ms != layout.NULL)
        if not len(closed):
            raise MemoryError(f"the windows' memory is too small for one batch of events ({self.events} held)")
        self._forget(int(closed[np.argmin(self._latest_ms[closed])]))

    def _forget(self, page: int) -> None:
        latest = int(self._latest_ms[page])
        self._latest_ms[page] = layout.NULL
        self.complete_since_ms = max(self.complete_since_ms, latest)
        first_row, clock = page * self._page_rows, latest + self.plan.reach_ms
        updating.forget(
            *self._tables, *self._arena, *self._log, self._table, first_row, first_row + self._page_rows, clock
        )
        self._unused_pages.append(page)
