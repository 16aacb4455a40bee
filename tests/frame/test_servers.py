"""The fixtures' servers do what tests rely on."""

import pytest
import redis
from confluent_kafka import Consumer, KafkaError, Producer

from support.services import Topics, own_database, wait_until


def test_a_message_comes_back_from_the_broker(kafka_bootstrap: str, topic: Topics) -> None:
    name = topic("echo", partitions=2)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    producer.produce(name, b"value", b"key", 1)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": kafka_bootstrap, "group.id": name, "auto.offset.reset": "earliest"})
    consumer.subscribe([name])
    try:
        messages = consumer.consume(1, 10)
    finally:
        consumer.close()
    assert [(m.key(), m.value(), m.partition(), m.error()) for m in messages] == [(b"key", b"value", 1, None)]


def test_topics_are_not_made_by_accident(kafka_bootstrap: str) -> None:
    errors: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "topic.metadata.propagation.max.ms": 100})
    producer.produce("nobody-made-this", b"", on_delivery=lambda error, _: errors.append(error))
    producer.flush(10)
    assert [error and error.name() for error in errors] == ["UNKNOWN_TOPIC_OR_PART"]


def test_each_test_has_a_database_of_its_own(redis_db: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_db) as mine, own_database(redis_url) as other_url:
        assert mine.dbsize() == 0
        mine.set("key", "mine")
        with redis.Redis.from_url(other_url) as other:
            assert other.get("key") is None


def test_a_database_comes_back_empty(redis_url: str) -> None:
    with own_database(redis_url) as url, redis.Redis.from_url(url) as client:
        client.set("left", "over")
    with redis.Redis.from_url(url) as client:
        assert client.dbsize() == 0


def test_waiting_ends_with_what_was_awaited() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"waited 0\.05 s for Godot"):
        wait_until(lambda: False, 0.05, "Godot")
