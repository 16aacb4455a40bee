"""Kernels of the ledger: the ids of the events that have come, in order of their serials, each with its content.

An entry is a record of ENTRY_WORDS words, found by its id through a hash table. Entries come and go in order of
serials, in pages of PAGE_ENTRIES, so that memory is taken by what is held: `directory` names the page of each run of
serials, `spare` the pages that are not in use.
"""

from typing import NamedTuple

import numpy as np

from windows import layout
from windows.jit import inlined
from windows.memory import Words
from windows.table import find, put, vacate

PAGE_BITS = 12
PAGE_ENTRIES = 1 << PAGE_BITS

ENTRY_ID, ENTRY_CONTENT, ENTRY_CLOCK = range(3)
ENTRY_WORDS = 3
FIRST_WORD = 1
"""No record is at 0, which is an empty entry of the table."""

# The ledger's words in the register: the oldest serial held, the next one, how many pages are spare, how many entries
# had to go early, the clock that its entries are measured by, the oldest serial that can have a duplicate, and
# what was read ahead of time, so that nobody leaves the reading out.
LEDGER_OLDEST, LEDGER_NEXT, LEDGER_SPARE, LEDGER_EARLY, LEDGER_CLOCK, LEDGER_REPEATABLE, LEDGER_FETCHED = range(2, 9)
LEDGER_REGISTER = 9


class Ledger(NamedTuple):
    """The ledger's memory: `entries` has FIRST_WORD words and then the pages.

    `directory`, as long as some power of two, has the page of each run of serials, and `numbers` the other way about.
    """

    entries: Words
    directory: Words
    numbers: Words
    spare: Words
    table: Words


@inlined
def record_of(ledger: Ledger, serial: int) -> int:
    """Where in `ledger.entries` the entry with this serial is."""
    page = ledger.directory[(serial >> PAGE_BITS) & (len(ledger.directory) - 1)]
    return int(FIRST_WORD + ENTRY_WORDS * ((page << PAGE_BITS) | (serial & (PAGE_ENTRIES - 1))))


@inlined
def serial_of(ledger: Ledger, record: int) -> int:
    """The serial of the entry at `record`."""
    place = (record - FIRST_WORD) // ENTRY_WORDS
    return int((ledger.numbers[place >> PAGE_BITS] << PAGE_BITS) | (place & (PAGE_ENTRIES - 1)))


@inlined
def forget_oldest(ledger: Ledger, register: Words) -> None:
    """Gives up the oldest entry."""
    serial = register[LEDGER_OLDEST]
    oldest = record_of(ledger, serial)
    record, at = find(ledger.table, ledger.entries, np.uint64(ledger.entries[oldest + ENTRY_ID]))
    if record == oldest:
        vacate(ledger.table, at)
    register[LEDGER_OLDEST] = serial + 1
    register[LEDGER_REPEATABLE] = max(register[LEDGER_REPEATABLE], serial + 1)
    if (serial + 1) & (PAGE_ENTRIES - 1) == 0:
        spare = register[LEDGER_SPARE]
        ledger.spare[spare] = ledger.directory[(serial >> PAGE_BITS) & (len(ledger.directory) - 1)]
        register[LEDGER_SPARE] = spare + 1


@inlined
def _first_within(ledger: Ledger, register: Words, serial: int, span_ms: int) -> int:
    """The first serial from this one on that the ledger's clock is not past by more than `span_ms`.

    An entry whose event came with a time ahead of that clock counts from the moment on when it is looked at here.
    """
    clock = register[LEDGER_CLOCK]
    while serial < register[LEDGER_NEXT]:
        record = record_of(ledger, serial)
        came = min(ledger.entries[record + ENTRY_CLOCK], clock)
        ledger.entries[record + ENTRY_CLOCK] = came
        if clock - came <= span_ms:
            break
        serial += 1
    return serial


@inlined
def expire(ledger: Ledger, register: Words, dedupe_ms: int, keep_ms: int) -> None:
    """Gives up the oldest entries, as long as the ledger's clock is past them by more than `keep_ms`.

    The entries that it is past by more than `dedupe_ms` can have no duplicate any more.
    """
    if register[LEDGER_CLOCK] == layout.LONG_AGO:
        return
    register[LEDGER_REPEATABLE] = _first_within(ledger, register, register[LEDGER_REPEATABLE], dedupe_ms)
    kept = _first_within(ledger, register, register[LEDGER_OLDEST], keep_ms)
    while register[LEDGER_OLDEST] < kept:
        forget_oldest(ledger, register)


@inlined
def append(ledger: Ledger, register: Words, key: np.uint64, content: np.uint64, clock: int) -> int:
    """A new entry, in the place of an older one with the same id; returns its serial."""
    serial = register[LEDGER_NEXT]
    if serial & (PAGE_ENTRIES - 1) == 0:
        register[LEDGER_SPARE] -= 1
        page = ledger.spare[register[LEDGER_SPARE]]
        ledger.directory[(serial >> PAGE_BITS) & (len(ledger.directory) - 1)] = page
        ledger.numbers[page] = serial >> PAGE_BITS
    record = record_of(ledger, serial)
    ledger.entries[record + ENTRY_ID] = np.int64(key)
    ledger.entries[record + ENTRY_CONTENT] = np.int64(content)
    ledger.entries[record + ENTRY_CLOCK] = clock
    _, at = find(ledger.table, ledger.entries, key)
    put(ledger.table, at, key, record)
    register[LEDGER_NEXT] = serial + 1
    return int(serial)
