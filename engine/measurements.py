"""Measurements: what rules would see of events, as columns, for whoever judges them later and often."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.core import Taken
from engine.frames import Frame
from rules import Input
from rules.columns import Column, NumberColumn, TextColumn
from windows import CONFLICT, DUPLICATE, FRESH, FUTURE, LATE, NULL


class Waited(NamedTuple):
    """A wait that was over at `timer_ms`, by its rule and by the serial of the event that began it.

    `complete`: all was known that came meanwhile.
    """

    rule: str
    serial: int
    timer_ms: int
    in_vain: bool
    complete: bool


class Measured(msgspec.Struct, frozen=True):
    """The m judged events of a part of a batch, in order of arrival.

    `positions` are theirs among the batch's events. `moments_ms` is as of when each is judged: its own time, but where
    the stream stood for one from the future. `amount_minor` is missing where it is of another currency than the pack's.
    `columns` has for each watched input its values; None for a list. `late` and `future` are bool[m]; `complete` is
    bool[m], whether the windows had all that they reach. `latest_ms` is the latest time of an event of the part,
    judged or not, that was not ahead of the stream; NULL where there is none. `repeated`, `conflicting` and `unmatched`
    count events that get no new decision or change nothing. `begun` are the positions of events that may have begun a
    wait, with their serials and their amounts as above; `waited` are the waits that were over.
    """

    positions: NDArray[np.int64]
    moments_ms: NDArray[np.int64]
    amount_minor: NumberColumn
    columns: dict[Input, Column | None]
    late: NDArray[np.bool_]
    future: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    latest_ms: int
    repeated: int
    conflicting: int
    unmatched: int
    begun: list[tuple[int, int, int | None]]
    waited: list[Waited]


def measured(
    frame: Frame,
    start: int,
    watched: Sequence[Input],
    positions: list[int],
    kinds: list[int] | None,
    taken: Taken,
    begun: Sequence[int],
    within_ms: Callable[[str], int],
) -> Measured:
    """What is seen of the frame's events at `positions`; the frame begins at `start` of its batch.

    Those at the places `begun` would begin waits, if they count, and `within_ms` says how long a rule waits.
    """
    places = np.array(positions, dtype=np.int64)
    all_judged = len(positions) == len(frame.events)
    codes = np.zeros(len(places), dtype=np.int64) if kinds is None else np.array(kinds, dtype=np.int64)[places]
    complete = np.ones(len(places), dtype=np.bool_) if taken.complete is None else taken.complete[places]
    times = frame.batch.timestamp_ms
    in_time = times if kinds is None else times[np.array(kinds) != FUTURE]
    columns = {each: frame.column(each) for each in watched}
    amounts = frame.amounts()
    if not all_judged:
        columns = {each: _at(column, places) for each, column in columns.items()}
        amounts = _numbers_at(amounts, places)
    return Measured(
        places + start,
        frame.moments_ms[places],
        amounts,
        columns,
        codes == LATE,
        codes == FUTURE,
        complete,
        int(in_time.max(initial=NULL)),
        0 if kinds is None else kinds.count(DUPLICATE),
        0 if kinds is None else kinds.count(CONFLICT),
        0 if taken.entered.revalued else 1,
        _begun(frame, begun, start, kinds, taken),
        _waited(taken, within_ms),
    )


def _waited(taken: Taken, within_ms: Callable[[str], int]) -> list[Waited]:
    """What became of the waits that were over."""
    in_vain = {(each.pending.serial, each.pending.rule): each.unsure for each in taken.elapsed}
    found = []
    for _, pending in taken.entered.due:
        key, timer_ms = (pending.serial, pending.rule), pending.start_ms + within_ms(pending.rule)
        found.append(Waited(pending.rule, pending.serial, timer_ms, key in in_vain, not in_vain.get(key, False)))
    return found


def _begun(
    frame: Frame, places: Sequence[int], start: int, kinds: list[int] | None, taken: Taken
) -> list[tuple[int, int, int | None]]:
    counting = list(dict.fromkeys(at for at in places if kinds is None or kinds[at] == FRESH))
    if not counting:
        return []
    serials, amounts = taken.entered.verdicts.serials, frame.amounts()
    minor = [
        None if amounts.missing is not None and amounts.missing[at] else int(amounts.values[at]) for at in counting
    ]
    return [(start + at, int(serials[at]), amount) for at, amount in zip(counting, minor, strict=True)]


def _at(column: Column | None, places: NDArray[np.int64]) -> Column | None:
    """The column at these places."""
    match column:
        case NumberColumn():
            return _numbers_at(column, places)
        case TextColumn():
            return TextColumn([column.values[at] for at in places.tolist()], column.ids[places])
    return None


def _numbers_at(column: NumberColumn, places: NDArray[np.int64]) -> NumberColumn:
    return NumberColumn(column.values[places], None if column.missing is None else column.missing[places])
