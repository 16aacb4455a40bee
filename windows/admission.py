"""Admission: what is late, too far ahead, a duplicate or a conflict, decided event by event before anything counts.

The stream's clock stands where enough of the last events agree, so that no few wild times move it. The ledger knows
the ids of the events that came within the time for which a second one is a duplicate.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.clock import (
    AHEAD,
    CLOCK_COUNT,
    RECENT,
    ROWS,
    TIME,
    base_of,
    quorum_of,
    remember,
    surpassed_by,
)
from windows.jit import inlined, kernel
from windows.ledger import (
    ENTRY_CLOCK,
    ENTRY_CONTENT,
    ENTRY_ID,
    ENTRY_WORDS,
    FIRST_WORD,
    LEDGER_CLOCK,
    LEDGER_EARLY,
    LEDGER_FETCHED,
    LEDGER_NEXT,
    LEDGER_OLDEST,
    LEDGER_REGISTER,
    LEDGER_REPEATABLE,
    LEDGER_SPARE,
    PAGE_ENTRIES,
    Ledger,
    append,
    expire,
    forget_oldest,
    record_of,
    serial_of,
)
from windows.memory import Words
from windows.table import find, rehash

FRESH, LATE, FUTURE, DUPLICATE, CONFLICT = range(5)

ENTRIES_MAX = 1 << 24
"""So many ids are remembered unless the caller says otherwise."""

_ENTRIES_LIMIT = 1 << 30
_TABLE_MIN = 1 << 12
_PART = 8192
"""So many events are loaded at a time, with room for all of them in the table."""

# Rows of what is found out about each event.
KIND, SERIAL, CLOCK, REACHED, FOUND_ROWS = range(5)


class Verdicts(msgspec.Struct, frozen=True, gc=False):
    """What each of n events is. `found` is int64[FOUND_ROWS, n]. `plain`: all are FRESH."""

    found: NDArray[np.int64]
    plain: bool

    @property
    def kinds(self) -> NDArray[np.int64]:
        """Int64[n]: FRESH, LATE, FUTURE, DUPLICATE or CONFLICT."""
        kinds: NDArray[np.int64] = self.found[KIND]
        return kinds

    @property
    def serials(self) -> NDArray[np.int64]:
        """Int64[n]: the event's own running number, or the first one's for a duplicate or a conflict."""
        serials: NDArray[np.int64] = self.found[SERIAL]
        return serials

    @property
    def clock_ms(self) -> NDArray[np.int64]:
        """Int64[n]: the stream's clock in event time as the event came; the event's own time while there is none."""
        clock_ms: NDArray[np.int64] = self.found[CLOCK]
        return clock_ms

    @property
    def reached_ms(self) -> NDArray[np.int64]:
        """Int64[n]: how far the stream had surely come; over events that are admitted it never goes back."""
        reached_ms: NDArray[np.int64] = self.found[REACHED]
        return reached_ms


@inlined
def _punctuality(time: int, clock: int, base: int, lateness_ms: int, skew_ms: int) -> int:
    """FUTURE, LATE or FRESH, where `clock` and `base` are NULL or what either is measured from."""
    if clock != layout.NULL and time > clock + skew_ms:
        return FUTURE
    if base != layout.NULL and time < base - lateness_ms:
        return LATE
    return FRESH


@inlined
def _earlier(ahead: int, arrival: int, time: int) -> int:
    """What an event that comes at `arrival` is measured from, by the last ones' lead and by their times; or NULL."""
    return layout.NULL if ahead == layout.NULL else min(ahead + arrival, time)


@inlined
def _fetch(ledger: Ledger, register: Words, ids: NDArray[np.uint64], until_ms: int, keep_ms: int) -> int:
    """Reads the table's entries that a batch will look at, all at once, since each is far off in memory."""
    mask = np.uint64(len(ledger.table) - 1)
    seen = 0
    for i in range(len(ids)):
        seen ^= ledger.table[np.int64(ids[i] & mask)]
    end = min(register[LEDGER_OLDEST] + len(ids), register[LEDGER_NEXT])
    for serial in range(register[LEDGER_OLDEST], end):
        record = record_of(ledger, serial)
        if until_ms - ledger.entries[record + ENTRY_CLOCK] <= keep_ms:
            break
        seen ^= ledger.table[np.int64(np.uint64(ledger.entries[record + ENTRY_ID]) & mask)]
    return seen


