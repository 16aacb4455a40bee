"""A broker in memory, with a producer and a consumer that the real source and sink take for librdkafka's.

Deliveries take their time, are refused, wait for a broker that is away; a process that crashes leaves some under way,
which arrive or not. The broker itself never loses what it has taken.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

import flows.kafka.readback
import flows.kafka.sink
import flows.kafka.source
from support.fate import Clock, Fate, Trace

QUEUE_MAX = 50
"""How many records a producer holds; far less than librdkafka, so that it is full now and then."""


class Message:
    """A record on its way or in its place."""

    def __init__(self, topic: str, partition: int, offset: int, value: bytes, timestamp_ms: int) -> None:
        self._topic, self._partition, self._offset = topic, partition, offset
        self._value, self._timestamp_ms = value, timestamp_ms
        self.refusal: KafkaError | None = None
        self.due_s = 0.0

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value

    def timestamp(self) -> tuple[int, int]:
        return 1, self._timestamp_ms

    def error(self) -> KafkaError | None:
        return self.refusal


class Broker:
    """Topics as lists of records by partition, and the offsets that groups committed."""

    def __init__(self, draw: random.Random, clock: Clock, trace: Trace, topics: Mapping[str, int]) -> None:
        self.draw, self.clock, self.trace = draw, clock, trace
        self.topics: dict[str, list[list[Message]]] = {
            topic: [[] for _ in range(partitions)] for topic, partitions in topics.items()
        }
        self.committed: dict[tuple[str, str, int], int] = {}
        self.coming: list[tuple[str, int, bytes, int]] = []
        """Records that others will produce, in order: topic, partition, value, time in epoch milliseconds."""
        self.fate: Fate
        self.away_until_s = 0.0
        self.troubled = False
        """Whether it goes away now and then, and refuses records."""
        self._producers: list[Producer] = []

    def replacements(self) -> list[tuple[Any, str, Any]]:
        """What stands for librdkafka in the modules that use it."""
        return [
            (flows.kafka.sink, "Producer", self._producer),
            (flows.kafka.source, "Consumer", lambda configuration: Consumer(self, configuration)),
            (flows.kafka.source, "Message", Message),
            (flows.kafka.readback, "Consumer", lambda configuration: Consumer(self, configuration)),
        ]

    def _producer(self, configuration: Mapping[str, Any]) -> "Producer":
        self._producers.append(Producer(self, configuration))
        return self._producers[-1]

    @property
    def is_away(self) -> bool:
        if self.troubled and self.clock.monotonic() >= self.away_until_s and self.draw.random() < 0.01:
            self.away_until_s = self.clock.monotonic() + self.draw.choice((0.5, 2.0, 8.0))
            self.trace.note("broker away until", self.away_until_s)
        return self.clock.monotonic() < self.away_until_s

    def take(self, message: Message) -> None:
        partition = self.topics[message.topic()][message.partition()]
        partition.append(
            Message(message.topic(), message.partition(), len(partition), message.value(), message.timestamp()[1])
        )
        self.trace.note("landed", message.topic(), message.partition(), message.value().hex()[:600])

    def let_come(self, count: int) -> None:
        """Others produce some records."""
        come, self.coming = self.coming[:count], self.coming[count:]
        for topic, partition, value, at_ms in come:
            self.clock.reach_ms(at_ms)
            self.take(Message(topic, partition, 0, value, self.clock.now_ms()))

    def values(self, topic: str) -> list[bytes]:
        return [message.value() for partition in self.topics[topic] for message in partition]

    def end_process(self) -> None:
        """What its producers had under way arrives or not, each partition's in order."""
        for producer in self._producers:
            cut: set[tuple[str, int]] = set()
            under_way, producer.under_way = producer.under_way, []
            for message in under_way:
                place = message.topic(), message.partition()
                if self.draw.random() < 0.3:
                    cut.add(place)
                if place not in cut:
                    self.take(message)
        self._producers.clear()


class Producer:
    """Holds records until they are due; only failures are reported."""

    def __init__(self, broker: Broker, configuration: Mapping[str, Any]) -> None:
        self._broker = broker
        self._on_delivery: Callable[[KafkaError | None, Message], None] = configuration["on_delivery"]
        self.under_way: list[Message] = []

    def __len__(self) -> int:
        return len(self.under_way)

    def produce(self, topic: str, value: bytes) -> None:
        broker = self._broker
        broker.fate.pass_by("produce", topic, len(value))
        if len(self.under_way) >= QUEUE_MAX:
            raise BufferError("queue full")
        partition = broker.draw.randrange(len(broker.topics[topic]))
        message = Message(topic, partition, 0, value, broker.clock.now_ms())
        message.due_s = broker.clock.monotonic() + broker.draw.choice((0.0, 0.0, 0.005, 0.1, 1.5))
        if broker.troubled and broker.draw.random() < 0.03:
            message.refusal = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "refused")
        self.under_way.append(message)

    def poll(self, timeout_s: float) -> None:
        broker = self._broker
        broker.fate.pass_by("serve")
        broker.clock.pass_s(broker.draw.uniform(0, timeout_s))
        if broker.is_away:
            return
        blocked: set[tuple[str, int]] = set()
        for message in list(self.under_way):
            place = message.topic(), message.partition()
            if message.due_s > broker.clock.monotonic() or place in blocked:
                blocked.add(place)
                continue
            self.under_way.remove(message)
            if message.refusal is not None:
                self._on_delivery(message.refusal, message)
            else:
                broker.take(message)

    def purge(self) -> None:
        """What is under way may have arrived already."""
        self._broker.end_process()


