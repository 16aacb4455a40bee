"""Events from a topic: one consumer, a member of a group, for all the partitions it is given."""

import time
from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, Message, TopicPartition

from flows.batches import Arrival, Reached
from flows.kafka.alignment import Alignment
from flows.kafka.settings import Settings, log
from flows.kafka.trouble import Trouble, sentence_of
from flows.lifecycle import FlowError
from schemas import Place, TopicPlace

BATCH_EVENTS_MAX = 1_024
SILENCE_S = 0.25
"""For so long a partition that brings nothing may hold the others back."""

MARKERS = 1
"""How many offsets at the end of a partition may bring no record: a transaction ends with a marker of its own."""

LOOK_EVERY_S = 60.0
"""How often it is looked whether a topic has more partitions."""

COMMIT_TIMEOUT_S = 3.0
WATERMARK_TIMEOUT_S = 1.0
SETTLE_S = 3.0


def now_ms() -> int:
    """The clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Share(NamedTuple):
    """Every partition whose number leaves `remainder` when divided by `parts`."""

    remainder: int
    parts: int


class KafkaSource:
    """Takes what has come and commits what was acknowledged. Raises FlowError when it cannot be set up.

    `settle` waits, for at most so many seconds, until everything taken is delivered; it is called before partitions are
    handed to another member. `instance` names this member of the group across restarts, so that it finds its partitions
    again at once. With a `share` the source is no member: it reads each partition that falls to it, and nobody moves
    them.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        group: str,
        settings: Settings,
        settle: Callable[[float], bool],
        trouble: Trouble,
        instance: str | None = None,
        now_ms: Callable[[], int] = now_ms,
        monotonic: Callable[[], float] = time.monotonic,
        share: Share | None = None,
    ) -> None:
        self._settle = settle
        self._now_ms = now_ms
        self._reached: dict[int, int] = {}
        self._share = share
        self._shared_s = float("-inf")
        self._taken_from: dict[int, int] = {}
        self._listened_from_s: float | None = None
        """Since when nothing was found, if so it is."""
        self._incremental = settings.assigns_incrementally
        self._trouble = trouble
        self._topic = topic
        self._monotonic = monotonic
        self._alignment: Alignment[Message] = Alignment()
        self._read_to: dict[int, int] = {}
        self._paused: set[int] = set()
        self._asked: set[int] = set()
        self._silent_s: dict[int, float] = {}
        self._ready: list[Message] = []
        self._cut = 0
        self._acknowledged: dict[int, int] = {}
        self._committed: list[TopicPartition] = []
        self._commit_under_way = False
        self._commit_problem: str | None = None
        self._closing = False
        configuration = {
            **settings.of_consumer(bootstrap, group, instance),
            "error_cb": trouble.on_error,
            "on_commit": self._on_commit,
            "logger": log(),
        }
        try:
            self._consumer = Consumer(configuration)
        except (KafkaException, ValueError, TypeError) as error:
            raise FlowError(settings.without_secrets(f"the consumer cannot be set up: {sentence_of(error)}")) from None

    def begin(self, reached: Reached) -> None:
        self._reached = self._numbered(reached)
        if self._share is None:
            self._consumer.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )

    def _numbered(self, reached: Reached) -> dict[int, int]:
        """The offsets of this topic, by partition."""
        own = f"{self._topic}/"
        return {int(part.removeprefix(own)): offset for part, offset in reached.items() if part.startswith(own)}

    def take(self, patience_s: float) -> Arrival:
        if self._share is not None:
            self._take_share(self._share)
        if self._cut == len(self._ready):
            self._ready, self._cut = self._next_records(patience_s), 0
        messages = self._ready[self._cut : self._cut + BATCH_EVENTS_MAX]
        if not messages:
            return Arrival((), _nowhere)
        self._cut += len(messages)
        for partition in self._read_to.keys() - self._taken_from.keys():
            first = next((each for each in messages if each.partition() == partition), None)
            if first is not None:
                self._taken_from[partition] = first.offset() or 0
        raws = [message.value() or b"" for message in messages]

        def place_of(index: int) -> Place:
            message = messages[index]
            return TopicPlace(message.topic() or "", message.partition() or 0, message.offset() or 0)

        return Arrival(raws, place_of, reached=self._reached_by(messages), arrived_ms=self._now_ms())

    def _reached_by(self, messages: list[Message]) -> Reached:
        """The offset behind the last message of each partition."""
        wanted = len(self._read_to)
        reached: dict[int, int] = {}
        for message in reversed(messages):
            partition = message.partition() or 0
            if partition not in reached:
                reached[partition] = (message.offset() or 0) + 1
                if len(reached) >= wanted:
                    break
        self._reached |= reached
        return {f"{self._topic}/{partition}": offset for partition, offset in reached.items()}

    def _take_share(self, share: Share) -> None:
        """Takes what falls to this one of the topic's partitions, and looks now and then whether there are more."""
        now_s = self._monotonic()
        if now_s - self._shared_s < LOOK_EVERY_S:
            return
        try:
            known = self._consumer.list_topics(self._topic, timeout=WATERMARK_TIMEOUT_S).topics[self._topic].partitions
        except KafkaException as error:
            self._trouble.tell(f"the partitions of `{self._topic}` cannot be seen: {error.args[0].str()}")
            return
        self._shared_s = now_s
        own = [number for number in sorted(known) if number % share.parts == share.remainder]
        fresh = [TopicPartition(self._topic, number) for number in own if not self._alignment.is_open(number)]
        if fresh:
            for place in fresh:
                self._alignment.open(place.partition)
            self._begin_behind(self._consumer, fresh)

    def _next_records(self, patience_s: float) -> list[Message]:
        """Reads until the alignment gives something away, or nothing comes for a moment."""
        listened_from_s = self._monotonic() if self._listened_from_s is None else self._listened_from_s
        while True:
            first = self._consumer.poll(patience_s)
            if self._trouble.fatal is not None:
                raise FlowError(f"Kafka does not let this consumer go on: {self._trouble.fatal}")
            if first is not None:
                self._align([first, *self._consumer.consume(BATCH_EVENTS_MAX - 1, 0)])
            now_s = self._monotonic()
            self._end_partitions(now_s - listened_from_s)
            listened_from_s = now_s
            self._regulate()
            records = self._alignment.release()
            if records or first is None:
                self._listened_from_s = None if records else now_s
                return records

    def _align(self, messages: list[Message]) -> None:
        if any(map(Message.error, messages)):
            messages = self._without_errors(messages)
        else:
            self._trouble.over()
        for partition, run in groupby(messages, key=Message.partition):
            records = list(run)
            if self._alignment.add(partition or 0, [record.timestamp()[1] for record in records], records):
                self._read_to[partition or 0] = (records[-1].offset() or 0) + 1

    def _end_partitions(self, listened_s: float) -> None:
        """Those of which all has been read, and those that have held the others back for too long."""
        for partition in self._alignment.running():
            if self._at_end(partition):
                self._alignment.end(partition)
        before_s = self._silent_s
        self._silent_s = {
            partition: before_s[partition] + listened_s if partition in before_s else 0.0
            for partition in self._alignment.silent()
        }
        for partition, silent_s in self._silent_s.items():
            if silent_s >= SILENCE_S:
                self._alignment.end(partition)

    def _at_end(self, partition: int) -> bool:
        """Whether all of the partition that the broker told of has been read."""
        read_to = self._read_to.get(partition)
        if read_to is None:
            return self._is_empty(partition)
        _, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        return bool(read_to <= high <= read_to + MARKERS)

    def _is_empty(self, partition: int) -> bool:
        """Asks the broker once: before the first answer with records, librdkafka may take any partition for empty."""
        if partition in self._asked:
            return False
        self._asked.add(partition)
        place = TopicPartition(self._topic, partition)
        try:
            low, high = self._consumer.get_watermark_offsets(place, timeout=WATERMARK_TIMEOUT_S)
        except KafkaException:
            return False
        return bool(low == high)

    def _regulate(self) -> None:
        """Lets partitions that are far ahead of the others wait."""
        ahead = [partition for partition in self._alignment.ahead() if partition not in self._paused]
        if ahead:
            self._consumer.pause([TopicPartition(self._topic, partition) for partition in ahead])
            self._paused.update(ahead)
        if self._paused:
            behind = self._paused.intersection(self._alignment.behind())
            if behind:
                self._consumer.resume([TopicPartition(self._topic, partition) for partition in behind])
                self._paused -= behind

    def _without_errors(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            error = message.error()
            if error is not None:
                self._trouble.tell(f"reading is interrupted: {error.str()}")
        return [message for message in messages if message.error() is None]

    def _positions(self) -> list[TopicPartition]:
        """Behind the last event taken from each partition; all of them have been written when this is asked."""
        waiting: dict[int, int] = {}
        for message in reversed(self._ready[self._cut :]):
            waiting[message.partition() or 0] = message.offset() or 0
        positions = []
        for partition, end in self._read_to.items():
            held = self._alignment.first_held(partition)
            offset = waiting.get(partition, end if held is None else held.offset() or 0)
            positions.append(TopicPartition(self._topic, partition, offset))
        return positions

    def acknowledge(self, reached: Reached) -> None:
        """Commits in the background; what fails is tried again at the next call."""
        self._acknowledged |= self._numbered(reached)
        positions = [
            TopicPartition(self._topic, partition, offset)
            for partition, offset in self._acknowledged.items()
            if offset > self._taken_from.get(partition, offset)
        ]
        if positions and not self._commit_under_way and _offsets(positions) != _offsets(self._committed):
            self._commit_under_way = True
            self._committed = positions
            self._consumer.commit(offsets=positions, asynchronous=True)

    def _on_commit(self, error: object, _partitions: list[TopicPartition]) -> None:
        self._commit_under_way = False
        self._commit_problem = None if error is None else str(error)
        if error is not None:
            self._committed = []

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for given in partitions:
            self._alignment.open(given.partition)
        if any(given.partition in self._reached for given in partitions):
            self._begin_behind(consumer, partitions)

    def _begin_behind(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Begins where this one has read to by its state or in this life, unless others have gone on from there.

        Offsets cannot be committed while the broker is away, nor any more once it has given the partitions to others.
        """
        try:
            committed = consumer.committed(partitions, timeout=COMMIT_TIMEOUT_S)
        except KafkaException as error:
            self._trouble.tell(f"the committed offsets cannot be read: {error.args[0].str()}")
            committed = partitions
        else:
            # What was read before and could not be committed is committed once it is acknowledged.
            self._taken_from |= {place.partition: place.offset for place in committed}
        places = []
        for place in committed:
            reached = self._reached.get(place.partition, OFFSET_STORED)
            places.append(TopicPartition(place.topic, place.partition, max(reached, place.offset)))
        assign = consumer.incremental_assign if self._incremental or self._share is not None else consumer.assign
        assign(places)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            return
        offsets = _those_of(self._positions(), partitions)
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
        gone = {partition.partition for partition in partitions}
        for partition in gone:
            self._alignment.close(partition)
            self._read_to.pop(partition, None)
            self._taken_from.pop(partition, None)
            self._acknowledged.pop(partition, None)
            self._asked.discard(partition)
        waiting = self._paused & gone
        if waiting:
            # librdkafka would keep it paused if it came back to this member.
            self._consumer.resume([TopicPartition(self._topic, partition) for partition in waiting])
            self._paused -= waiting
        self._ready = [message for message in self._ready[self._cut :] if message.partition() not in gone]
        self._cut = 0

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
