"""Runs of `riskgate` in several processes between two topics, for tests that end them in many ways."""

import os
import signal
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from support.commands import Running
from support.services import wait_until

DEADLINE_S = 60


def processes_of(parent: int) -> list[int]:
    """The processes that this one started."""
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def kill_all(running: Running) -> None:
    """As a failure of the machine would, save that what was written stays written."""
    pids = [running.process.pid, *processes_of(running.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    running.process.wait(DEADLINE_S)
    wait_until(lambda: not any(map(_is_there, pids[1:])), DEADLINE_S, "the workers' end")


def _is_there(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def partition_of(key: str, partitions: int) -> int:
    """Where `send_keyed` puts a key."""
    return zlib.crc32(key.encode()) % partitions


def send_keyed(bootstrap: str, topic: str, partitions: int, events: Sequence[tuple[str, bytes]]) -> None:
    """Produces each event to the partition of its key."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "queue.buffering.max.messages": 1_000_000, "enable.idempotence": True}
    )
    for key, value in events:
        producer.produce(topic, value, partition=partition_of(key, partitions))
    assert producer.flush(DEADLINE_S) == 0


class Tail:
    """Reads a topic as it grows."""

    def __init__(self, bootstrap: str, topic: str, partitions: int = 1) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        self.values: list[bytes] = []

    def take(self) -> int:
        """Takes what is there; returns how many records came so far."""
        for message in self._consumer.consume(100_000, 0.05):
            assert message.error() is None
            self.values.append(message.value() or b"")
        return len(self.values)

    def await_count(self, count: int, running: Running) -> None:
        def enough() -> bool:
            assert running.process.poll() is None, running.told
            return self.take() >= count

        wait_until(enough, DEADLINE_S, f"{count} records, told: {running.told}")

    def close(self) -> None:
        self._consumer.close()
