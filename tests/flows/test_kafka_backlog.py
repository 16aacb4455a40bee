"""Reading what has gathered in several partitions of a real broker: in order of time, and without loss."""

import signal
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from flows.kafka import KafkaSource, Trouble, read_settings
from flows.kafka.alignment import Alignment
from flows.pump import PATIENCE_S
from schemas import TopicPlace
from support.commands import ROOT, started
from support.gates import DEADLINE_S, Gate, committed, decided, running
from support.judges import Lingering
from support.services import Topics, wait_until
from support.streams import NOW_MS, payment

SPAN_MS = 36_000_000
SLOWLY = (
    "consumer.fetch.message.max.bytes=16384",
    "consumer.queued.min.messages=1",
    "consumer.fetch.queue.backoff.ms=50",
)
"""Settings by which a backlog is read in small portions, with a pause after each."""


def fill(bootstrap: str, topic: str, times_of: Mapping[int, Iterable[int]]) -> None:
    """Produces payments with those timestamps to those partitions; the id is `partition-offset`."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 50, "batch.size": 16_384, "enable.idempotence": True}
    )
    for partition, times in times_of.items():
        for offset, timestamp_ms in enumerate(times):
            producer.produce(topic, payment(f"{partition}-{offset}"), partition=partition, timestamp=timestamp_ms)
    assert producer.flush(DEADLINE_S) == 0


def spread(count: int) -> range:
    """That many timestamps over the ten hours before NOW_MS."""
    return range(NOW_MS - SPAN_MS, NOW_MS, SPAN_MS // count) if count else range(0)


class Reading:
    """What a source gives, as places in the order they came."""

    def __init__(self, bootstrap: str, topic: str, standing_clock: bool = False) -> None:
        self.notes: list[str] = []
        trouble = Trouble(bootstrap, self.notes.append, str)
        settings, group = read_settings(), f"group-{uuid4()}"
        clock = (lambda: 0.0) if standing_clock else time.monotonic
        self.source = KafkaSource(bootstrap, topic, group, settings, lambda _: True, trouble, monotonic=clock)
        self.source.begin({})
        self.places: list[TopicPlace] = []

    def until(self, count: int) -> list[TopicPlace]:
        deadline_s = time.monotonic() + DEADLINE_S
        while len(self.places) < count:
            assert time.monotonic() < deadline_s, f"waited for {count} records, got {len(self.places)}"
            arrival = self.source.take(PATIENCE_S)
            for at in range(len(arrival.raws)):
                place = arrival.place_of(at)
                assert isinstance(place, TopicPlace)
                self.places.append(place)
        return self.places


@pytest.fixture
def in_topic(topic: Topics) -> str:
    return topic("in", partitions=4)


def test_partitions_of_very_different_size_are_read_in_order_of_time(kafka_bootstrap: str, in_topic: str) -> None:
    times_of = {partition: spread(count) for partition, count in enumerate((20_000, 5_000, 1_000, 0))}
    fill(kafka_bootstrap, in_topic, times_of)
    reading = Reading(kafka_bootstrap, in_topic, standing_clock=True)
    places = reading.until(sum(map(len, times_of.values())))
    reading.source.close()
    assert len(set(places)) == len(places)
    times = [times_of[place.partition][place.offset] for place in places]
    assert times == sorted(times)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each partition was found to be far ahead of the others."""
    counts: Counter[int] = Counter()
    look = Alignment.ahead

    def noted(alignment: Alignment[object]) -> list[int]:
        found = look(alignment)
        counts.update(found)
        return found

    monkeypatch.setattr(Alignment, "ahead", noted)
    return counts


def test_a_partition_far_ahead_is_paused_and_read_again_without_loss(
    kafka_bootstrap: str, in_topic: str, ahead: Counter[int]
) -> None:
    early, later = range(NOW_MS - SPAN_MS, NOW_MS - SPAN_MS + 40_000), range(NOW_MS, NOW_MS + 30_000)
    fill(kafka_bootstrap, in_topic, {0: later, 1: early, 2: range(NOW_MS, NOW_MS)})
    reading = Reading(kafka_bootstrap, in_topic, standing_clock=True)
    places = reading.until(len(early) + len(later))
    reading.source.close()
    assert ahead[0] > 0
    assert [(place.partition, place.offset) for place in places] == [
        *((1, offset) for offset in range(len(early))),
        *((0, offset) for offset in range(len(later))),
    ]


