"""Decisions and dead letters to their topics."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from flows.batches import Verdicts
from flows.entries import Delivered, Entry
from flows.kafka.readback import published_since
from flows.kafka.settings import Settings, log
from flows.kafka.trouble import Trouble, sentence_of
from flows.lifecycle import FlowError, Stop
from schemas import DemotionEvent

WAIT_S = 0.05
RETRY_AFTER_S = 1.0

BULK_MIN = 256
"""So many decisions at once come from a backlog: they gain more by large requests than by being sent at once."""

_BASE64_GROUP = 4


BEFORE_MARK_MS = 5_000
"""So long before a mark topics are read back: the clock may have been set back meanwhile."""

REPLAYED_S = 60.0
"""For so long after a restart events may come again whose decisions had been published."""


class Topics(NamedTuple):
    """Where everything goes; audit events are only told where they have no topic."""

    decisions: str
    dead_letters: str
    audit: str | None = None


class KafkaSink:
    """Produces without waiting for more, but in a backlog. What a broker refuses is sent again until it is taken.

    librdkafka waits as long for every record of a producer, so there are two of them.

    Only failed deliveries are reported one by one: when nothing is under way and nothing failed, all is delivered.
    Records have no key: the decision names its transaction, and a batch that stays together costs less.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        settings: Settings,
        trouble: Trouble,
        stop: Stop,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics = topics
        self._readback = settings.of_readback(bootstrap)
        self._replayed: Counter[tuple[str, int]] = Counter()
        self._replayed_until_s = float("-inf")
        self._found_since_ms = 0
        self._trouble = trouble
        self._stop = stop
        self._monotonic = monotonic
        self._failed: list[Message] = []
        self._retry_from_s = float("-inf")
        try:
            self.producer, self._bulk = (
                Producer(
                    {
                        **settings.of_producer(bootstrap, bulk),
                        "error_cb": trouble.on_error,
                        "on_delivery": self._on_failure,
                        "logger": log(),
                    }
                )
                for bulk in (False, True)
            )
        except (KafkaException, ValueError, TypeError) as error:
            raise FlowError(settings.without_secrets(f"the producer cannot be set up: {sentence_of(error)}")) from None

    def resume(self, delivered: Delivered | None, outbox: Sequence[Entry]) -> int:
        """Reads the topics back from the mark on, and sends what they do not have.

        A decision in the topic that is not in the outbox was published by a run whose journal lost its end when the
        power failed. Its event will come again; then what was published stands.
        """
        if delivered is None:
            return 0
        since_ms = delivered.at_ms - BEFORE_MARK_MS
        wanted = tuple(filter(None, self._topics))
        found = published_since(self._readback, wanted, since_ms, self._trouble, self._stop)
        decisions = Counter(found[self._topics.decisions])
        letters, audits = (Counter(found[topic]) if topic else Counter() for topic in self._topics[1:])
        missing = [_missing(entry.decisions(), decisions) for entry in outbox]
        self._replayed = Counter(id_ for id_ in map(_id_of, decisions.elements()) if id_ is not None)
        self._replayed_until_s = self._monotonic() + REPLAYED_S
        self._found_since_ms = delivered.at_ms
        again = 0
        for entry, own in zip(outbox, missing, strict=True):
            unpublished = self._not_published(own)
            again += len(unpublished)
            self._write(unpublished, _missing(entry.dead_letters, letters), _missing(entry.audits, audits))
        return again

    def write(self, verdicts: Verdicts) -> None:
        decisions = verdicts.decisions
        if self._replayed:
            decisions = self._not_published(decisions)
        if verdicts.dead_letters or verdicts.audits:
            letters = list(map(msgspec.json.encode, verdicts.dead_letters))
            is_told = self._topics.audit is None  # demotions are by the decider
            told = [each for each in verdicts.audits if not (is_told and isinstance(each, DemotionEvent))]
            self._write(decisions, letters, list(map(msgspec.json.encode, told)))
        else:
            self._write(decisions, (), ())

    def _write(self, decisions: Sequence[bytes], letters: Sequence[bytes], audits: Sequence[bytes]) -> None:
        producer = self._bulk if len(decisions) >= BULK_MIN else self.producer
        produce, topic = producer.produce, self._topics.decisions
        try:
            for decision in decisions:
                try:
                    produce(topic, decision)
                except BufferError:
                    self._produce(topic, decision, producer)
            for letter in letters:
                self._produce_dead_letter(letter)
            for audit in audits:
                if self._topics.audit is not None:
                    self._produce(self._topics.audit, audit, self.producer)
                else:
                    self._trouble.note(f"audit event {audit.decode()}")
        except KafkaException as error:
            raise FlowError(f"the output cannot be written: {error.args[0].str()}") from error
        self._serve(0)

    def _not_published(self, decisions: list[bytes]) -> list[bytes]:
        """Those that no earlier run has published."""
        if self._monotonic() > self._replayed_until_s:
            self._replayed.clear()
            return decisions
        kept = []
        for decision in decisions:
            id_ = _id_of(decision)
            if id_ is None or id_ not in self._replayed:
                kept.append(decision)
                continue
            self._replayed[id_] -= 1
            if not self._replayed[id_]:
                del self._replayed[id_]
        return kept

    def _produce(self, topic: str, value: bytes, producer: Producer) -> None:
        while True:
            try:
                producer.produce(topic, value)
            except BufferError:
                if self._stop.requested:
                    raise FlowError(
                        f"stopped while {self._under_way:,} decisions waited for Kafka to take them; their events"
                        " are not committed and will be decided again by the next run"
                    ) from None
                self._serve(WAIT_S)
            else:
                return

    def _produce_dead_letter(self, letter: bytes) -> None:
        """Cuts the original until the record is small enough to be sent."""
        while True:
            try:
                self._produce(self._topics.dead_letters, letter, self.producer)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise
                letter = _with_half_the_original(letter)
            else:
                return

    def settle(self, timeout_s: float) -> bool:
        deadline_s = self._monotonic() + timeout_s
        self._serve(0)
        while self._under_way or self._failed:
            if self._monotonic() >= deadline_s:
                return False
            self._serve(WAIT_S)
        return True

    @property
    def _under_way(self) -> int:
        """Records that the broker has not taken yet."""
        return len(self.producer) + len(self._bulk)

    def mark(self, at_ms: int) -> Delivered:
        """A topic is read back by time: from where this run read it back, as long as it waits for what it found."""
        is_waiting = bool(self._replayed) and self._monotonic() <= self._replayed_until_s
        return Delivered(self._found_since_ms if is_waiting else at_ms, {})

    def _serve(self, timeout_s: float) -> None:
        """Lets librdkafka report, and sends again what failed."""
        waiting, other = (self._bulk, self.producer) if len(self._bulk) else (self.producer, self._bulk)
        other.poll(0)
        waiting.poll(timeout_s)
        if self._trouble.fatal is not None:
            raise FlowError(f"Kafka does not let this producer go on: {self._trouble.fatal}")
        if self._failed and self._monotonic() >= self._retry_from_s:
            failed, self._failed = self._failed, []
            for message in failed:
                self._send_again(message)

    def _on_failure(self, error: KafkaError | None, message: Message) -> None:
        """An exception raised here would go astray, so this only takes note."""
        if error is not None and error.name() in ("_PURGE_QUEUE", "_PURGE_INFLIGHT"):
            return
        self._failed.append(message)
        if error is not None and error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            self._retry_from_s = self._monotonic() + RETRY_AFTER_S
            self._trouble.tell(f"topic `{message.topic()}` did not take a record: {error.str()}")

    def _send_again(self, message: Message) -> None:
        error, topic, value = message.error(), message.topic() or "", message.value() or b""
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            if topic != self._topics.dead_letters:
                raise FlowError(
                    f"topic `{topic}` does not take records of {len(value):,} bytes: raise its max.message.bytes, or"
                    " lower producer.batch.size"
                )
            self._produce_dead_letter(_with_half_the_original(value))
        else:
            self._produce(topic, value, self.producer)

    def close(self) -> None:
        """Gives up what is still under way; `settle` has told whether anything is."""
        for producer in (self.producer, self._bulk):
            producer.purge()
            producer.poll(0)


