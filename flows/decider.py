"""The decide step: a batch of decoded events becomes decisions, dead letters and audit events."""

from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Protocol

from engine import Piece
from flows.batches import Arrival, Verdicts
from flows.recall import Lists, Recall
from flows.tally import Tally
from schemas import AuditEvent, DeadLetter, Event, Place, Transaction
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


class Judge(Protocol):
    """Decides batches; see `engine.Engine`."""

    def knows(self, batch: Batch) -> Sequence[bool]: ...

    def decide(
        self, batch: Batch, lists: Lists, unknown: tuple[str, ...] = (), arrived_ms: int | None = None
    ) -> Judgement: ...


class Decider:
    """Asks the engine, and the recall if there is one, which knows what other processes decided."""

    def __init__(self, judge: Judge, lists: Lists, tally: Tally, recall: Recall | None = None) -> None:
        self._judge = judge
        self._lists = lists
        self._tally = tally
        self._recall = recall

    def decide(self, arrival: Arrival, batch: Batch) -> Verdicts:
        """Verdicts on `batch`, which is what was decoded from `arrival`."""
        self._tally.events += len(arrival.raws)
        letters = [(rejection.index, _dead_letter(arrival, rejection)) for rejection in batch.rejections]
        decisions: list[bytes] = []
        audits: list[AuditEvent] = []
        pieces: tuple[Piece, ...] = ()
        if not batch.events:
            if self._recall is not None:
                self._recall.catch_up()
        else:
            decisions, conflicting, pieces = self._decided(arrival, batch)
            if conflicting:
                indexes = batch.accepted()
                letters += [(indexes[at], _conflict(arrival, indexes[at], batch.events[at])) for at in conflicting]
                letters.sort(key=itemgetter(0))
                audits = [_audit(batch.events[at], arrival.place_of(indexes[at])) for at in conflicting]
        dead_letters = [letter for _, letter in letters]
        self._tally.dead_letters.update(map(attrgetter("reason"), dead_letters))
        return Verdicts(decisions, dead_letters, audits, pieces, arrival.reached)

    def _decided(self, arrival: Arrival, batch: Batch) -> tuple[list[bytes], Sequence[int], tuple[Piece, ...]]:
        """The decisions on the batch, which of its events are in conflict, and the engine's pieces."""
        recall = self._recall
        if recall is None:
            made = self._judge.decide(batch, self._lists, (), arrival.arrived_ms)
            self._count(made, 0)
            return made.encoded, made.conflicting, made.pieces
        keys = list(map(_key, batch.events))
        known = recall.ask(keys)
        others: dict[int, bytes] = {}
        if known:
            # What the engine knows itself it answers itself: it also sees whether the content is the same.
            own = self._judge.knows(batch)
            others = {at: known[key] for at, key in enumerate(keys) if key in known and not own[at]}
        fresh = [at for at in range(len(keys)) if at not in others]
        unknown = () if recall.reachable else ("store",)
        made = self._judge.decide(_subset(batch, fresh), recall.lists, unknown, arrival.arrived_ms)
        decided = {fresh[at]: encoded for at, encoded in zip(made.positions, made.encoded, strict=True)}
        old = {fresh[at] for at in (*made.repeated, *made.conflicting)}
        recall.record((keys[at], decided.get(at, b"")) for at in fresh if at not in old)
        self._count(made, len(others))
        answers = decided | others
        decisions = [answers[at] for at in sorted(answers) if answers[at]] if others else made.encoded
        return decisions, [fresh[at] for at in made.conflicting], made.pieces

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
