"""Records: what has to be kept of decisions so that an engine can be brought to where it was when it made them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.coming import Coming, Revaluation
from engine.composition import TAILS_MAX, encode
from engine.rates import Noted
from engine.scoring import Learnt
from engine.waits import Wait
from windows import Columns, Plan

BUNDLE_EVENTS = 8_192
"""So many events are taken in at once."""

_Item = TypeVar("_Item", np.int64, np.uint64)
_Text = TypeVar("_Text", str, str | None)


class Piece(msgspec.Struct, frozen=True, gc=False):
    """What became of events that were taken in at once: how they entered, what detectors learnt, what was answered.

    `turn` is when they were, as `Core` counts. The first `keys` columns of ids that entered are the windows' own.
    `names`, `timestamp_ms` and `tails` are those of the answers in order. `answered` has, for each event that entered,
    the number of its own answer, or -1. `clock_ms` is how far the stream had come. `rates` is what breakers counted.
    """

    turn: int
    entered: Coming
    keys: int
    learnt: list[Learnt]
    names: list[str]
    timestamp_ms: list[int]
    tails: list[str]
    answered: list[int]
    clock_ms: int
    rates: Noted | None


class Record(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A piece as plain bytes: little-endian columns of 8 bytes an item, where not said otherwise.

    Columns of the events that entered: `ids`, `contents`, `timestamps`, `arrivals` (empty where unknown), `times` as
    the windows have them (empty where equal to `timestamps`), `keys` (event by event) and `values` (column by column),
    `entering`, and `answered`, 4 bytes an item. `texts` has a list for each text field that features answer with, by
    name. Of the answers: `names`, `said` (their timestamps), and in `chosen`, 4 bytes an item, which of `tails`.
    `waits` are those that started. `answered` and `said` are empty where there is one answer for each event that
    entered, its own. `clock_ms` is how far the stream had come, in event time. `rates` is what breakers counted.
    """

    turn: int
    ids: bytes
    contents: bytes
    timestamps: bytes
    arrivals: bytes
    times: bytes
    keys: bytes
    values: bytes
    entering: bytes
    texts: list[list[str | None]]
    answered: bytes
    names: list[str]
    said: bytes
    tails: list[str]
    chosen: bytes
    learnt: list[Learnt]
    revaluation: tuple[int, int] | None
    clock_ms: int
    waits: list[Wait] = []
    rates: Noted | None = None

    @property
    def latest_ms(self) -> int:
        """The latest time that windows have of these events, or the stream's, if that is later."""
        return int(np.frombuffer(self.times or self.timestamps, dtype=np.int64).max(initial=self.clock_ms))

    @property
    def each_its_own(self) -> bool:
        """Whether there is one answer for each event that entered, its own."""
        return not self.answered and 8 * len(self.names) == len(self.ids)

    def answers(self) -> list[int]:
        """For each event that entered the number of its own answer, or -1."""
        if self.each_its_own:
            return list(range(len(self.names)))
        numbers: list[int] = np.frombuffer(self.answered, dtype=np.int32).tolist()
        return numbers

    def decisions(self) -> list[bytes]:
        """The answers as they were given."""
        times = np.frombuffer(self.timestamps if self.each_its_own else self.said, dtype=np.int64).tolist()
        return encode(self.names, times, _items(self.tails, self.chosen))


def record_of(piece: Piece) -> Record:
    """The record of a piece."""
    entered, columns = piece.entered, piece.entered.columns
    numbers = {tail: number for number, tail in enumerate(dict.fromkeys(piece.tails))}
    chosen = np.fromiter(map(numbers.__getitem__, piece.tails), np.int32, len(piece.tails))
    each_its_own = len(piece.names) == len(piece.answered) and -1 not in piece.answered
    same_times = columns.timestamp_ms is entered.timestamp_ms or np.array_equal(
        columns.timestamp_ms, entered.timestamp_ms
    )
    return Record(
        turn=piece.turn,
        ids=entered.ids.tobytes(),
        contents=entered.contents.tobytes(),
        timestamps=entered.timestamp_ms.tobytes(),
        arrivals=b"" if entered.arrival_ms is None else entered.arrival_ms.tobytes(),
        times=b"" if same_times else columns.timestamp_ms.tobytes(),
        keys=columns.ids[:, : piece.keys].tobytes(),
        values=columns.values.tobytes(),
        entering=columns.entering.tobytes(),
        texts=[list(texts) for _, texts in sorted(entered.texts.items())],
        answered=b"" if each_its_own else np.array(piece.answered, dtype=np.int32).tobytes(),
        names=piece.names,
        said=b"" if each_its_own else np.array(piece.timestamp_ms, dtype=np.int64).tobytes(),
        tails=list(numbers),
        chosen=chosen.tobytes(),
        learnt=piece.learnt,
        revaluation=entered.revaluation,
        clock_ms=piece.clock_ms,
        waits=list(entered.waits),
        rates=piece.rates,
    )