class _Published(msgspec.Struct):
    transaction_id: str
    timestamp: int
    duplicate: bool = False


_decode_published = msgspec.json.Decoder(_Published).decode


def _id_of(decision: bytes) -> tuple[str, int] | None:
    """Whose first decision this is, by id and time: events of several types may share an id.

    None for the answer to a repetition, and for what riskgate did not write.
    """
    try:
        published = _decode_published(decision)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return None if published.duplicate else (published.transaction_id, published.timestamp)


def _missing(wanted: Iterable[bytes], found: Counter[bytes]) -> list[bytes]:
    """What is wanted and was not found; the others are taken out of what was found."""
    missing = []
    for each in wanted:
        if found[each] > 0:
            found[each] -= 1
        else:
            missing.append(each)
    return missing


def _with_half_the_original(letter: bytes) -> bytes:
    """The encoded dead letter with half as much of the original. Raises FlowError when there is nothing left to cut."""
    fields = msgspec.json.decode(letter)
    kept = len(fields["original"]) // (2 * _BASE64_GROUP) * _BASE64_GROUP
    if kept == 0:
        raise FlowError(
            f"the topic of dead letters does not even take {len(letter):,} bytes: raise its max.message.bytes"
        )
    fields["original"] = fields["original"][:kept]
    return msgspec.json.encode(fields)
