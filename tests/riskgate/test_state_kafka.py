"""`riskgate run --state` between real topics, killed again and again under load, with broker and Redis restarts."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec
import redis
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from benchmarks.workload import Scale, user_of, write_lines
from engine import Engine
from rules import load
from schemas.batches import decode
from support.commands import Running, started
from support.kills import KILLS, PACK, Figures, kill_at
from support.own_broker import OwnBroker
from support.rule_packs import write_pack
from support.services import Topics, wait_until

EVENTS = 16_000 + 4_000 * KILLS
GAP_MS = 200_000 / EVENTS
"""All within less than `skew`, so that no order of the partitions makes an event late or early."""

AGAIN = 50
"""Every so many events one comes a second time."""

DEADLINE_S = 120
SILENT = 0
"""librdkafka's log level where a broker goes away on purpose."""

USERS_ONLY = """\
defaults: {event: transaction, mode: live}
features:
  count_10m: {count: event, by: user_id, over: 10m}
  sum_1h: {sum: amount, by: user_id, over: 1h}
  merchants_1h: {distinct: merchant_id, by: user_id, over: 1h}
rules:
- {id: u.count, when: count_10m >= 3, then: review, reason: OFTEN, explain: "{count_10m} times, {sum_1h} in an hour"}
- {id: u.sum, when: sum_1h > 500, then: step_up, challenge: mfa}
- {id: u.merchants, when: merchants_1h >= 30, then: block}
"""


class Published(NamedTuple):
    """What a decision says of whom, and whether it is the first one."""

    id: str
    encoded: bytes
    is_first: bool


def published(encoded: bytes) -> Published:
    fields = msgspec.json.decode(encoded)
    return Published(fields["transaction_id"], encoded, not fields.get("duplicate", False))


class Readers:
    """Reads topics along, all partitions."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self.taken: list[Published] = []
        self._places = [TopicPartition(topic, partition, 0) for partition in range(partitions)]
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False, "log_level": SILENT}
        )
        self._consumer.assign(self._places)

    def count(self) -> int:
        messages = self._consumer.consume(10_000, 0.002)
        self.taken += [published(message.value() or b"") for message in messages if not Message.error(message)]
        return len(self.taken)

    def read_to_the_end(self) -> None:
        def is_there() -> bool:
            self.count()
            ends = [self._consumer.get_watermark_offsets(place, timeout=DEADLINE_S)[1] for place in self._places]
            return len(self.taken) >= sum(ends)

        wait_until(is_there, DEADLINE_S, "the end of the decisions")
        self._consumer.close()


def lines() -> list[bytes]:
    """W, some of it twice."""
    made = list(write_lines(Scale(events=EVENTS, users=EVENTS // 10, gap_ms=GAP_MS)))
    return [line for at, line in enumerate(made) for line in ([line, line] if at % AGAIN == 0 else [line])]


def fill(bootstrap: str, topic: str, events: Sequence[bytes]) -> None:
    """By user, as far apart as the events' own times: which are long ago, so that a broker would not retain them."""
    if not events:
        return
    later_ms = time.time_ns() // 1_000_000 - msgspec.json.decode(events[-1])["timestamp"]
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "log_level": SILENT, "enable.idempotence": True}
    )
    for at, line in enumerate(events):
        producer.produce(topic, line, key=user_of(line), timestamp=later_ms + msgspec.json.decode(line)["timestamp"])
        if at % 1_000 == 0:
            producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0


def undisturbed(pack: Path, events: Sequence[bytes]) -> dict[str, bytes]:
    """The first decision on each transaction, of an engine that takes the events in order.

    It comes before the kills: a process that is killed while it compiles kernels leaves none for the next one.
    """
    loaded = load(pack).pack
    assert loaded is not None
    engine = Engine(loaded)
    decisions = [
        each
        for at in range(0, len(events), 1_000)
        for each in engine.decide(decode(events[at : at + 1_000]), {}).encoded
    ]
    return {each.id: each.encoded for each in map(published, decisions) if each.is_first}


def assert_same(taken: Sequence[Published], expected: dict[str, bytes], repeated: int) -> None:
    """Nothing missing, nothing twice, nothing different, and who asked again has been answered, once."""
    counts = Counter(each.id for each in taken if each.is_first)
    assert set(counts) == set(expected)
    assert [id_ for id_, count in counts.items() if count > 1] == []
    assert [each.id for each in taken if each.is_first and each.encoded != expected[each.id]] == []
    answers = Counter(each.id for each in taken if not each.is_first)
    assert (len(answers), answers.total()) == (repeated, repeated)


def finish(figures: Figures, reader: Readers, expected: int, *command: str | Path, errors: Path) -> None:
    """A last life, to the end."""
    with started(errors, *command) as running:
        running.await_told("took up")
        wait_until(lambda: reader.count() >= expected, DEADLINE_S, f"{expected} decisions and answers")
        assert running.end(signal.SIGTERM) == 0
        figures.add(running.told)
    reader.read_to_the_end()


