"""Tracing: one event's way through the live engine, in the midst of all events of a history.

The engine decides every event of the history, as it would have been, and tells what its conditions saw of the one that
is asked for. A second reading collects the events that lie in its windows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine import Decisions, Engine
from engine.exchange import Exchange
from rules import Feature, Input, Pack
from rules.columns import NumberColumn
from rules.scopes import SCORE_PARTS, feature_input, score_input
from rules.sentences import compile_sentence
from rules.syntax import inputs_of
from schemas import Correction, Decision, Event, Reversal, Transaction, Value
from schemas.batches import Batch
from windows import NULL
from workbench.history import History
from workbench.recount import Fate, Filters, Scan, Told
from workbench.tabular import HistoryError

TRACES_MAX = 8
"""So many new decisions on one id are traced; an id may be used again after `dedupe`."""

_CHANGING: frozenset[type[Event]] = frozenset((Reversal, Correction))

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Trace:
    """One new decision: on which event, as the number `at` from 0 of all that were read, with the values it saw.

    `moment_ms` is as of when it was judged.
    """

    at: int
    event: Event
    moment_ms: int
    decision: Decision
    values: Mapping[Input, Value]


@dataclass
class Traced:
    """What became of the events with one id.

    `traces` are the new decisions, at most TRACES_MAX of `decided`. `repeated` came again, `conflicting` had other
    content. `timers` are decisions on waits that one of them began. `unjudged` is the last that got no decision.
    `fates` has, by number, all events of the history that count in no window. `unread` counts what could not be read.
    """

    traces: list[Trace] = field(default_factory=list)
    decided: int = 0
    repeated: int = 0
    conflicting: int = 0
    unjudged: Event | None = None
    timers: list[Decision] = field(default_factory=list)
    fates: dict[int, Fate] = field(default_factory=dict)
    unread: int = 0


def watched_inputs(pack: Pack) -> tuple[Input, ...]:
    """All that is to be told of an event: every feature and score, and whatever else a rule or its sentence reads."""
    features = [feature_input(feature) for feature in pack.features.values()]
    scores = [score_input(name, part) for name in pack.detectors for part in SCORE_PARTS]
    reads = (read for rule in pack.rules for read in inputs_of(rule.when.tree))
    said = (read for rule in pack.rules for read in compile_sentence(rule, pack).inputs)
    return tuple(dict.fromkeys((*features, *scores, *reads, *said)))


def trace(pack: Pack, history: History, name: str, progress: Progress) -> Traced:
    """Lets the engine decide all of the history, and watches what becomes of the id. Raises HistoryError."""
    return _Tracer(pack, name).run(history, progress)


class _Tracer:
    def __init__(self, pack: Pack, name: str) -> None:
        self._name = name
        self._engine = Engine(pack)
        self._lists = pack.entries_by_list
        self._watched = watched_inputs(pack)
        self._watching = self._engine.renewal(pack, self._watched)
        self._plain = self._engine.renewal(pack)
        self._found = Traced()
        self._first = 0

    def run(self, history: History, progress: Progress) -> Traced:
        for chunk in history.chunks():
            self._found.unread += len(chunk.unread)
            for batch in _apart(chunk.batch, self._name):
                self._decide(batch)
            progress(chunk.share)
        return self._found

    def _decide(self, batch: Batch) -> None:
        is_it = len(batch.events) == 1 and batch.events[0].id == self._name
        if is_it:
            self._engine.change(self._watching)
        made = self._engine.decide(batch, self._lists)
        if is_it:
            self._engine.change(self._plain)
            self._note(batch, made)
        for position, encoded in zip(made.positions, made.encoded, strict=True):
            if position < 0:
                decision = msgspec.json.decode(encoded, type=Decision)
                if decision.transaction_id == self._name:
                    self._found.timers.append(decision)
        self._take_note(made)
        self._first += len(batch.events)

    def _note(self, batch: Batch, made: Decisions) -> None:
        """What became of the event that is asked for, which is alone in its batch."""
        found, (event,) = self._found, batch.events
        if made.repeated:
            found.repeated += 1
        elif made.conflicting:
            found.conflicting += 1
        elif not made.watched:
            found.unjudged = event
        else:
            found.decided += 1
            if len(found.traces) < TRACES_MAX:
                decision = msgspec.json.decode(made.encoded[made.positions.index(0)], type=Decision)
                values = dict(zip(self._watched, made.watched[-1], strict=True))
                found.traces.append(Trace(self._first, event, _moments_of(made)[0], decision, values))

    def _take_note(self, made: Decisions) -> None:
        fates, first = self._found.fates, self._first
        fates |= {first + at: fate for at, fate in made.strayed.items()}
        fates |= {first + at: "repeated" for at in made.repeated}
        fates |= {first + at: "conflicting" for at in made.conflicting}


def _moments_of(made: Decisions) -> list[int]:
    """For each event that was admitted as of when it counts."""
    return [moment for piece in made.pieces for moment in piece.entered.columns.timestamp_ms.tolist()]


def _apart(batch: Batch, name: str) -> Iterator[Batch]:
    """The batch in parts, in which each event with this id is alone."""
    places = [at for at, event in enumerate(batch.events) if event.id == name]
    ends = sorted({end for at in places for end in (at, at + 1)} | {len(batch.events)})
    start = 0
    for end in ends:
        if start < end:
            yield batch.between(start, end)
            start = end


def scan(pack: Pack, history: History, features: Sequence[Feature], traced: Traced, of: Trace) -> Scan:
    """The events that may lie in the windows of `features` as of a traced decision. Raises HistoryError."""
    found = Scan(features, lambda by: tuple(getattr(of.event, name, None) for name in by))
    taking, exchange = _Taking(found), Exchange(pack.currency, pack.rates)
    reach_ms = max((each.delay_ms + max(each.over_ms, each.against_ms) for each in features), default=0)
    since_ms, first = of.moment_ms - reach_ms, 0
    for chunk in history.chunks():
        batch, amounts = chunk.batch, exchange.amounts(chunk.batch)
        for at in _places(batch, since_ms):
            event, number = batch.events[at], first + at
            fate = traced.fates.get(number, "counted")
            amount = _at(amounts, at)
            if number == of.at:
                taking.keep(event, of.moment_ms, fate, amount)
                return found
            if taking.wants(event):
                taking.keep(event, int(batch.timestamp_ms[at]), fate, amount)
            if isinstance(event, Reversal | Correction) and fate not in ("repeated", "conflicting"):
                taking.revalue(event.original_transaction_id, amount)
        first += len(batch.events)
    raise HistoryError(f"expected the data to be what it was a moment ago: `{history.name}` has changed")


class _Taking:
    """Takes events into a scan, and changes amounts as reversals and corrections come."""

    def __init__(self, into: Scan) -> None:
        self._into = into
        self._filters = Filters()
        self._told: dict[str, Told] = {}
        self._parts = [tuple(zip(by, key, strict=True)) for by, key in into.keys.items()]

    def wants(self, event: Event) -> bool:
        """Whether an event has a key in common with the one that is explained."""
        return any(all(getattr(event, name, None) == text for name, text in parts) for parts in self._parts)

    def keep(self, event: Event, moment_ms: int, fate: Fate, amount_minor: int | None) -> None:
        told = Told(event, moment_ms, fate, amount_minor, amount_minor, self._filters)
        self._into.kept.append(told)
        if isinstance(event, Transaction) and fate not in ("repeated", "conflicting"):
            self._told[event.id] = told

    def revalue(self, transaction_id: str, amount_minor: int | None) -> None:
        """From here on the transaction that came last under this id moves another amount."""
        if transaction_id in self._told:
            self._told[transaction_id].amount_minor = amount_minor


def _places(batch: Batch, since_ms: int) -> list[int]:
    """Where the events are that may matter: those behind a moment, and whatever changes another event."""
    matters = batch.timestamp_ms > since_ms
    if not _CHANGING.isdisjoint(map(type, batch.events)):
        matters |= np.array([type(event) in _CHANGING for event in batch.events], dtype=np.bool_)
    places: list[int] = np.flatnonzero(matters).tolist()
    return places


def _at(amounts: NumberColumn, at: int) -> int | None:
    """An amount in minor units of the pack's currency, None where there is none."""
    minor = int(amounts.values[at])
    return None if minor == NULL else minor