@pytest.mark.parametrize("ending", ["commit", "abort"])
def test_what_a_transaction_leaves_unreadable_at_the_end_holds_nobody_back(
    kafka_bootstrap: str, in_topic: str, ending: str
) -> None:
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "transactional.id": in_topic, "log_level": 3})
    producer.init_transactions(DEADLINE_S)
    producer.begin_transaction()
    for _ in range(3):
        producer.produce(in_topic, payment("t"), partition=0)
    producer.commit_transaction(DEADLINE_S)
    if ending == "abort":
        producer.begin_transaction()
        for _ in range(50):
            producer.produce(in_topic, payment("t"), partition=0)
        producer.flush(DEADLINE_S)
        producer.abort_transaction(DEADLINE_S)
    reading = Reading(kafka_bootstrap, in_topic, standing_clock=ending == "commit")
    reading.until(3)
    fill(kafka_bootstrap, in_topic, {1: [NOW_MS], 2: [NOW_MS]})
    assert {place.partition for place in reading.until(5)} == {0, 1, 2}
    reading.source.close()


def test_rebalances_in_the_middle_of_a_backlog_lose_nothing(
    kafka_bootstrap: str, in_topic: str, topic: Topics, ahead: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.kafka.alignment.HELD_MAX", 1_000)
    sizes = {0: 12_000, 1: 12_000, 2: 1_000, 3: 12_000}
    times_of = {partition: spread(size) for partition, size in sizes.items()}
    fill(kafka_bootstrap, in_topic, times_of | {3: range(NOW_MS, NOW_MS + sizes[3])})
    ids = sorted(f"{partition}-{offset}" for partition, size in sizes.items() for offset in range(size))
    group, names, judge = f"group-{uuid4()}", (in_topic, topic("out", partitions=2), topic("dead")), Lingering()
    often = ("consumer.heartbeat.interval.ms=300",)
    one, other = Gate(kafka_bootstrap, names, group, often, judge), Gate(kafka_bootstrap, names, group, often)
    with running(one):
        wait_until(lambda: ahead[3] > 0, DEADLINE_S, "a paused partition")
        with running(other):
            wait_until(lambda: other.tally.events > 0, DEADLINE_S, "work for the second member")
            assert one.tally.events + other.tally.events < len(ids)
        judge.hurry.set()
        wait_until(lambda: committed(kafka_bootstrap, in_topic, group) == sizes, DEADLINE_S, "the last commit")
    assert one.errors == other.errors == []
    assert sorted(set(decided(kafka_bootstrap, names[1], len(ids)))) == ids


def test_a_kill_in_the_middle_of_a_backlog_loses_nothing(
    kafka_bootstrap: str, in_topic: str, topic: Topics, tmp_path: Path
) -> None:
    sizes = {0: 20_000, 1: 5_000, 2: 1_000, 3: 0}
    fill(kafka_bootstrap, in_topic, {partition: spread(size) for partition, size in sizes.items()})
    group, out = f"group-{uuid4()}", topic("out", partitions=2)
    ends = ("--kafka", kafka_bootstrap, "--in", in_topic, "--out", out, "--dead", topic("dead"), "--group", group)
    command = ("run", "--pack", ROOT / "benchmarks" / "packs" / "w", *ends)
    slowly = [argument for setting in SLOWLY for argument in ("--kafka-config", setting)]
    with started(tmp_path / "err", *command, *slowly) as first:
        wait_until(lambda: sum(committed(kafka_bootstrap, in_topic, group).values()) > 0, DEADLINE_S, "a commit")
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    at_the_kill = committed(kafka_bootstrap, in_topic, group)
    assert 0 < sum(at_the_kill.values()) < sum(sizes.values())
    due = {f"{partition}-{offset}" for partition, to in at_the_kill.items() for offset in range(to)}
    assert due.issubset(decided(kafka_bootstrap, out, len(due)))

    with started(tmp_path / "err", *command) as second:
        wait_until(
            lambda: committed(kafka_bootstrap, in_topic, group) == sizes, DEADLINE_S * 2, "all offsets to be committed"
        )
        assert second.end(signal.SIGTERM, DEADLINE_S) == 0
    ids = sorted(f"{partition}-{offset}" for partition, size in sizes.items() for offset in range(size))
    assert sorted(set(decided(kafka_bootstrap, out, len(ids)))) == ids