class Bundle(NamedTuple):
    """Several records as one: the last turn, what entered, with what the last event changed, each event's tail."""

    turn: int
    entered: Coming
    tails: list[str | None]


def bundles(records: Iterable[Record], plan: Plan, text_fields: Sequence[str]) -> Iterator[Bundle]:
    """The records in order, in bundles of many events; equal tails become one text.

    What changes an earlier event ends its bundle: by its name, that event can be found only as of then.
    """
    kept: dict[str, str] = {}
    waiting: list[Record] = []
    events = 0
    for record in records:
        waiting.append(record)
        events += len(record.ids) // 8
        if events >= BUNDLE_EVENTS or record.revaluation is not None:
            yield _bundle(waiting, plan, sorted(text_fields), kept)
            waiting, events = [], 0
    if waiting:
        yield _bundle(waiting, plan, sorted(text_fields), kept)


def _bundle(records: list[Record], plan: Plan, text_fields: list[str], kept: dict[str, str]) -> Bundle:
    if len(kept) > TAILS_MAX:
        kept.clear()
    timestamps = _column([record.timestamps for record in records], np.int64)
    arrivals = None
    if any(record.arrivals for record in records):
        arrivals = _column([record.arrivals or bytes(len(record.ids)) for record in records], np.int64)
    times = timestamps
    if any(record.times for record in records):
        times = _column([record.times or record.timestamps for record in records], np.int64)
    columns = Columns(
        times,
        _column([record.keys for record in records], np.uint64).reshape(len(times), len(plan.ids)),
        np.concatenate([_values(record, len(plan.values)) for record in records], axis=1),
        _column([record.entering for record in records], np.uint64),
        np.zeros(len(times), dtype=np.bool_),
    )
    texts = {
        field: list(chain.from_iterable(record.texts[number] for record in records))
        for number, field in enumerate(text_fields)
    }
    ids, contents = (_column([getattr(each, name) for each in records], np.uint64) for name in ("ids", "contents"))
    last = None if records[-1].revaluation is None else Revaluation(*records[-1].revaluation)
    return Bundle(
        records[-1].turn,
        Coming(ids, contents, timestamps, arrivals, columns, texts, last, list(_waits(records))),
        list(chain.from_iterable(_tails(record, kept) for record in records)),
    )


def _waits(records: Iterable[Record]) -> Iterator[Wait]:
    """The waits in their places among all events."""
    start = 0
    for record in records:
        yield from (wait._replace(at=start + wait.at) for wait in record.waits)
        start += len(record.ids) // 8


def _tails(record: Record, kept: dict[str, str]) -> Sequence[str | None]:
    """The tail of each event's answer."""
    said = _items([kept.setdefault(tail, tail) for tail in record.tails], record.chosen)
    return said if record.each_its_own else _items([*said, None], record.answered)


def _items(items: Sequence[_Text], numbers: bytes) -> list[_Text]:
    """The items with the numbers, which take 4 bytes each; -1 is the last."""
    chosen: list[_Text] = np.array(items, dtype=np.object_)[np.frombuffer(numbers, dtype=np.int32)].tolist()
    return chosen


def _column(parts: Sequence[bytes], kind: type[_Item]) -> NDArray[_Item]:
    return np.frombuffer(b"".join(parts), dtype=kind)


def _values(record: Record, columns: int) -> NDArray[np.int64]:
    return np.frombuffer(record.values, dtype=np.int64).reshape(columns, len(record.ids) // 8)
