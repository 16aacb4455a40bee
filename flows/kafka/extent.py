"""All that a topic holds now, read once and by no group: its records in the order of their timestamps."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import islice
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from flows.kafka.settings import Settings, log
from flows.kafka.trouble import sentence_of
from flows.lifecycle import FlowError

ASK_TIMEOUT_S = 10.0
STALL_S = 60.0
"""Nothing came for so long although the topic has more."""

POLL_S = 0.25
READ_MAX = 4_096
HELD_MAX = 32_768
"""A partition with more records held back waits until the others have come as far in time."""

BLOCK_RECORDS = 8_192


class Block(NamedTuple):
    """Some of the records: each has a value, when it came in epoch milliseconds, its partition and its offset there.

    `share` is how much has been read, from 0 to 1.
    """

    values: list[bytes]
    arrived_ms: list[int]
    partitions: list[int]
    offsets: list[int]
    share: float


class Extent:
    """The records of a topic from an offset on, or from the first, up to where each partition ends when this is made.

    Of several partitions, the record with the earlier timestamp comes first, and each partition keeps its own order:
    records come in the same order whenever they are read. Raises FlowError where the topic cannot be read.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        settings: Settings,
        from_offset: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topic, self._bootstrap = topic, bootstrap
        self._blot = settings.without_secrets
        self._monotonic = monotonic
        self._reason = ""
        self._held: dict[int, deque[Message]] = {}
        self._paused: set[int] = set()
        configuration = {**settings.of_extent(bootstrap), "error_cb": self._on_error, "logger": log()}
        try:
            self._consumer = Consumer(configuration)
        except (KafkaException, ValueError, TypeError) as error:
            raise FlowError(self._blot(f"the consumer cannot be set up: {sentence_of(error)}")) from None
        try:
            places = self._await_places(from_offset)
        except KafkaException as error:
            self._consumer.close()
            reason = self._reason or error.args[0].str()
            raise FlowError(self._blot(f"`{topic}` cannot be read from {bootstrap}: {reason}")) from None
        except FlowError:
            self._consumer.close()
            raise
        self._ends = {partition: end for partition, (_, end) in places.items()}
        self._total = sum(end - start for start, end in places.values())
        self._running = {partition for partition, (start, end) in places.items() if start < end}
        self._consumer.assign([TopicPartition(topic, partition, places[partition][0]) for partition in self._running])

    def _on_error(self, error: KafkaError) -> None:
        self._reason = error.str()

    def _await_places(self, from_offset: int | None) -> dict[int, tuple[int, int]]:
        """Asks again for a while: a partition may be about to get another leader."""
        deadline_s = self._monotonic() + ASK_TIMEOUT_S
        while True:
            try:
                return self._places(from_offset)
            except KafkaException:
                if self._monotonic() > deadline_s:
                    raise
                self._consumer.poll(POLL_S)

    def _places(self, from_offset: int | None) -> dict[int, tuple[int, int]]:
        """Where reading begins and ends in each partition."""
        known = self._consumer.list_topics(self._topic, timeout=ASK_TIMEOUT_S).topics[self._topic]
        if known.error is not None:
            raise FlowError(
                f"expected a topic to read, got `{self._topic}`, which the broker at {self._bootstrap} does not have "
                "or does not show"
            )
        places = {}
        for partition in sorted(known.partitions):
            place = TopicPartition(self._topic, partition)
            first, end = self._consumer.get_watermark_offsets(place, timeout=ASK_TIMEOUT_S)
            start = first if from_offset is None else from_offset
            if start < first:
                raise FlowError(
                    f"expected an offset from {first:,} on, where partition {partition} of `{self._topic}` begins, got "
                    f"{start:,}: what was before is not there any more; `earliest` takes all there is"
                )
            places[partition] = start, max(start, end)
        return places

    def blocks(self) -> Iterator[Block]:
        """All records, in order. Raises FlowError where the topic cannot be read on."""
        records, read = self._merged(), 0
        while some := list(islice(records, BLOCK_RECORDS)):
            read += len(some)
            yield Block(
                [each.value() or b"" for each in some],
                [each.timestamp()[1] for each in some],
                [each.partition() or 0 for each in some],
                [each.offset() or 0 for each in some],
                min(1.0, read / max(1, self._total)),
            )

    def _merged(self) -> Iterator[Message]:
        self._held = {partition: deque() for partition in self._running}
        latest = dict.fromkeys(self._running, 0)
        heads: list[tuple[int, int]] = []
        awaited = set(self._running)
        while heads or awaited:
            if awaited:
                self._read(awaited)
                for partition in sorted(awaited):
                    if self._held[partition]:
                        heappush(heads, self._head(partition, latest))
                awaited = {partition for partition in awaited & self._running if not self._held[partition]}
                continue
            _, partition = heappop(heads)
            yield self._held[partition].popleft()
            if self._held[partition]:
                heappush(heads, self._head(partition, latest))
            elif partition in self._running:
                awaited.add(partition)

    def _head(self, partition: int, latest: dict[int, int]) -> tuple[int, int]:
        """What the next record of the partition is ordered by: its time, which never falls within a partition."""
        latest[partition] = max(latest[partition], self._held[partition][0].timestamp()[1])
        return latest[partition], partition

    def _read(self, awaited: set[int]) -> None:
        """Reads until something came of one of the partitions, or one of them has ended."""
        self._let_run(awaited)
        stalled_from_s = self._monotonic()
        while not any(self._held[partition] for partition in awaited) and awaited <= self._running:
            first = self._consumer.poll(POLL_S)
            if first is not None:
                self._take([first, *self._consumer.consume(READ_MAX - 1, 0)])
                stalled_from_s = self._monotonic()
            elif self._monotonic() - stalled_from_s > STALL_S:
                reason = self._reason or f"nothing came within {STALL_S:.0f} s although there is more"
                raise FlowError(self._blot(f"`{self._topic}` cannot be read on from {self._bootstrap}: {reason}"))

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            partition, error = message.partition() or 0, message.error()
            if error is not None:
                if error.name() != "_PARTITION_EOF":
                    raise FlowError(self._blot(f"`{self._topic}` cannot be read on: {error.str()}"))
                self._running.discard(partition)
            elif partition in self._running:
                offset = message.offset() or 0
                if offset < self._ends[partition]:
                    self._held[partition].append(message)
                if offset + 1 >= self._ends[partition]:
                    self._running.discard(partition)
        ahead = {partition for partition, held in self._held.items() if len(held) > HELD_MAX}
        self._pause((ahead | self._held.keys() - self._running) - self._paused)

    def _pause(self, partitions: set[int]) -> None:
        if partitions:
            self._consumer.pause([TopicPartition(self._topic, partition) for partition in partitions])
            self._paused |= partitions

    def _let_run(self, partitions: set[int]) -> None:
        waiting = partitions & self._paused
        if waiting:
            self._consumer.resume([TopicPartition(self._topic, partition) for partition in waiting])
            self._paused -= waiting

    def close(self) -> None:
        self._consumer.close()