@kernel
def _admit(
    entries: Words,
    directory: Words,
    numbers: Words,
    spare: Words,
    table: Words,
    recent: Words,
    register: Words,
    lateness_ms: int,
    skew_ms: int,
    dedupe_ms: int,
    keep_ms: int,
    entries_max: int,
    asking: bool,
    ids: NDArray[np.uint64],
    contents: NDArray[np.uint64],
    times: Words,
    arrivals: Words,
    found: Words,
) -> int:
    """Fills `found` one event after the other; all are new where nobody is `asking`.

    Arrivals are 0 where `arrivals` is empty. Returns how many are not FRESH.
    """
    ledger = Ledger(entries, directory, numbers, spare, table)
    astray = 0
    if len(ids):
        register[LEDGER_FETCHED] = _fetch(ledger, register, ids, times[-1], keep_ms)
    for i in range(len(ids)):
        time, arrival, count = times[i], arrivals[i] if len(arrivals) else 0, register[CLOCK_COUNT]
        ahead, agreed = quorum_of(recent, AHEAD, count, skew_ms), quorum_of(recent, TIME, count, skew_ms)
        base = _earlier(base_of(recent, AHEAD, count, ahead), arrival, base_of(recent, TIME, count, agreed))
        sure = _earlier(surpassed_by(recent, AHEAD, count, ahead), arrival, surpassed_by(recent, TIME, count, agreed))
        clock = layout.NULL if ahead == layout.NULL else ahead + arrival
        reached = max(register[LEDGER_CLOCK], sure)
        came = max(time, reached) if clock == layout.NULL else reached
        found[CLOCK, i] = time if clock == layout.NULL else clock
        found[REACHED, i] = reached
        if asking:
            record, _ = find(ledger.table, ledger.entries, ids[i])
            if record != layout.UNSEEN and came - entries[record + ENTRY_CLOCK] <= dedupe_ms:
                same = np.uint64(entries[record + ENTRY_CONTENT]) == contents[i]
                found[KIND, i] = DUPLICATE if same else CONFLICT
                found[SERIAL, i] = serial_of(ledger, record)
                astray += 1
                continue
        kind = _punctuality(time, clock, base, lateness_ms, skew_ms)
        found[KIND, i] = kind
        astray += kind != FRESH
        register[LEDGER_CLOCK] = reached
        expire(ledger, register, dedupe_ms, keep_ms)
        if register[LEDGER_NEXT] - register[LEDGER_OLDEST] == entries_max:
            forget_oldest(ledger, register)
            register[LEDGER_EARLY] += 1
        found[SERIAL, i] = append(ledger, register, ids[i], contents[i], came)
        remember(recent, register, time - arrival, time)
    return astray


@kernel
def _find(
    entries: Words,
    directory: Words,
    numbers: Words,
    spare: Words,
    table: Words,
    ids: NDArray[np.uint64],
    serials: Words,
) -> None:
    """Fills `serials` with that of the last event of each id, or -1."""
    ledger = Ledger(entries, directory, numbers, spare, table)
    for i in range(len(ids)):
        record, _ = find(ledger.table, ledger.entries, ids[i])
        serials[i] = -1 if record == layout.UNSEEN else serial_of(ledger, record)


