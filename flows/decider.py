"""The decide step: a batch of decoded events becomes decisions and dead letters."""

from collections.abc import Sequence
from typing import Protocol

from flows.batches import Arrival, Verdicts
from flows.recall import Lists, Recall, as_duplicate
from flows.tally import Tally
from schemas import DeadLetter, Event, Transaction
from schemas.batches import EVENT_BYTES_MAX, Batch, Rejection

ORIGINAL_BYTES_MAX = 700_000
"""How much of an event a dead letter holds: as base64 it still fits Kafka's usual limit of a megabyte."""


class Judgement(Protocol):
    """One batch of decisions; see `engine.Decisions`."""

    @property
    def positions(self) -> Sequence[int]: ...

    @property
    def actions(self) -> Sequence[str]: ...

    @property
    def encoded(self) -> list[bytes]: ...


class Judge(Protocol):
    """Decides batches; see `engine.Engine`."""

    def decide(self, batch: Batch, lists: Lists, unknown: tuple[str, ...] = ()) -> Judgement: ...


class Decider:
    """Asks the engine, and the recall if there is one, so that an event that comes again gets its recorded answer."""

    def __init__(self, judge: Judge, lists: Lists, tally: Tally, recall: Recall | None = None) -> None:
        self._judge = judge
        self._lists = lists
        self._tally = tally
        self._recall = recall

    def decide(self, arrival: Arrival, batch: Batch) -> Verdicts:
        """Verdicts on `batch`, which is what was decoded from `arrival`."""
        self._tally.events += len(arrival.raws)
        dead_letters = [_dead_letter(arrival, rejection) for rejection in batch.rejections]
        self._tally.dead_letters.update(letter.reason for letter in dead_letters)
        if not batch.events:
            if self._recall is not None:
                self._recall.catch_up()
            return Verdicts([], dead_letters)
        if self._recall is not None:
            return Verdicts(self._decide_unknown(self._recall, batch), dead_letters)
        made = self._judge.decide(batch, self._lists)
        self._tally.actions.update(made.actions)
        return Verdicts(made.encoded, dead_letters)

    def _decide_unknown(self, recall: Recall, batch: Batch) -> list[bytes]:
        keys = list(map(_key, batch.events))
        known = recall.ask(keys)
        first: dict[str, int] = {}
        fresh = [at for at, key in enumerate(keys) if key not in known and first.setdefault(key, at) == at]
        made = self._judge.decide(_subset(batch, fresh), recall.lists, () if recall.reachable else ("store",))
        self._tally.actions.update(made.actions)
        answers = dict.fromkeys(first, b"")
        for position, encoded in zip(made.positions, made.encoded, strict=True):
            answers[keys[fresh[position]]] = encoded
        recall.record(answers.items())
        if len(fresh) == len(keys):
            return made.encoded
        self._tally.duplicates += len(keys) - len(fresh)
        decisions: list[bytes] = []
        for at, key in enumerate(keys):
            if first.get(key) == at:
                decisions.append(answers[key])
            elif key in known:
                decisions.append(known[key])
            elif answers[key]:
                decisions.append(as_duplicate(answers[key]))
        return list(filter(None, decisions))

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
    return Batch(events, batch.timestamp_ms[positions], batch.amount_minor[positions], [])


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
