"""Decisions and dead letters to their topics."""

import time
from collections.abc import Callable

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from flows.batches import Verdicts
from flows.kafka.settings import Settings, log
from flows.kafka.trouble import Trouble, sentence_of
from flows.lifecycle import FlowError, Stop

WAIT_S = 0.05
RETRY_AFTER_S = 1.0

_BASE64_GROUP = 4


class KafkaSink:
    """Produces without waiting for more to come. What a broker refuses is sent again until it is taken.

    Only failed deliveries are reported one by one: when nothing is under way and nothing failed, all is delivered.
    Records have no key: the decision names its transaction, and a batch that stays together costs less.
    """

    def __init__(
        self,
        bootstrap: str,
        decisions_topic: str,
        dead_letters_topic: str,
        settings: Settings,
        trouble: Trouble,
        stop: Stop,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decisions_topic = decisions_topic
        self._dead_letters_topic = dead_letters_topic
        self._trouble = trouble
        self._stop = stop
        self._monotonic = monotonic
        self._failed: list[Message] = []
        self._retry_from_s = float("-inf")
        configuration = {
            **settings.of_producer(bootstrap),
            "error_cb": trouble.on_error,
            "on_delivery": self._on_failure,
            "logger": log(),
        }
        try:
            self.producer = Producer(configuration)
        except (KafkaException, ValueError, TypeError) as error:
            raise FlowError(settings.without_secrets(f"the producer cannot be set up: {sentence_of(error)}")) from None

    def write(self, verdicts: Verdicts) -> None:
        produce, topic = self.producer.produce, self._decisions_topic
        try:
            for decision in verdicts.decisions:
                try:
                    produce(topic, decision)
                except BufferError:
                    self._produce(topic, decision)
            for letter in verdicts.dead_letters:
                self._produce_dead_letter(msgspec.json.encode(letter))
        except KafkaException as error:
            raise FlowError(f"the output cannot be written: {error.args[0].str()}") from error
        self._serve(0)

    def _produce(self, topic: str, value: bytes) -> None:
        while True:
            try:
                self.producer.produce(topic, value)
            except BufferError:
                if self._stop.requested:
                    raise FlowError(
                        f"stopped while {len(self.producer):,} decisions waited for Kafka to take them; their events"
                        " are not committed and will be decided again by the next run"
                    ) from None
                self._serve(WAIT_S)
            else:
                return

    def _produce_dead_letter(self, letter: bytes) -> None:
        """Cuts the original until the record is small enough to be sent."""
        while True:
            try:
                self._produce(self._dead_letters_topic, letter)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise
                letter = _with_half_the_original(letter)
            else:
                return

    def settle(self, timeout_s: float) -> bool:
        deadline_s = self._monotonic() + timeout_s
        self._serve(0)
        while len(self.producer) or self._failed:
            if self._monotonic() >= deadline_s:
                return False
            self._serve(WAIT_S)
        return True

    def _serve(self, timeout_s: float) -> None:
        """Lets librdkafka report, and sends again what failed."""
        self.producer.poll(timeout_s)
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
            if topic != self._dead_letters_topic:
                raise FlowError(
                    f"topic `{topic}` does not take records of {len(value):,} bytes: raise its max.message.bytes, or"
                    " lower producer.batch.size"
                )
            self._produce_dead_letter(_with_half_the_original(value))
        else:
            self._produce(topic, value)

    def close(self) -> None:
        """Gives up what is still under way; `settle` has told whether anything is."""
        self.producer.purge()
        self.producer.poll(0)


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
