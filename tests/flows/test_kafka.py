"""The flow on a real broker, in this process and with the simplest judge."""

import time
from uuid import uuid4

import msgspec
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from support.gates import DEADLINE_S, Gate, committed, decided, noted, records, running, send
from support.services import Topics, wait_until
from support.streams import payment


@pytest.fixture
def topics(topic: Topics) -> tuple[str, str, str]:
    return topic("in", partitions=4), topic("out", partitions=2), topic("dead")


@pytest.fixture
def group() -> str:
    return f"group-{uuid4()}"


def test_decisions_come_back_and_offsets_are_committed(
    kafka_bootstrap: str, topics: tuple[str, str, str], group: str
) -> None:
    ids = [f"t{at:05}" for at in range(5_000)]
    send(kafka_bootstrap, topics[0], *map(payment, ids))
    first = Gate(kafka_bootstrap, topics, group)
    with running(first):
        assert decided(kafka_bootstrap, topics[1], len(ids)) == ids
    assert sum(committed(kafka_bootstrap, topics[0], group).values()) == len(ids)
    assert first.tally.actions == {"allow": len(ids)}
    assert first.notes == []
    assert first.errors == []

    send(kafka_bootstrap, topics[0], payment("later"))
    second = Gate(kafka_bootstrap, topics, group)
    with running(second):
        assert decided(kafka_bootstrap, topics[1], len(ids) + 1) == ["later", *ids]
    assert second.tally.events == 1


def test_offsets_are_committed_while_it_runs(kafka_bootstrap: str, topics: tuple[str, str, str], group: str) -> None:
    send(kafka_bootstrap, topics[0], *map(payment, "abcd"))
    with running(Gate(kafka_bootstrap, topics, group)):
        wait_until(lambda: sum(committed(kafka_bootstrap, topics[0], group).values()) == 4, DEADLINE_S, "a commit")


def test_what_cannot_be_read_becomes_a_dead_letter_with_its_place(
    kafka_bootstrap: str, topics: tuple[str, str, str], group: str
) -> None:
    bad = [b"{", None, b'"\xff"', payment("t", amount=-1), payment("t", type="gift"), payment("t", goods="x" * 900_000)]
    send(kafka_bootstrap, topics[0], payment("good"), *bad, payment("good too"))
    gate = Gate(kafka_bootstrap, topics, group)
    with running(gate):
        letters = [msgspec.json.decode(m.value() or b"") for m in records(kafka_bootstrap, topics[2], 1, len(bad))]
        assert decided(kafka_bootstrap, topics[1], 2) == ["good", "good too"]
    assert {(letter["place"]["partition"], letter["place"]["offset"]): letter["reason"] for letter in letters} == {
        (1, 0): "not_json",
        (2, 0): "not_json",
        (3, 0): "invalid_utf8",
        (0, 1): "invalid_amount",
        (1, 1): "unknown_type",
        (2, 1): "too_large",
    }
    assert {letter["place"]["topic"] for letter in letters} == {topics[0]}
    huge = next(letter for letter in letters if letter["reason"] == "too_large")
    assert huge["original_bytes"] == len(bad[-1] or b"")
    assert gate.tally.dead_letters.total() == len(bad)


