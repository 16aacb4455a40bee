"""The decide step: a batch of decoded events becomes decisions, dead letters and audit events."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol

from engine import Piece, Trip
from flows.batches import Arrival, Verdicts
from flows.recall import Lists, Profiles, Recall
from flows.tally import Tally
from schemas import AuditEvent, DeadLetter, DemotionEvent, Event, Place, Transaction
from schemas.batches import EVENT_BYTES_MAX, Batch, Rejection

ORIGINAL_BYTES_MAX = 700_000
"""How much of an event a dead letter holds: as base64 it still fits Kafka's usual limit of a megabyte."""


class Judgement(Protocol):
    """One batch of decisions; see `engine.Decisions`."""

    @property
    def positions(self) -> Sequence[int]: ...

    @property
    def encoded(self) -> list[bytes]: ...

    @property
    def actions(self) -> Sequence[str]: ...

    @property
    def repeated(self) -> Sequence[int]: ...

    @property
    def conflicting(self) -> Sequence[int]: ...

    @property
    def unmatched(self) -> int: ...

    @property
    def pieces(self) -> tuple[Piece, ...]: ...

    @property
    def tripped(self) -> tuple[Trip, ...]: ...


class Judge(Protocol):
    """Decides batches; see `engine.Engine`."""

    @property
    def facts(self) -> Sequence[str]: ...

    def knows(self, batch: Batch) -> Sequence[bool]: ...

    def decide(
        self,
        batch: Batch,
        lists: Lists,
        unknown: tuple[str, ...] = (),
        arrived_ms: int | None = None,
        profiles: Profiles = ...,
    ) -> Judgement: ...


class Case(NamedTuple):
    """A batch on its way through the engine, which is `asked` about the events at `fresh`, all where that is None.

    `others` are the answers to the others, by position. `keys` are the store's names of all events.
    """

    arrival: Arrival
    batch: Batch
    asked: Batch
    lists: Lists
    unknown: tuple[str, ...]
    keys: Sequence[str] = ()
    others: Mapping[int, bytes] = {}
    fresh: Sequence[int] | None = None
    profiles: Mapping[str, Mapping[str, str]] = {}


