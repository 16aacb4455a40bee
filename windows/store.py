"""The sliding-window store: one log of events, and the windows that slide over it."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import layout, updating
from windows.memory import Arena, Log, Tables
from windows.plan import Plan
from windows.table import rehash

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
        self.whole_since_ms = np.empty(0, dtype=np.int64)
        """As `complete_since_ms` was at each event of the last update."""
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
        self._left_pages: list[int] = []
        self._spare_pages = BATCH_MAX // page_rows + 2
        self._page = -1
        self._filled = page_rows
        self._clock_ms = layout.LONG_AGO
        self._compile()

    def _compile(self) -> None:
        """Runs the kernels on nothing, so that the first event does not wait for the compiler."""
        nothing = np.empty(0, dtype=np.int64)
        ids = np.empty((len(self.plan.ids), 0), dtype=np.uint64)
        values = np.empty((len(self.plan.values), 0), dtype=np.int64)
        self.update(Columns(nothing, ids, values, nothing.astype(np.uint64), nothing.astype(np.bool_)))
        updating.forget(*self._tables, *self._arena, *self._log, self._table, 0, 0, layout.LONG_AGO)
        rehash(self._table, np.zeros_like(self._table))

    @property
    def capacity(self) -> int:
        """Rows the log can have: they are numbered from 0."""
        return len(self._log.rows) // self.plan.row_words

    @property
    def events(self) -> int:
        """Events in the log."""
        closed = int(np.count_nonzero(self._latest_ms != layout.NULL))
        return closed * self._page_rows + (self._filled if self._page >= 0 else 0)

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
        count = len(columns.timestamp_ms)
        if count > BATCH_MAX:
            raise ValueError(f"expected at most {BATCH_MAX} events, got {count}")
        self._unused_pages += self._left_pages
        self._left_pages.clear()
        room = self._page_rows - self._filled
        edges = [0, *range(room or self._page_rows, count, self._page_rows), count]
        self.whole_since_ms = np.empty(count, dtype=np.int64)
        if len(edges) == 2:
            taken = self._take(columns)
            self.whole_since_ms[:] = self.complete_since_ms
            return taken
        pieces = []
        for start, end in pairwise(edges):
            pieces.append(self._take(_between(columns, start, end)))
            self.whole_since_ms[start:end] = self.complete_since_ms
        return np.concatenate([features for features, _ in pieces], axis=1), np.concatenate(
            [rows for _, rows in pieces]
        )

    def _take(self, columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Takes in events that all go to one page."""
        plan, count = self.plan, len(columns.timestamp_ms)
        if self._filled == self._page_rows and count:
            self._begin_page()
        first = self._page * self._page_rows + self._filled
        new_rows = np.arange(first, first + count, dtype=np.int64)
        self._filled += count
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

    def _begin_page(self) -> None:
        """Makes room for a page of events more, however they will be cut; forgets the pages that no window reaches."""
        if self._page >= 0:
            self._close_page()
            self._forget_passed()
        while len(self._unused_pages) + len(self._left_pages) < self._spare_pages:
            self._forget_oldest()
        while self._arena.register[layout.ARENA_TOP] + self._new_words(self._page_rows) > len(self._arena.words):
            self._forget_oldest()
        most = self._page_rows * len(self.plan.chains)
        while (self._arena.register[layout.ARENA_SLOTS] + most) * 5 > len(self._table) * 3:
            larger = np.zeros(2 * len(self._table), dtype=np.int64)
            rehash(self._table, larger)
            self._table = larger
        self._page, self._filled = self._unused_pages.pop(), 0

    def _new_words(self, count: int) -> int:
        """The most words of unused arena that `count` events can need."""
        new = np.maximum(count - self._arena.free[layout.FREE_COUNT], 0)
        return int((new * self.plan.chains[:, layout.CHAIN_WORDS]).sum())

    def _close_page(self) -> None:
        """Notes the latest time on the page just filled, and moves the clock to its median time."""
        start = self._page * self._page_rows * self.plan.row_words
        times = self._log.rows[start : start + self._page_rows * self.plan.row_words : self.plan.row_words]
        self._latest_ms[self._page] = times.max()
        self._clock_ms = max(self._clock_ms, int(np.median(times)))

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
        self._left_pages.append(page)


def _between(columns: Columns, start: int, end: int) -> Columns:
    """The events from `start` on, up to `end`."""
    return Columns(
        columns.timestamp_ms[start:end],
        np.ascontiguousarray(columns.ids[:, start:end]),
        np.ascontiguousarray(columns.values[:, start:end]),
        columns.entering[start:end],
        columns.judged[start:end],
    )