def test_a_dead_letter_is_cut_until_the_topic_takes_it(
    kafka_bootstrap: str, topics: tuple[str, str, str], group: str
) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    limit = ConfigEntry("max.message.bytes", "50000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topics[2], incremental_configs=[limit])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(DEADLINE_S)
    raw = payment("t", goods="x" * 900_000)
    send(kafka_bootstrap, topics[0], raw)
    gate = Gate(kafka_bootstrap, topics, group)
    with running(gate):
        (message,) = records(kafka_bootstrap, topics[2], 1, 1)
    letter = msgspec.json.decode(message.value() or b"")
    assert len(letter["original"]) > 10_000
    assert letter["original_bytes"] == len(raw)
    assert gate.errors == []
    assert sum(committed(kafka_bootstrap, topics[0], group).values()) == 1


def test_members_of_a_group_share_the_work_and_lose_nothing(
    kafka_bootstrap: str, topics: tuple[str, str, str], group: str
) -> None:
    ids: list[str] = []
    one, other = Gate(kafka_bootstrap, topics, group), Gate(kafka_bootstrap, topics, group)

    def other_works() -> bool:
        more = [f"t{at:06}" for at in range(len(ids), len(ids) + 400)]
        send(kafka_bootstrap, topics[0], *map(payment, more))
        ids.extend(more)
        return other.tally.events > 0

    with running(one):
        wait_until(lambda: one.tally.events > 0 or other_works(), DEADLINE_S, "work for the first member")
        with running(other):
            wait_until(other_works, DEADLINE_S, "work for the second member")
        other_works()
        assert sorted(set(decided(kafka_bootstrap, topics[1], len(ids)))) == ids
    assert one.errors == other.errors == []
    assert sum(committed(kafka_bootstrap, topics[0], group).values()) == len(ids)


def test_no_broker_is_told_with_address_and_reason_and_tried_again() -> None:
    gate = Gate("127.0.0.1:1", ("in", "out", "dead"), "group")
    started_s = time.monotonic()
    with running(gate):
        wait_until(noted(gate, "no broker at 127.0.0.1:1"), 10, "a line about the broker")
        wait_until(lambda: len(gate.notes) > 1, DEADLINE_S, "a second line")
    assert time.monotonic() - started_s < DEADLINE_S
    assert "Connection refused" in gate.notes[0]
    assert gate.errors == []


def absent(stem: str) -> str:
    return f"{stem}-{uuid4().hex[:12]}"


def test_a_missing_input_is_told_and_awaited_and_nothing_is_created(kafka_bootstrap: str, group: str) -> None:
    names = absent("in"), absent("out"), absent("dead")
    gate = Gate(kafka_bootstrap, names, group)
    with running(gate):
        wait_until(noted(gate, f"expected the topic `{names[0]}` to read"), 10, "a line about the topic")
        wait_until(lambda: len(gate.notes) > 1, 10, "a second line")
    known = AdminClient({"bootstrap.servers": kafka_bootstrap}).list_topics(timeout=DEADLINE_S).topics
    assert not known.keys() & set(names)
    assert gate.errors == []


def test_missing_outputs_are_created_and_told(kafka_bootstrap: str, topic: Topics, group: str) -> None:
    names = topic("in", partitions=4), absent("out"), absent("dead")
    send(kafka_bootstrap, names[0], payment("t"), b"{")
    gate = Gate(kafka_bootstrap, names, group)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    try:
        with running(gate):
            wait_until(lambda: sum(committed(kafka_bootstrap, names[0], group).values()) == 2, DEADLINE_S, "a commit")
        assert len(records(kafka_bootstrap, names[1], 1, 1)) == 1
        assert len(records(kafka_bootstrap, names[2], 1, 1)) == 1
    finally:
        for done in admin.delete_topics(list(names[1:])).values():
            done.result(DEADLINE_S)
    assert gate.notes[:2] == [
        f"topic `{name}` was missing and is created with the broker's defaults" for name in names[1:]
    ]
    assert gate.errors == []


def test_an_output_that_cannot_be_created_is_told_and_awaited(kafka_bootstrap: str, topic: Topics, group: str) -> None:
    gate = Gate(kafka_bootstrap, (topic("in", partitions=4), "no name", topic("dead")), group)
    with running(gate):
        wait_until(lambda: len(gate.notes) > 1, 10, "two lines about the topic")
    assert gate.notes[0].startswith("expected the topic `no name` to write, which the broker does not have")
    assert "cannot be created: Topic name is invalid" in gate.notes[0]
    assert gate.notes[0].endswith("; trying again")
    assert gate.errors == []


def test_settings_that_librdkafka_refuses_end_it_without_secrets(kafka_bootstrap: str) -> None:
    config = ("sasl.password=s3cret", "no.such.setting=s3cret")
    gate = Gate(kafka_bootstrap, ("in", "out", "dead"), "group", config)
    with running(gate):
        gate.thread.join(DEADLINE_S)
    (error,) = gate.errors
    assert "no.such.setting" in str(error)
    assert "s3cret" not in str(error)
