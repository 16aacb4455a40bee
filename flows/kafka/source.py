"""Events from a topic: one consumer, a member of a group, for all the partitions it is given."""

import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from flows.batches import Arrival
from flows.kafka.settings import Settings, log
from flows.kafka.trouble import Trouble
from flows.lifecycle import FlowError
from schemas import Place, TopicPlace

BATCH_EVENTS_MAX = 1_024
IDLE_S = 0.1
COMMIT_TIMEOUT_S = 3.0
SETTLE_S = 3.0


class KafkaSource:
    """Takes what has come and commits what was acknowledged. Raises FlowError when it cannot be set up.

    `settle` waits, for at most so many seconds, until everything taken is delivered; it is called before partitions are
    handed to another member.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        group: str,
        settings: Settings,
        settle: Callable[[float], bool],
        trouble: Trouble,
    ) -> None:
        self._settle = settle
        self._trouble = trouble
        self._assigned: list[TopicPartition] = []
        self._delivered: list[TopicPartition] = []
        self._committed: list[TopicPartition] = []
        self._commit_under_way = False
        self._commit_problem: str | None = None
        self._closing = False
        configuration = {
            **settings.of_consumer(bootstrap, group),
            "error_cb": trouble.on_error,
            "on_commit": self._on_commit,
            "logger": log(),
        }
        try:
            self._consumer = Consumer(configuration)
        except (KafkaException, ValueError, TypeError) as error:
            raise FlowError(settings.without_secrets(f"the consumer cannot be set up: {error}")) from None
        self._consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)

    def take(self) -> Arrival:
        self._delivered = self._positions()
        first = self._consumer.poll(IDLE_S)
        if self._trouble.fatal is not None:
            raise FlowError(f"Kafka does not let this consumer go on: {self._trouble.fatal}")
        if first is None:
            return Arrival((), _nowhere)
        messages = [first, *self._consumer.consume(BATCH_EVENTS_MAX - 1, 0)]
        if any(map(Message.error, messages)):
            messages = self._without_errors(messages)
        else:
            self._trouble.over()
        raws = [message.value() or b"" for message in messages]

        def place_of(index: int) -> Place:
            message = messages[index]
            return TopicPlace(message.topic() or "", message.partition() or 0, message.offset() or 0)

        return Arrival(raws, place_of)

    def _without_errors(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            error = message.error()
            if error is not None:
                self._trouble.tell(f"reading is interrupted: {error.str()}")
        return [message for message in messages if message.error() is None]

    def _positions(self) -> list[TopicPartition]:
        """Behind the last event taken from each partition; all of them have been written when this is asked."""
        if not self._assigned:
            return []
        return [at for at in self._consumer.position(self._assigned) if at.offset >= 0]

    def acknowledge(self) -> None:
        """Commits in the background; what fails is tried again at the next call."""
        self._delivered = self._positions()
        if self._delivered and not self._commit_under_way and _offsets(self._delivered) != _offsets(self._committed):
            self._commit_under_way = True
            self._committed = self._delivered
            self._consumer.commit(offsets=self._delivered, asynchronous=True)

    def _on_commit(self, error: object, _partitions: list[TopicPartition]) -> None:
        self._commit_under_way = False
        self._commit_problem = None if error is None else str(error)
        if error is not None:
            self._committed = []

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Keeps the partitions here: asking librdkafka for them would wait for another thread at each batch."""
        self._assigned += [TopicPartition(given.topic, given.partition) for given in partitions]

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            return
        offsets = _those_of(self._delivered, partitions)
        if offsets and self._settle(SETTLE_S):
            try:
                consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                self._trouble.tell(f"offsets could not be committed before a rebalance: {error.args[0].str()}")

        self._forget(partitions)

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Another member has them already: nothing of theirs can be committed any more."""
        self._forget(partitions)

    def _forget(self, partitions: list[TopicPartition]) -> None:
        for kept in (self._assigned, self._delivered):
            for gone in _those_of(kept, partitions):
                kept.remove(gone)

    def close(self) -> None:
        """Waits for the last commit under way."""
        deadline_s = time.monotonic() + COMMIT_TIMEOUT_S
        while self._commit_under_way and time.monotonic() < deadline_s:
            self._consumer.poll(0.01)
        self._closing = True
        self._consumer.close()
        if self._commit_under_way or self._commit_problem is not None:
            reason = self._commit_problem or f"no answer within {COMMIT_TIMEOUT_S:.0f} s"
            raise FlowError(f"the last offsets could not be committed ({reason}); their events will be decided again")


def _those_of(places: list[TopicPartition], partitions: list[TopicPartition]) -> list[TopicPartition]:
    wanted = {(partition.topic, partition.partition) for partition in partitions}
    return [place for place in places if (place.topic, place.partition) in wanted]


def _offsets(partitions: list[TopicPartition]) -> set[tuple[str, int, int]]:
    return {(at.topic, at.partition, at.offset) for at in partitions}


def _nowhere(_index: int) -> Place:
    raise LookupError
