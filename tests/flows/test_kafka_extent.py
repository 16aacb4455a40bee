"""All that a real topic holds, in one order, whoever reads it when."""

import random
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from flows import FlowError
from flows.kafka import Block, Extent, read_settings
from support.services import Topics

T0 = 1_790_000_000_000
DEADLINE_S = 30
Record = tuple[int, int, bytes]
"""The partition, the timestamp and the value."""


def _send(bootstrap: str, topic: str, records: list[Record]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for partition, time_ms, value in records:
        producer.produce(topic, value, partition=partition, timestamp=time_ms)
    assert producer.flush(DEADLINE_S) == 0


def _read(extent: Extent) -> list[Block]:
    try:
        return list(extent.blocks())
    finally:
        extent.close()


def _rows(blocks: list[Block]) -> list[tuple[int, int, int, bytes]]:
    return [
        (partition, offset, time_ms, value)
        for block in blocks
        for partition, offset, time_ms, value in zip(
            block.partitions, block.offsets, block.arrived_ms, block.values, strict=True
        )
    ]


def _expected(
    records: list[Record], partitions: int, firsts: tuple[int, ...] = (0, 0, 0, 0)
) -> list[tuple[int, int, int, bytes]]:
    """What is read of each partition from its first offset on: in the order of the latest time that the partition has
    had since then, then of partitions; each in its own order.
    """
    keyed = []
    for partition in range(partitions):
        latest, first = 0, firsts[partition]
        own = [(time_ms, value) for number, time_ms, value in records if number == partition]
        for offset, (time_ms, value) in enumerate(own[first:], first):
            latest = max(latest, time_ms)
            keyed.append(((latest, partition, offset), (partition, offset, time_ms, value)))
    return [row for _, row in sorted(keyed)]


def _drawn(count: int, partitions: int) -> list[Record]:
    draw = random.Random(count)
    return [
        (draw.randrange(partitions) if draw.random() < 0.5 else 0, T0 + number // 7 - draw.choice((0, 0, 0, 50)),
         b"" if draw.random() < 0.01 else b'{"n":%d}\n' % number)
        for number in range(count)
    ]  # fmt: skip


def test_records_come_in_the_order_of_their_times(
    kafka_bootstrap: str, topic: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the four partitions is empty; the second reading holds so little that partitions wait for each other."""
    name, records = topic(partitions=4), _drawn(20_000, 3)
    _send(kafka_bootstrap, name, records)
    expected = _expected(records, 4)
    whole = _read(Extent(kafka_bootstrap, name, read_settings()))
    assert _rows(whole) == expected
    assert [len(block.values) for block in whole] == [8_192, 8_192, 20_000 - 2 * 8_192]
    assert whole[-1].share == 1.0
    monkeypatch.setattr("flows.kafka.extent.HELD_MAX", 1_000)
    monkeypatch.setattr("flows.kafka.extent.READ_MAX", 500)
    assert _rows(_read(Extent(kafka_bootstrap, name, read_settings()))) == expected


def test_what_comes_after_the_beginning_is_not_read(kafka_bootstrap: str, topic: Topics) -> None:
    name, records = topic(partitions=2), _drawn(500, 2)
    _send(kafka_bootstrap, name, records)
    extent = Extent(kafka_bootstrap, name, read_settings())
    _send(kafka_bootstrap, name, _drawn(700, 2))
    assert _rows(_read(extent)) == _expected(records, 2)


def test_reading_from_an_offset(kafka_bootstrap: str, topic: Topics) -> None:
    name, records = topic(partitions=2), _drawn(500, 2)
    _send(kafka_bootstrap, name, records)
    rows = _expected(records, 2, (100, 100))
    assert len(rows) > 200
    assert _rows(_read(Extent(kafka_bootstrap, name, read_settings(), 100))) == rows
    assert _rows(_read(Extent(kafka_bootstrap, name, read_settings(), 10_000))) == []
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    for done in admin.delete_records([TopicPartition(name, 1, 60)]).values():
        done.result(DEADLINE_S)
    with pytest.raises(FlowError, match=r"expected an offset from 60 on, where partition 1 of .* begins, got 59"):
        Extent(kafka_bootstrap, name, read_settings(), 59)
    rows = _expected(records, 2, (0, 60))
    assert _rows(_read(Extent(kafka_bootstrap, name, read_settings()))) == rows


def test_what_a_transaction_took_back_is_not_read(kafka_bootstrap: str, topic: Topics) -> None:
    """The topic ends in markers, which bring no record: reading ends nevertheless."""
    name = topic()
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "transactional.id": name})
    producer.init_transactions(DEADLINE_S)
    for values, end in (((b"a", b"b"), producer.commit_transaction), ((b"c",), producer.abort_transaction)):
        producer.begin_transaction()
        for value in values:
            producer.produce(name, value)
        producer.flush(DEADLINE_S)
        end(DEADLINE_S)
    assert [row[3] for row in _rows(_read(Extent(kafka_bootstrap, name, read_settings())))] == [b"a", b"b"]


def test_an_empty_topic_has_nothing(kafka_bootstrap: str, topic: Topics) -> None:
    assert _read(Extent(kafka_bootstrap, topic(partitions=3), read_settings())) == []


def test_what_is_not_there_is_told(kafka_bootstrap: str) -> None:
    with pytest.raises(FlowError, match="expected a topic to read, got `nothing-of-this-name`"):
        Extent(kafka_bootstrap, "nothing-of-this-name", read_settings())


def test_no_broker_is_told_in_time(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.write_text("sasl.password=hidden\n")
    began_s = time.monotonic()
    with pytest.raises(FlowError, match=r"`t` cannot be read from 127\.0\.0\.1:1: ") as caught:
        Extent("127.0.0.1:1", "t", read_settings((), secrets))
    assert time.monotonic() - began_s < 15
    assert "hidden" not in str(caught.value)
