"""Kafka to Kafka at a fixed rate: from handing an event to the producer until the decision is read, seen from outside.

The reader is a process of its own; both read the same monotonic clock. The echo is the input topic read in the same
way: what the broker and the clients cost without a gate.
"""

import multiprocessing
import re
import time
from collections.abc import Sequence
from contextlib import nullcontext
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.broker import PARTITIONS, Broker
from benchmarks.gates import started
from benchmarks.workload import user_of

RATE_S = 1_000
SHARES = (50, 99, 99.9)
DROPPED_S = 3
WARM_TIMEOUT_S = 120.0
SETTLE_S = 2.0

_NUMBER = re.compile(rb'"t(\d{9})"')


class Paced(NamedTuple):
    """Events for one measurement: `warm` at full speed first, `timed` at the fixed rate then."""

    warm: Sequence[bytes]
    timed: Sequence[bytes]


def measure(
    broker: Broker, paced: Paced, in_topic: str, out_topic: str, arguments: Sequence[str] | None
) -> dict[str, float]:
    """Percentiles in ms without the first 3 seconds; `arguments` start the gate, without them it is the echo."""
    context = multiprocessing.get_context("spawn")
    arrived = context.Array("d", len(paced.timed), lock=False)
    seen, stop = context.Value("q", 0), context.Event()
    reader = context.Process(
        target=_read,
        args=(broker.bootstrap, out_topic if arguments else in_topic, len(paced.warm), arrived, seen, stop),
    )
    reader.start()
    try:
        with started(arguments) if arguments else nullcontext():
            broker.fill(in_topic, paced.warm)
            _await(seen, len(paced.warm), WARM_TIMEOUT_S)
            time.sleep(SETTLE_S)
            sent = _produce(broker.bootstrap, in_topic, paced.timed)
            _await(seen, len(paced.warm) + len(paced.timed), WARM_TIMEOUT_S)
    finally:
        stop.set()
        reader.join()
    took_ms = (np.array(arrived) - sent)[DROPPED_S * RATE_S :] * 1e3
    return {f"p{share:g}_ms": float(np.percentile(took_ms, share)) for share in SHARES}


def _produce(bootstrap: str, topic: str, lines: Sequence[bytes]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Sends the lines at the fixed rate; returns when each was handed over."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": 1})
    sent = np.zeros(len(lines))
    begin_s = time.perf_counter() + 0.1
    for number, line in enumerate(lines):
        wait_s = begin_s + number / RATE_S - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        sent[number] = time.perf_counter()
        producer.produce(topic, line, key=user_of(line))
        producer.poll(0)
    producer.flush()
    return sent


def _read(bootstrap: str, topic: str, first: int, arrived: Any, seen: "Synchronized[int]", stop: Event) -> None:
    """Notes when each transaction from number `first` on is read, and counts all."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"bench-{uuid4().hex}", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    while not stop.is_set():
        message = consumer.poll(0.1)
        if message is None or message.error():
            continue
        now_s = time.perf_counter()
        found = _NUMBER.search(message.value() or b"")
        if found is not None:
            number = int(found[1])
            if number >= first:
                arrived[number - first] = now_s
            seen.value += 1
    consumer.close()


def _await(seen: "Synchronized[int]", count: int, timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while seen.value < count:
        if time.monotonic() > deadline_s:
            raise SystemExit(f"only {seen.value:,} of {count:,} records came back within {timeout_s:.0f} s")
        time.sleep(0.05)