class Admission:
    """Judges events in order of arrival; the same events give the same verdicts, however they are cut into batches.

    The clock stands, for an event, as far from its arrival as QUORUM of the last RECENT admitted events stood from
    theirs, within twice `skew_ms` of each other. More than `skew_ms` ahead of it is FUTURE. More than `lateness_ms`
    behind it is LATE, if it is as far behind what QUORUM of those events say by their own times: after an interruption
    all events come long after they happened, and none of them is late. Where too few agree, the second latest counts.

    An id that comes again while the stream is not past the first event by more than `dedupe_ms`, by the clock and by
    the events' own times, is a DUPLICATE, or a CONFLICT if its content is another; neither moves anything. All others
    are admitted and get the next serial.

    Ids are remembered until the clock is past them by more than `keep_ms`, at most `entries_max` of them: then the
    oldest goes early, and `forgotten_early` counts it. An entry takes up to 48 bytes, as it comes.
    """

    def __init__(
        self, lateness_ms: int, skew_ms: int, dedupe_ms: int, keep_ms: int, entries_max: int = ENTRIES_MAX
    ) -> None:
        if lateness_ms < 0 or skew_ms < 1 or not 0 <= dedupe_ms <= keep_ms:
            raise ValueError(
                "expected lateness_ms of at least 0, skew_ms of at least 1 and dedupe_ms from 0 to keep_ms, "
                f"got {lateness_ms}, {skew_ms}, {dedupe_ms} and {keep_ms}"
            )
        if not 1 <= entries_max <= _ENTRIES_LIMIT:
            raise ValueError(f"expected entries_max from 1 to {_ENTRIES_LIMIT}, got {entries_max}")
        pages = (entries_max + PAGE_ENTRIES - 1) // PAGE_ENTRIES + 1
        self._limits = lateness_ms, skew_ms, dedupe_ms, keep_ms, entries_max
        self._entries_max = entries_max
        self._entries = np.empty(FIRST_WORD + ENTRY_WORDS * PAGE_ENTRIES * pages, dtype=np.int64)
        self._directory = np.zeros(1 << (pages - 1).bit_length(), dtype=np.int64)
        self._numbers = np.zeros(pages, dtype=np.int64)
        self._spare = np.arange(pages - 1, -1, -1, dtype=np.int64)
        self._table = np.zeros(_TABLE_MIN, dtype=np.int64)
        self._room = 0
        self._recent = np.zeros((ROWS, RECENT), dtype=np.int64)
        self._register = np.zeros(LEDGER_REGISTER, dtype=np.int64)
        self._register[LEDGER_SPARE] = pages
        self._register[LEDGER_CLOCK] = layout.LONG_AGO
        self._unknown = nothing = np.empty(0, dtype=np.int64)
        self.admit(nothing.view(np.uint64), nothing.view(np.uint64), nothing, None)
        self.find(nothing.view(np.uint64))
        rehash(self._table, np.zeros_like(self._table))

    @property
    def oldest(self) -> int:
        """Serials below it are forgotten and will not be named again."""
        return int(self._register[LEDGER_OLDEST])

    @property
    def repeatable(self) -> int:
        """Serials below it are of events that can have no duplicate any more."""
        return int(self._register[LEDGER_REPEATABLE])

    @property
    def next_serial(self) -> int:
        """The serial of the next event that is admitted."""
        return int(self._register[LEDGER_NEXT])

    @property
    def clock_ms(self) -> int:
        """How far the stream has surely come; where it has no clock, half of the last events had come so far."""
        return int(self._register[LEDGER_CLOCK])

    @property
    def forgotten_early(self) -> int:
        """Ids that had to be forgotten before their time."""
        return int(self._register[LEDGER_EARLY])

    def keep(self, keep_ms: int) -> None:
        """Ids are remembered for so long from now on."""
        lateness_ms, skew_ms, dedupe_ms, _, entries_max = self._limits
        self._limits = lateness_ms, skew_ms, dedupe_ms, max(keep_ms, dedupe_ms), entries_max

    def admit(
        self,
        ids: NDArray[np.uint64],
        contents: NDArray[np.uint64],
        timestamp_ms: NDArray[np.int64],
        arrival_ms: NDArray[np.int64] | None,
    ) -> Verdicts:
        """Judges n events, and remembers those that are admitted; `arrival_ms` is None where arrivals are unknown."""
        return self._take(True, ids, contents, timestamp_ms, arrival_ms)

    def find(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The serial of the last event of each id, -1 where it is not known any more."""
        serials = np.empty(len(ids), dtype=np.int64)
        _find(self._entries, self._directory, self._numbers, self._spare, self._table, ids, serials)
        return serials

    def load(
        self,
        ids: NDArray[np.uint64],
        contents: NDArray[np.uint64],
        timestamp_ms: NDArray[np.int64],
        arrival_ms: NDArray[np.int64] | None,
    ) -> None:
        """Remembers n events that were admitted before, in the order of their serials."""
        for start in range(0, len(ids), _PART):
            part = slice(start, start + _PART)
            arrivals = None if arrival_ms is None else arrival_ms[part]
            self._take(False, ids[part], contents[part], timestamp_ms[part], arrivals)

    def _take(
        self,
        asking: bool,
        ids: NDArray[np.uint64],
        contents: NDArray[np.uint64],
        timestamp_ms: NDArray[np.int64],
        arrival_ms: NDArray[np.int64] | None,
    ) -> Verdicts:
        count = len(ids)
        if count > self._room:
            self._make_room(count)
        self._room -= count
        found = np.empty((FOUND_ROWS, count), np.int64)
        astray = _admit(
            self._entries,
            self._directory,
            self._numbers,
            self._spare,
            self._table,
            self._recent,
            self._register,
            *self._limits,
            asking,
            ids,
            contents,
            timestamp_ms,
            self._unknown if arrival_ms is None else arrival_ms,
            found,
        )
        return Verdicts(found, astray == 0)

    def _make_room(self, count: int) -> None:
        """Lets the table have room for `count` ids more, and finds out for how many it has."""
        held = self.next_serial - self.oldest
        while min(held + count, self._entries_max) * 10 > len(self._table) * 7:
            larger = np.zeros(2 * len(self._table), dtype=np.int64)
            rehash(self._table, larger)
            self._table = larger
        self._room = len(self._table) * 7 // 10 - held
