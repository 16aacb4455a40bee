"""Topics of a real broker that live as long as a measurement, and filling them."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.workload import user_of

PARTITIONS = 4
ADMIN_TIMEOUT_S = 20
WARNINGS = 4
"""librdkafka's log level without its notes on topics that were deleted, which we do on purpose."""

_POLL_S = 0.05


class Broker:
    """The broker at `bootstrap`, with what every measurement needs of it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": WARNINGS})

    @contextmanager
    def topics(self, *stems: str) -> Iterator[list[str]]:
        """Fresh topics with names that begin with the stems, deleted in the end."""
        names = [f"bench-{stem}-{uuid4().hex[:8]}" for stem in stems]
        made = [NewTopic(name, num_partitions=PARTITIONS, replication_factor=1) for name in names]
        for done in self._admin.create_topics(made).values():
            done.result(ADMIN_TIMEOUT_S)
        try:
            self._await_leaders(names)
            yield names
        finally:
            for done in self._admin.delete_topics(names).values():
                done.result(ADMIN_TIMEOUT_S)

    def _await_leaders(self, names: list[str]) -> None:
        deadline_s = time.monotonic() + ADMIN_TIMEOUT_S
        while not all(self._is_led(name) for name in names):
            if time.monotonic() > deadline_s:
                raise SystemExit(f"the broker at {self.bootstrap} made topics without leaders: {', '.join(names)}")
            time.sleep(_POLL_S)

    def _is_led(self, name: str) -> bool:
        known = self._admin.list_topics(name, timeout=ADMIN_TIMEOUT_S).topics[name].partitions
        return len(known) == PARTITIONS and all(partition.leader >= 0 for partition in known.values())

    def fill(self, topic: str, lines: Iterable[bytes]) -> None:
        """Produces the lines as fast as the broker takes them, keyed by user."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "linger.ms": 20,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 100_000,
            }
        )
        for line in lines:
            while True:
                try:
                    producer.produce(topic, line, key=user_of(line))
                    break
                except BufferError:
                    producer.poll(_POLL_S)
            producer.poll(0)
        producer.flush()


class Counter:
    """How many records a topic has."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"bench-count-{uuid4().hex[:8]}"})
        self._partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def count(self) -> int:
        return sum(map(self._end, self._partitions))

    def _end(self, partition: TopicPartition) -> int:
        offsets = self._consumer.get_watermark_offsets(partition, timeout=ADMIN_TIMEOUT_S)
        if offsets is None:
            raise SystemExit(f"the broker did not say within {ADMIN_TIMEOUT_S} s where {partition.topic} ends")
        return int(offsets[1])

    def close(self) -> None:
        self._consumer.close()
