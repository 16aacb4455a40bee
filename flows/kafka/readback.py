"""What a topic has got lately: read back after a crash, to know what had been delivered."""

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from flows.kafka.settings import Value, log
from flows.kafka.trouble import Trouble
from flows.lifecycle import Stop, StoppedError

ASK_TIMEOUT_S = 5.0
RETRY_AFTER_S = 1.0


def published_since(
    configuration: Mapping[str, Value],
    topics: Sequence[str],
    since_ms: int,
    trouble: Trouble,
    stop: Stop,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, list[bytes]]:
    """The values of all records of each topic with a timestamp from `since_ms` on, up to where the topics end now.

    Tries again while no broker answers. Raises StoppedError when the stop comes first.
    """
    while True:
        consumer = Consumer({**configuration, "error_cb": trouble.on_error, "logger": log()})
        try:
            return _read(consumer, topics, since_ms, stop)
        except KafkaException as error:
            trouble.tell(f"what was delivered before cannot be read back: {error.args[0].str()}")
        finally:
            consumer.close()
        until_s = monotonic() + RETRY_AFTER_S
        while monotonic() < until_s and not stop.requested:
            time.sleep(0.05)
        _go_on(stop)


def _read(consumer: Consumer, topics: Sequence[str], since_ms: int, stop: Stop) -> dict[str, list[bytes]]:
    places = [
        TopicPartition(topic, partition, since_ms)
        for topic in topics
        for partition in consumer.list_topics(topic, timeout=ASK_TIMEOUT_S).topics[topic].partitions
    ]
    begun = consumer.offsets_for_times(places, timeout=ASK_TIMEOUT_S)
    ends: dict[tuple[str, int], int] = {}
    for place in begun:
        _, end = consumer.get_watermark_offsets(place, timeout=ASK_TIMEOUT_S)
        if 0 <= place.offset < end:
            ends[place.topic, place.partition] = end
    read: dict[str, list[bytes]] = {topic: [] for topic in topics}
    if not ends:
        return read
    consumer.assign([place for place in begun if (place.topic, place.partition) in ends])
    while ends:
        _go_on(stop)
        for message in consumer.consume(10_000, 0.1):
            _take(message, read)
        for (topic, partition), end in list(ends.items()):
            (position,) = consumer.position([TopicPartition(topic, partition)])
            if position.offset >= end:
                del ends[topic, partition]
    return read


def _take(message: Message, read: dict[str, list[bytes]]) -> None:
    error = message.error()
    if error is not None:
        raise KafkaException(error)
    read[message.topic() or ""].append(message.value() or b"")


def _go_on(stop: Stop) -> None:
    if stop.requested:
        raise StoppedError("stopped while reading back what was delivered before; the next run does so again")