def marks(draw: random.Random, count: int, low: int, high: int) -> list[int]:
    """So many moments between those where `low` and `high` decisions have come, not quite to the end."""
    return sorted(draw.randrange(low, low + (high - low) * 9 // 10 + 1) for _ in range(count))


def command_of(bootstrap: str, names: tuple[str, str, str], pack: Path, state: Path) -> tuple[str | Path, ...]:
    ends = [each for pair in zip(("--in", "--out", "--dead"), names, strict=True) for each in pair]
    return ("run", "--pack", pack, "--kafka", bootstrap, *ends, "--group", f"group-{uuid4()}", "--state", state)


def test_kills_under_load_lose_nothing_and_change_nothing(kafka_bootstrap: str, topic: Topics, tmp_path: Path) -> None:
    events, draw = lines(), random.Random(KILLS)
    expected = undisturbed(PACK, events)
    names = topic("in"), topic("out", partitions=2), topic("dead")
    fill(kafka_bootstrap, names[0], events)
    command, errors = command_of(kafka_bootstrap, names, PACK, tmp_path / "state"), tmp_path / "err"
    reader = Readers(kafka_bootstrap, names[1], 2)
    figures = kill_at(draw, reader.count, marks(draw, KILLS, 0, EVENTS), *command, errors=errors)
    finish(figures, reader, len(events), *command, errors=errors)
    assert_same(reader.taken, expected, EVENTS // AGAIN)
    print(f"\n1 partition: {len(events):,} events, {len(reader.taken):,} decisions and answers, {figures}")


@contextmanager
def own_redis(port: int) -> Iterator[None]:
    """A server that forgets all when it ends."""
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            wait_until(lambda: answers(client), DEADLINE_S, "redis")
        yield
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def without_store(encoded: bytes) -> bytes:
    """A decision without what it says of a store that was away."""
    fields = msgspec.json.decode(encoded)
    fields["missing"] = [each for each in fields["missing"] if each != "store"]
    return msgspec.json.encode(fields | {"origin": ""})


def test_brokers_and_stores_that_restart_meanwhile_change_nothing(broker: OwnBroker, tmp_path: Path) -> None:
    """Four partitions, by user, and a pack that has windows of users only."""
    events, draw = lines(), random.Random(KILLS + 1)
    share = -(-len(events) // 5)
    first, second, third, fourth, last = (events[at : at + share] for at in range(0, len(events), share))
    pack = write_pack(tmp_path / "pack", USERS_ONLY)
    expected = {id_: without_store(encoded) for id_, encoded in undisturbed(pack, events).items()}
    make = Topics(broker.bootstrap)
    names = make("in", partitions=4), make("out", partitions=4), make("dead")
    fill(broker.bootstrap, names[0], first)
    port = random.randrange(32_010, 32_700)
    store = ("--store", f"redis://127.0.0.1:{port}/0")
    command, errors = (*command_of(broker.bootstrap, names, pack, tmp_path / "state"), *store), tmp_path / "err"
    reader = Readers(broker.bootstrap, names[1], 4)
    with own_redis(port):
        figures = kill_at(draw, reader.count, marks(draw, KILLS // 2, 0, len(first)), *command, errors=errors)
        fill(broker.bootstrap, names[0], second)
        with started(errors, *command) as running:
            begun = reader.count()
            wait_until(lambda: reader.count() > begun, DEADLINE_S, "decisions before the broker goes away")
            broker.go_away()
            running.await_told("no broker at", DEADLINE_S)
            broker.come_back()
            fill(broker.bootstrap, names[0], third)
            running.await_told("works again", DEADLINE_S)
            killed(running, figures)
    with started(errors, *command) as running:
        running.await_told("reading", DEADLINE_S)
        fill(broker.bootstrap, names[0], fourth)
        running.await_told("store away", DEADLINE_S)
        with own_redis(port):
            fill_until_told(running, "store back", broker.bootstrap, names[0], last)
        killed(running, figures)
    with own_redis(port):
        count = reader.count()
        later = marks(draw, KILLS - KILLS // 2, count, len(events))
        later_figures = kill_at(draw, reader.count, later, *command, errors=errors)
        finish(later_figures, reader, len(events), *command, errors=errors)
    taken = [each._replace(encoded=without_store(each.encoded)) for each in reader.taken]
    assert_same(taken, expected, EVENTS // AGAIN)
    print(f"\n4 partitions, broker and Redis restarted: {len(events):,} events, {len(taken):,} decisions and answers")
    print(f"before and meanwhile: {figures}\nafter: {later_figures}")


def fill_until_told(running: Running, told: str, bootstrap: str, topic: str, events: Sequence[bytes]) -> None:
    """A store is asked when events come: they come by and by until it has answered, and then all others."""
    rest = list(events)

    def is_told() -> bool:
        if told in running.told:
            return True
        fill(bootstrap, topic, rest[:20])
        del rest[:20]
        return False

    wait_until(is_told, DEADLINE_S, told)
    fill(bootstrap, topic, rest)


def killed(running: Running, figures: Figures) -> None:
    assert running.end(signal.SIGKILL) == -signal.SIGKILL, running.told
    figures.kills += 1
    figures.add(running.told)
