"""The sliding-window store: one log of events, and the windows that slide over it."""

from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from windows import grafting, layout, loading, probing, revaluing, updating
from windows.columns import Columns, Probe, between
from windows.grafting import Graft, Kept
from windows.memory import Arena, Log, Tables, lacks_words, touch
from windows.plan import Plan
from windows.table import rehash, roomy

PAGE_ROWS = 1024
"""The log grows and is forgotten by pages of so many rows."""

BATCH_MAX = 8192
"""The most events of one update."""

MEMORY_MIN = 64 << 20
LATENESS_MS = 3_600_000
"""How much older than the stream an event may be and still find all its windows reach in the log."""

_TABLE_MIN = 1 << 12
_ROW_SHARE = 0.6
_WORDS_MAX = 2**31 - 8
"""Slots are numbered by 4-byte integers, and by negative ones too."""


class WindowStore:
    """Windows over a stream of events, exact as of each event's own time.

    Memory is reserved as address space and taken as it fills. The log is forgotten by pages of `page_rows` rows.
    Where it would outgrow its memory, its oldest page is forgotten early and `complete_since_ms` says since when the
    log is whole. `lateness_ms` is how much older than the stream an event may be and still find all that its windows
    reach.

    As number `shard` of several `shards`, each of which takes in all events, it runs only the windows of its own keys.
    The same event gets the same row in all of them.
    """

    def __init__(
        self,
        plan: Plan,
        memory_bytes: int,
        *,
        page_rows: int = PAGE_ROWS,
        lateness_ms: int = LATENESS_MS,
        shard: int = 0,
        shards: int = 1,
    ) -> None:
        if memory_bytes < MEMORY_MIN:
            raise ValueError(f"expected at least {MEMORY_MIN} bytes of memory, got {memory_bytes}")
        if not 0 <= shard < shards:
            raise ValueError(f"expected a shard from 0 to {shards - 1}, got {shard}")
        self.plan = plan
        self.complete_since_ms = layout.LONG_AGO
        self._since_ms: list[tuple[int, int]] = []
        self._owned: list[NDArray[np.bool_]] = []
        self.probed: list[int] = []
        """What the last update found out for its probes, in their order: see `probe`."""
        self._divided = int(plan.chain_of.max(initial=-1)) + 1 if shards > 1 else 0
        self._page_rows = page_rows
        self._lateness_ms = lateness_ms
        pages = int(memory_bytes * _ROW_SHARE) // (8 * plan.row_words * page_rows)
        rows = np.empty(pages * page_rows * plan.row_words, dtype=np.int64)
        words = np.empty(min(int(memory_bytes * (1 - _ROW_SHARE)) // 8, _WORDS_MAX), dtype=np.int64)
        nowhere = int(plan.chains[:, layout.CHAIN_WORDS].max(initial=1))
        words[:nowhere] = 0
        free = np.zeros((layout.FREE_ROWS, len(plan.chains)), dtype=np.int64)
        register = np.zeros(layout.ARENA_REGISTER, dtype=np.int64)
        register[layout.ARENA_TOP], register[layout.ARENA_SHARD], register[layout.ARENA_SHARDS] = nowhere, shard, shards
        self._tables = Tables(plan.chains, plan.windows, plan.accumulators, plan.outputs)
        self._log = Log(rows, rows.view(np.int32), plan.row_words)
        self._arena = Arena(words, words.view(np.int32), free, register)
        self._memory = self._tables, self._arena, self._log
        self._arrays = *self._tables, *self._arena, *self._log
        self._table = np.zeros(_TABLE_MIN, dtype=np.int64)
        self._scratch = np.empty(int(plan.windows[:, layout.WINDOW_WORDS].max(initial=3 * page_rows)), dtype=np.int64)
        self._nobody = np.zeros(page_rows, dtype=np.bool_)
        self._slots = np.empty((page_rows, len(plan.chains)), dtype=np.int32)
        self._bench = self._slots, self._scratch, np.empty(1, dtype=np.float64)
        self._unused_pages = list(range(pages - 1, -1, -1))
        self._latest_ms = np.full(pages, layout.NULL, dtype=np.int64)
        self._linked = np.zeros(pages, dtype=np.bool_)
        self._numbers = np.full(pages, layout.NONE, dtype=np.int64)
        self._begun = self._top = 0
        self._left_pages: list[int] = []
        self._spare_pages = BATCH_MAX // page_rows + 2
        self._page, self._filled = -1, page_rows
        self._clock_ms = layout.LONG_AGO
        self._late: NDArray[np.uint8] | None = None
        self._compile()

    def _compile(self) -> None:
        """Runs the kernels on nothing, so that the first event does not wait for the compiler."""
        nothing = np.empty(0, dtype=np.int64)
        ids = np.empty((0, len(self.plan.ids)), dtype=np.uint64)
        values = np.empty((len(self.plan.values), 0), dtype=np.int64)
        columns = Columns(nothing, ids, values, nothing.astype(np.uint64), nothing.astype(np.bool_))
        self.load(columns)
        self.update(columns)
        self.take_kept(0, Kept(nothing, np.empty((len(self.plan.chains), 0), dtype=np.int64), values, range(0)))
        updating.forget(*self._memory, self._table, 0, 0, layout.LONG_AGO)
        revaluing.revalue(self._tables._replace(chains=self._tables.chains[:0]), self._arena, self._log, 0, 0, 0)
        if len(self.plan.aggregates):
            self.probe(Probe(0, 0, np.zeros(len(self.plan.ids), dtype=np.uint64), 1 << 40, 0, 0))
        rehash(self._table, np.zeros_like(self._table))

    def reserve(self, events: int, keys: int) -> None:
        """Takes the memory now that about so many events and keys will need, where nothing has been taken in yet."""
        self._table = roomy(self._table, keys)
        top, chains = int(self._arena.register[layout.ARENA_TOP]), self.plan.chains
        words = keys * int(chains[:, layout.CHAIN_WORDS].sum()) // max(1, len(chains))
        touch(self._log.rows[: events * self.plan.row_words], self._arena.words[top : top + words], self._table)

    @property
    def ordinals(self) -> int:
        """How many events have been taken in: the next one's ordinal."""
        return (self._begun - 1) * self._page_rows + self._filled

    @property
    def next_place(self) -> tuple[int, int]:
        """The page that the next event goes to, by its number, and its place there."""
        return divmod(self.ordinals, self._page_rows)

    @property
    def pages(self) -> list[int]:
        """The numbers of the log's pages in order of arrival; the last one is being filled, all others are full."""
        numbers = self._numbers[: self._top]
        return sorted(numbers[numbers != layout.NONE].tolist())

    def kept(self, number: int, graft: Graft, place: int, most: int) -> Kept | None:
        """What page `number` holds for a graft from that place on, so many events at most; None where it is gone."""
        first = self._row_of(number * self._page_rows)
        if first == layout.NONE:
            return None
        end = min(place + most, self._filled if first == self._page * self._page_rows else self._page_rows)
        return grafting.kept(graft, self.plan, self._log, self._arena.words, range(first + place, first + end))

    def take_kept(self, number: int, kept: Kept) -> range:
        """Takes in what page `number` of another store holds, for the same page here, and answers with its rows.

        A page comes in parts, one behind the other, and pages in order, all before the first update.
        """
        count = len(kept.timestamp_ms)
        page, place = self.next_place
        if number != page and (place or number < page):
            raise ValueError(f"expected page {page} or a later one, with the one before full, got {number}")
        if self._late is not None:
            self._settle(self._late)
        if not place:
            self._begun = number
        self._reuse_pages()
        first = self._place(count)
        passed = np.full(count, 2**64 - 1, dtype=np.uint64)
        features = np.empty((len(self.plan.aggregates), count), dtype=np.int64)
        grafting.enter(
            *self._memory, self._table, *kept[:3], passed, self._nobody[:count], first, *self._bench, features
        )
        return range(first, first + count)

    @property
    def capacity(self) -> int:
        """Rows the log can have: they are numbered from 0."""
        return len(self._log.rows) // self.plan.row_words

    @property
    def events(self) -> int:
        """Events in the log."""
        closed = int(np.count_nonzero(self._latest_ms[: self._top] != layout.NULL))
        return closed * self._page_rows + (self._filled if self._page >= 0 else 0)

    @property
    def keys(self) -> int:
        """Live keys over all chains."""
        return int(self._arena.register[layout.ARENA_SLOTS])

    @property
    def whole_since_ms(self) -> NDArray[np.int64]:
        """As `complete_since_ms` was at each event of the last update."""
        since_ms, counts = zip(*self._since_ms, strict=True)
        return np.repeat(np.array(since_ms, dtype=np.int64), counts)

    @property
    def owned(self) -> NDArray[np.bool_]:
        """Of the last update, which windows were this shard's: bool[chains with windows, n]."""
        windowed, count = int(self.plan.chain_of.max(initial=-1)) + 1, sum(count for _, count in self._since_ms)
        return np.concatenate(self._owned or [np.ones((windowed, count), dtype=np.bool_)], axis=1)

    def update(self, columns: Columns, probes: Sequence[Probe] = ()) -> tuple[NDArray[np.int64], list[range]]:
        """Takes the events in, and answers with the features as of each and the rows they got in the log, in order.

        Features are int64[len(plan.aggregates), n]: NULL where missing; those of `plan.floats` are the bits of a
        float64, NaN where missing; those of `plan.texts` are the row of the event whose text is meant. An event that is
        not judged has NULL; windows of other shards have whatever was there. Rows stay valid until the next update.
        `probes` are in the order of their events.
        """
        count = len(columns.timestamp_ms)
        if count > BATCH_MAX:
            raise ValueError(f"expected at most {BATCH_MAX} events, got {count}")
        if self._late is not None:
            self._settle(self._late)
        self._reuse_pages()
        self._since_ms.clear()
        self._owned.clear()
        self.probed.clear()
        if count <= self._room and not probes:
            features, rows = self._take(columns)
            return features, [rows]
        asked = {at: list(group) for at, group in groupby(probes, attrgetter("at"))}
        pieces = []
        for start, end in pairwise(sorted({*self._edges(count), *asked})):
            self.probed += map(self.probe, asked.get(start, ()))
            pieces.append(self._take(between(columns, start, end)))
        return np.concatenate([features for features, _ in pieces], axis=1), [rows for _, rows in pieces]

    def probe(self, asked: Probe) -> int:
        """NOT_COME where all steps have come and then nothing that ends the wait, else HAS_COME.

        UNSURE where that cannot be told, since the log is not whole; NOT_OURS for a key of another shard.
        """
        begun = self._row_of(asked.ordinal)
        return probing.look(self.plan, *self._memory, self._table, begun, self.complete_since_ms, asked)

    def _row_of(self, ordinal: int) -> int:
        """The row of the event with that ordinal; NONE where it has left the log."""
        number, place = divmod(ordinal, self._page_rows)
        pages = np.flatnonzero(self._numbers[: self._top] == number)
        return int(pages[0]) * self._page_rows + place if len(pages) else layout.NONE

    def load(self, columns: Columns) -> list[range]:
        """Takes any number of events in, of which none is judged, and answers with their rows, in order.

        Only before the first update, where nobody asks for features yet: the windows are made when that comes.
        `columns.judged` is not looked at. Of rows that come twice, the later event has it.
        """
        if self._late is None:
            if self._begun > 0:
                raise ValueError("expected all events to be loaded before the first update")
            self._late = np.zeros(self.capacity, dtype=np.uint8)
        rows = []
        for start, end in pairwise(self._edges(len(columns.timestamp_ms))):
            self._reuse_pages()
            part, first = between(columns, start, end), self._place(end - start)
            loading.load(
                *self._memory,
                self._table,
                part.timestamp_ms,
                part.ids,
                self._kept(part),
                part.entering,
                self._nobody[: end - start],
                first,
                self._scratch,
                self._slots,
                self._late,
            )
            rows.append(range(first, first + end - start))
        return rows

    def _settle(self, late: NDArray[np.uint8]) -> None:
        """Makes the windows of all events that were loaded."""
        used = np.flatnonzero(self._numbers[: self._top] != layout.NONE)
        pages = used[np.argsort(self._numbers[used])].tolist()
        ends = [(page + 1) * self._page_rows for page in pages[:-1]] + [self._page * self._page_rows + self._filled]
        for page, end in zip(pages, ends, strict=True) if pages else ((0, 0),):
            loading.settle(*self._memory, page * self._page_rows, end, self._scratch, late)
        for page, end in zip(pages, ends, strict=True) if pages else ((0, 0),):
            loading.settle_structures(*self._memory, page * self._page_rows, end)
        self._late = None

    def revalue(self, ordinal: int, column: int, value: int) -> bool:
        """Gives value column `column` of an event taken in before the value `value`, or NULL, in all windows.

        `ordinal` is how many events had been taken in before it. False where the event has left the log. Every answer
        from now on is as if the event had come with that value.
        """
        if not 0 <= ordinal < self.ordinals:
            raise ValueError(f"expected the ordinal of an event that was taken in, got {ordinal}")
        if not 0 <= column < len(self.plan.values):
            raise ValueError(f"expected a value column from 0 to {len(self.plan.values) - 1}, got {column}")
        row = self._row_of(ordinal)
        if row == layout.NONE:
            return False
        if self._late is not None:
            self._log.rows[row * self.plan.row_words + 1 + column] = value
        else:
            revaluing.revalue(*self._memory, row, 1 + column, value)
        return True

    def _take(self, columns: Columns) -> tuple[NDArray[np.int64], range]:
        """Takes in events that all go to one page."""
        count = len(columns.timestamp_ms)
        first = self._place(count)
        self._since_ms.append((self.complete_since_ms, count))
        features = np.empty((len(self.plan.aggregates), count), dtype=np.int64)
        updating.update(
            *self._arrays,
            self._table,
            columns.timestamp_ms,
            columns.ids,
            self._kept(columns),
            columns.entering,
            columns.judged,
            first,
            *self._bench,
            features,
        )
        if self._divided:
            self._owned.append(np.ascontiguousarray(self._slots[:count, : self._divided].T) > layout.FOREIGN)
        return features, range(first, first + count)

    @property
    def _room(self) -> int:
        """How many events may go to the page of the next one."""
        return self._page_rows - self._filled or self._page_rows

    def _kept(self, columns: Columns) -> NDArray[np.int64]:
        """What rows have of the events behind their time: int64[words, n]."""
        return (
            np.vstack((columns.values, columns.entering.view(np.int64))) if self.plan.keeps_filters else columns.values
        )

    def _edges(self, count: int) -> list[int]:
        """Where the next events are cut, so that each part goes to one page."""
        return [0, *range(self._room, count, self._page_rows), count]

    def _reuse_pages(self) -> None:
        """Rows of the pages that were given up are not valid any more."""
        if self._left_pages:
            self._unused_pages += self._left_pages
            self._left_pages.clear()

    def _place(self, count: int) -> int:
        """The first of the rows for events that all go to one page."""
        if self._filled == self._page_rows and count:
            self._begin_page()
        first = self._page * self._page_rows + self._filled
        self._filled += count
        return first

    def _begin_page(self) -> None:
        """Makes room for a page of events more, however they will be cut; forgets the pages that no window reaches."""
        if self._page >= 0:
            self._close_page()
            self._forget_passed()
        while len(self._unused_pages) + len(self._left_pages) < self._spare_pages:
            self._forget(self._oldest_of(self._latest_ms[: self._top] != layout.NULL))
        while lacks_words(self._tables, self._arena, self._page_rows):
            self._unlink(self._oldest_of(self._linked[: self._top]))
        self._table = roomy(self._table, self.keys + self._page_rows * len(self.plan.chains))
        self._page, self._filled = self._unused_pages.pop(), 0
        self._top = max(self._top, self._page + 1)
        self._numbers[self._page] = self._begun
        self._begun += 1

    def _close_page(self) -> None:
        """Notes the latest time on the page just filled, and moves the clock to its median time."""
        start = self._page * self._page_rows * self.plan.row_words
        times = self._log.rows[start : start + self._page_rows * self.plan.row_words : self.plan.row_words]
        ordered = np.sort(times)
        self._latest_ms[self._page] = ordered[-1]
        self._linked[self._page] = True
        self._clock_ms = max(self._clock_ms, int(ordered[len(ordered) // 2]))

    def _forget_passed(self) -> None:
        limit = self._clock_ms - self._lateness_ms - self.plan.reach_ms
        latest_ms = self._latest_ms[: self._top]
        for page in np.flatnonzero((latest_ms <= limit) & (latest_ms != layout.NULL)).tolist():
            self._forget(page)

    def _oldest_of(self, pages: NDArray[np.bool_]) -> int:
        """Which of these closed pages ends earliest."""
        closed = np.flatnonzero(pages)
        if not len(closed):
            raise MemoryError(f"the windows' memory is too small for one batch of events ({self.events} held)")
        return int(closed[np.argmin(self._latest_ms[closed])])

    def _forget(self, page: int) -> None:
        """Gives up a page of the log."""
        if self._linked[page]:
            self._unlink(page)
        self._latest_ms[page] = layout.NULL
        self._numbers[page] = layout.NONE
        self._left_pages.append(page)

    def _unlink(self, page: int) -> None:
        """Takes a page's events out of all chains, which makes room for other keys; the page stays.

        How many keys there are differs from shard to shard, and which rows are in use must not.
        """
        latest = int(self._latest_ms[page])
        self._linked[page] = False
        self.complete_since_ms = max(self.complete_since_ms, latest)
        first_row, clock = page * self._page_rows, latest + self.plan.reach_ms
        updating.forget(*self._memory, self._table, first_row, first_row + self._page_rows, clock)