class Decider:
    """Asks the engine, and the recall if there is one, which knows what other processes decided.

    `notify` hears of rules that were demoted.
    """

    def __init__(
        self,
        judge: Judge,
        lists: Lists,
        tally: Tally,
        recall: Recall | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._judge = judge
        self._lists = lists
        self._tally = tally
        self._recall = recall
        self._notify = notify

    def renew_lists(self, lists: Lists) -> None:
        """The pack's own lists are these from now on."""
        self._lists = lists
        if self._recall is not None:
            self._recall.renew_lists(lists)

    def decide(self, arrival: Arrival, batch: Batch) -> Verdicts:
        """Verdicts on `batch`, which is what was decoded from `arrival`."""
        case = self.prepare(arrival, batch)
        if case is None:
            return self.refuse(arrival, batch)
        asked, lists, unknown, profiles = case.asked, case.lists, case.unknown, case.profiles
        return self.conclude(case, self._judge.decide(asked, lists, unknown, arrival.arrived_ms, profiles))

    def prepare(self, arrival: Arrival, batch: Batch) -> Case | None:
        """What the engine is to decide of `batch`, which was decoded from `arrival`; None where that is nothing."""
        self._tally.events += len(arrival.raws)
        recall = self._recall
        if recall is None:
            return Case(arrival, batch, batch, self._lists, ()) if batch.events else None
        if not batch.events:
            self.rest()
            return None
        keys = list(map(_key, batch.events))
        facts = self._judge.facts
        users = list({event.user_id: None for event in batch.events}) if facts else ()
        known = recall.ask(keys, users, facts)
        others: dict[int, bytes] = {}
        if known:
            # What the engine knows itself it answers itself: it also sees whether the content is the same.
            own = self._judge.knows(batch)
            others = {at: known[key] for at, key in enumerate(keys) if key in known and not own[at]}
        fresh = [at for at in range(len(keys)) if at not in others]
        unknown = () if recall.reachable else ("store",)
        asked = _subset(batch, fresh)
        return Case(arrival, batch, asked, recall.lists, unknown, keys, others, fresh, recall.profiles)

    def rest(self) -> None:
        """There is nothing to decide now: what waits to be recorded can be."""
        if self._recall is not None:
            self._recall.catch_up()

    def conclude(self, case: Case, made: Judgement) -> Verdicts:
        """Verdicts on the batch, from what the engine made of it."""
        arrival, batch, fresh = case.arrival, case.batch, case.fresh
        self._count(made, len(case.others))
        decisions = made.encoded
        conflicting = made.conflicting if fresh is None else [fresh[at] for at in made.conflicting]
        if self._recall is not None and fresh is not None:
            decided = {fresh[at]: encoded for at, encoded in zip(made.positions, made.encoded, strict=True) if at >= 0}
            old = {fresh[at] for at in (*made.repeated, *made.conflicting)}
            self._recall.record((case.keys[at], decided.get(at, b"")) for at in fresh if at not in old)
            if case.others:
                answers = [(at, 1, encoded) for at, encoded in {**decided, **case.others}.items() if encoded]
                timers = [(-1 - at, each) for at, each in zip(made.positions, made.encoded, strict=True) if at < 0]
                answers += [(fresh[at], 0, encoded) for at, encoded in timers]
                decisions = [encoded for _, _, encoded in sorted(answers, key=itemgetter(0, 1))]
        letters = [(rejection.index, _dead_letter(arrival, rejection)) for rejection in batch.rejections]
        audits: list[tuple[int, AuditEvent | DemotionEvent]] = [self._tripped(case, trip) for trip in made.tripped]
        if conflicting:
            indexes = batch.accepted()
            letters += [(indexes[at], _conflict(arrival, indexes[at], batch.events[at])) for at in conflicting]
            letters.sort(key=itemgetter(0))
            audits += [(at, _audit(batch.events[at], arrival.place_of(indexes[at]))) for at in conflicting]
            audits.sort(key=itemgetter(0))
        told = [audit for _, audit in audits]
        return self._verdicts(arrival, decisions, [letter for _, letter in letters], told, made.pieces)

    def refuse(self, arrival: Arrival, batch: Batch) -> Verdicts:
        """Verdicts on a batch of which nothing is for the engine."""
        return self._verdicts(arrival, [], [_dead_letter(arrival, rejection) for rejection in batch.rejections], [], ())

    def _verdicts(
        self,
        arrival: Arrival,
        decisions: list[bytes],
        letters: list[DeadLetter],
        audits: list[AuditEvent | DemotionEvent],
        pieces: tuple[Piece, ...],
    ) -> Verdicts:
        self._tally.dead_letters.update(letter.reason for letter in letters)
        return Verdicts(decisions, letters, audits, pieces, arrival.reached)

    def _tripped(self, case: Case, trip: Trip) -> tuple[int, DemotionEvent]:
        """Tells that a rule is demoted; with the position of the event from which on it is."""
        at = trip.at if case.fresh is None else case.fresh[trip.at]
        event = case.batch.events[at]
        self._tally.demoted += 1
        self._notify(
            f"rule {trip.rule} matched {trip.hits:,} of {trip.judged:,} events, which its breaker does not allow: from"
            f" `{event.id}` on it acts as {trip.to} in the place of {trip.was}, until it is changed"
        )
        return at, DemotionEvent(
            rule=trip.rule,
            was=trip.was,
            to=trip.to,
            hits=trip.hits,
            judged=trip.judged,
            id=event.id,
            timestamp=event.timestamp_ms,
            place=case.arrival.place_of(case.batch.accepted()[at]),
            pack=trip.pack,
        )

    def _count(self, made: Judgement, others: int) -> None:
        self._tally.actions.update(made.actions)
        self._tally.duplicates += len(made.repeated) + others
        self._tally.unmatched += made.unmatched

    def close(self) -> None:
        """Records what the store does not know yet."""
        if self._recall is not None:
            self._recall.close()


def _key(event: Event) -> str:
    """Transactions and other events have ids of their own; one name may be in use for both."""
    return event.id if isinstance(event, Transaction) else f"{event.type}/{event.id}"


def _subset(batch: Batch, positions: list[int]) -> Batch:
    if len(positions) == len(batch.events):
        return batch
    events = [batch.events[position] for position in positions]
    raws = [batch.raws[position] for position in positions]
    return Batch(events, raws, batch.timestamp_ms[positions], batch.amount_minor[positions], [])


def _dead_letter(arrival: Arrival, rejection: Rejection) -> DeadLetter:
    original, message = arrival.raws[rejection.index], rejection.message
    original_bytes = arrival.cut_bytes.get(rejection.index, len(original))
    if original_bytes > len(original):
        message = f"expected at most {EVENT_BYTES_MAX:,} bytes, got {original_bytes:,}"
    return DeadLetter(
        reason=rejection.reason,
        message=message,
        place=arrival.place_of(rejection.index),
        original=original[:ORIGINAL_BYTES_MAX],
        original_bytes=original_bytes,
    )


def _conflict(arrival: Arrival, index: int, event: Event) -> DeadLetter:
    original = arrival.raws[index]
    return DeadLetter(
        reason="conflicting_duplicate",
        message=f"expected a new id or the content that `{event.id}` had when it came first, got other content",
        place=arrival.place_of(index),
        original=original,
        original_bytes=len(original),
    )


def _audit(event: Event, place: Place) -> AuditEvent:
    return AuditEvent(
        audit="conflicting_duplicate",
        id=event.id,
        type=event.type,
        timestamp=event.timestamp_ms,
        user_id=event.user_id,
        place=place,
    )
