"""Members of a group in threads of this process, with the simplest judge; what they read and wrote."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from flows import Decider, FlowError, Judge, Recall, Stop, Tally, run
from flows.kafka import KafkaSink, KafkaSource, Topics, Trouble, await_topics, read_settings
from stores import MemoryStore
from support.judges import AllowAll
from support.services import wait_until
from support.streams import NOW_MS, decoded

DEADLINE_S = 30


class Gate:
    """One member of a group that decides what is in a topic, in a thread of its own."""

    def __init__(
        self,
        bootstrap: str,
        topics: tuple[str, str, str],
        group: str,
        config: tuple[str, ...] = (),
        judge: Judge | None = None,
    ) -> None:
        self.stop, self.tally, self.notes, self.errors = Stop(), Tally(), list[str](), list[FlowError]()
        self._bootstrap, self._topics, self._group, self._settings = bootstrap, topics, group, read_settings(config)
        self._judge = AllowAll() if judge is None else judge
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        in_topic, out_topic, dead_topic = self._topics
        trouble = Trouble(self._bootstrap, self.notes.append, str)
        try:
            sink = KafkaSink(self._bootstrap, Topics(out_topic, dead_topic), self._settings, trouble, self.stop)
            admin = self._settings.of_admin(self._bootstrap)
            if await_topics(sink.producer, in_topic, (out_topic, dead_topic), admin, trouble, self.stop):
                source = KafkaSource(self._bootstrap, in_topic, self._group, self._settings, sink.settle, trouble)
                source.begin({})
                recall = Recall(MemoryStore(), {}, lambda: NOW_MS, self.notes.append, self.tally)
                run(source, Decider(self._judge, {}, self.tally, recall), sink, self.stop)
        except FlowError as error:
            self.errors.append(error)

    def end(self) -> None:
        self.stop.request()
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


def noted(gate: Gate, text: str) -> Callable[[], bool]:
    return lambda: any(text in note for note in gate.notes)


@contextmanager
def running(*gates: Gate) -> Iterator[None]:
    for gate in gates:
        gate.thread.start()
    try:
        yield
    finally:
        for gate in gates:
            gate.end()


def send(bootstrap: str, topic: str, *values: bytes | None) -> None:
    """Produces to four partitions in turn."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 10_000_000, "enable.idempotence": True})
    for at, value in enumerate(values):
        producer.produce(topic, value, partition=at % 4)
    assert producer.flush(DEADLINE_S) == 0


def records(bootstrap: str, topic: str, partitions: int, count: int) -> list[Message]:
    """Waits for that many records and takes whatever else is there."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    taken: list[Message] = []

    def enough() -> bool:
        taken.extend(message for message in consumer.consume(10_000, 0.1) if message.error() is None)
        return len(taken) >= count

    wait_until(enough, DEADLINE_S, f"{count} records in {topic}, got {len(taken)}")
    taken.extend(message for message in consumer.consume(10_000, 0.3) if message.error() is None)
    consumer.close()
    return taken


def decided(bootstrap: str, topic: str, count: int) -> list[str]:
    """The sorted ids of at least that many decisions in a topic of two partitions."""
    return sorted(decoded(message.value() or b"").transaction_id for message in records(bootstrap, topic, 2, count))


def committed(bootstrap: str, topic: str, group: str) -> dict[int, int]:
    """The group's offset in each of four partitions."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    places = consumer.committed([TopicPartition(topic, partition) for partition in range(4)], timeout=DEADLINE_S)
    consumer.close()
    return {place.partition: max(place.offset, 0) for place in places}
