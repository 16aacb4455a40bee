"""The least that a Python gate between two topics can do: read, decode, and write something of a decision's size.

`python -m benchmarks.bare BOOTSTRAP IN OUT GROUP` does so until it is terminated, with riskgate's librdkafka settings
and schema, and commits nothing.
"""

import signal
import sys
from threading import Event

import msgspec
from confluent_kafka import Consumer, Producer

from flows.kafka import read_settings
from schemas import AnyEvent

BATCH = 1_024
WAIT_S = 0.1
RULES = ",".join(f'"w.{number:02d}"' for number in range(10))
ANSWER = (
    '{"transaction_id":"%s","timestamp":%d,"action":"allow","origin":"scored",'
    f'"rules":[{RULES}],"shadow":[],"missing":[],"reasons":[],"pack":"w@0123456789ab"}}'
)


def loop(bootstrap: str, in_topic: str, out_topic: str, group: str, stop: Event) -> None:
    settings = read_settings()
    consumer = Consumer(settings.of_consumer(bootstrap, group))
    producer = Producer(settings.of_producer(bootstrap))
    consumer.subscribe([in_topic])
    read = msgspec.json.Decoder(AnyEvent).decode
    while not stop.is_set():
        first = consumer.poll(WAIT_S)
        if first is None:
            continue
        for message in [first, *consumer.consume(BATCH - 1, 0)]:
            event = read(message.value() or b"")
            answer = (ANSWER % (event.id, event.timestamp)).encode()
            while True:
                try:
                    producer.produce(out_topic, answer)
                    break
                except BufferError:
                    producer.poll(WAIT_S)
        producer.poll(0)
    producer.flush()
    consumer.close()


def main() -> None:
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    bootstrap, in_topic, out_topic, group = sys.argv[1:]
    loop(bootstrap, in_topic, out_topic, group, stop)


if __name__ == "__main__":
    main()