class Consumer:
    """Reads the partitions that it assigned, or all that it is given when it subscribed."""

    def __init__(self, broker: Broker, configuration: Mapping[str, Any]) -> None:
        self._broker = broker
        self._group: str = configuration["group.id"]
        self._on_commit = configuration.get("on_commit")
        self._positions: dict[tuple[str, int], int] = {}
        self._paused: set[tuple[str, int]] = set()
        self._to_assign: Callable[[], None] | None = None
        self._to_report: list[Callable[[], None]] = []

    def subscribe(self, topics: Sequence[str], on_assign: Callable[..., None], **_: object) -> None:
        places = [
            TopicPartition(topic, partition) for topic in topics for partition in range(len(self._broker.topics[topic]))
        ]

        def assign() -> None:
            self.assign(self.committed(places))
            on_assign(self, places)

        self._to_assign = assign

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self._positions = {(place.topic, place.partition): max(place.offset, 0) for place in places}

    def _serve(self, timeout_s: float) -> None:
        self._broker.fate.pass_by("read")
        self._broker.clock.pass_s(self._broker.draw.uniform(0, timeout_s))
        if self._to_assign is not None:
            assign, self._to_assign = self._to_assign, None
            assign()
        reports, self._to_report = self._to_report, []
        for report in reports:
            report()

    def poll(self, timeout_s: float) -> Message | None:
        self._serve(timeout_s)
        if self._broker.draw.random() < 0.7:
            self._broker.let_come(self._broker.draw.choice((0, 1, 1, 3, 20, 60)))
        taken = self._take(1)
        return taken[0] if taken else None

    def consume(self, count: int, timeout_s: float) -> list[Message]:
        if timeout_s:
            self._serve(timeout_s)
        return self._take(min(count, self._broker.draw.choice((0, 2, 10, 40))))

    def _take(self, count: int) -> list[Message]:
        """Runs of some partitions."""
        if self._broker.is_away:
            return []
        taken: list[Message] = []
        places = sorted(self._positions.keys() - self._paused)
        self._broker.draw.shuffle(places)
        for topic, partition in places:
            at = self._positions[topic, partition]
            run = self._broker.topics[topic][partition][at : at + count - len(taken)]
            self._positions[topic, partition] = at + len(run)
            taken += run
        return taken

    def position(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(at.topic, at.partition, self._positions[at.topic, at.partition]) for at in places]

    def pause(self, places: Sequence[TopicPartition]) -> None:
        self._paused |= {(place.topic, place.partition) for place in places}

    def resume(self, places: Sequence[TopicPartition]) -> None:
        self._paused -= {(place.topic, place.partition) for place in places}

    def get_watermark_offsets(self, place: TopicPartition, **_: object) -> tuple[int, int]:
        return 0, len(self._broker.topics[place.topic][place.partition])

    def offsets_for_times(self, places: Sequence[TopicPartition], **_: object) -> list[TopicPartition]:
        found = []
        for place in places:
            records = self._broker.topics[place.topic][place.partition]
            offsets = [record.offset() for record in records if record.timestamp()[1] >= place.offset]
            found.append(TopicPartition(place.topic, place.partition, min(offsets, default=-1)))
        return found

    def list_topics(self, topic: str, **_: object) -> SimpleNamespace:
        partitions = dict.fromkeys(range(len(self._broker.topics[topic])))
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=partitions)})

    def committed(self, places: Sequence[TopicPartition], **_: object) -> list[TopicPartition]:
        return [
            TopicPartition(
                at.topic, at.partition, self._broker.committed.get((self._group, at.topic, at.partition), -1001)
            )
            for at in places
        ]

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        self._broker.fate.pass_by("commit")
        for at in offsets:
            self._broker.committed[self._group, at.topic, at.partition] = at.offset
            self._broker.trace.note("committed", at.topic, at.partition, at.offset)
        if asynchronous and self._on_commit is not None:
            self._to_report.append(partial(self._on_commit, None, list(offsets)))

    def close(self) -> None:
        """There is nothing to let go of."""
