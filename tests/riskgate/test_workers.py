"""Several workers as their users see them: real processes on real files and a real broker."""

import os
import random
import signal
import socket
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import Engine
from rules import load
from schemas.batches import decode
from support.commands import riskgate, started
from support.kafka_runs import Tail, kill_all, partition_of, processes_of, send_keyed
from support.raw_events import NOW_MS
from support.rule_packs import write_pack
from support.services import Topics, wait_until
from support.streams import payment
from windows.store import MEMORY_MIN

PACK = """\
features:
  user_count: {count: event, by: user_id, over: 10m}
  user_sum: {sum: amount, by: user_id, over: 30m}
  device_users: {distinct: user_id, by: device_id, over: 10m}
  last_device: {last: device_id, by: user_id, over: 10m, delay: 1ms}
rules:
- {id: a.often, when: user_count > 4, then: review, reason: OFTEN, explain: "{user_count} in 10 minutes"}
- {id: a.much, when: user_sum > 200, then: block, reason: MUCH, explain: "{user_sum} in 30 minutes"}
"""
SHARED = '- {id: a.shared, when: device_users > 2, then: review, reason: SHARED, explain: "{device_users} users"}\n'
"""Reads what several users do, so that the order of partitions shows."""

DEADLINE_S = 60


def stream(count: int, users: int = 60) -> list[dict[str, Any]]:
    """Payments in time order, one a second and a half; one in 20 comes again at once or later."""
    draw = random.Random(7)
    events: list[dict[str, Any]] = []
    for number in range(count):
        if number > 50 and draw.random() < 0.05:
            events.append(events[-draw.randrange(1, 50)])
            continue
        user = draw.randrange(users)
        events.append(
            {
                "type": "payment",
                "transaction_id": f"t{number:06}",
                "timestamp": NOW_MS + number * 50,
                "user_id": f"u{user}",
                "device_id": f"d{(user + draw.randrange(2)) % users}",
                "amount": draw.randrange(1, 90),
                "currency": "CNY",
            }
        )
    return events


def alone(pack: Path, raws: list[bytes]) -> list[bytes]:
    loaded = load(pack)
    assert loaded.pack is not None
    engine = Engine(loaded.pack, memory_bytes=MEMORY_MIN)
    return [each for at in range(0, len(raws), 500) for each in engine.decide(decode(raws[at : at + 500]), {}).encoded]


@pytest.mark.parametrize("workers", [2, 3])
def test_files_are_decided_as_by_one(workers: int, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack", PACK + SHARED)
    raws = [msgspec.json.encode(event) for event in stream(6_000)]
    (tmp_path / "in").write_bytes(b"\n".join([*raws[:100], b"no event", *raws[100:]]))
    done = riskgate("run", "--pack", pack, "--input", tmp_path / "in", "--output", "-", "--workers", str(workers))
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.splitlines() == alone(pack, raws)
    told = done.stderr.decode()
    assert told.count("events ") == 1
    assert "events               6,001 " in told
    assert "dead letters             1   not_json 1" in told
    assert "worker 0: dead letter" in told


def test_a_worker_that_is_killed_ends_all_with_one_line(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack", PACK)
    arguments = (
        "run",
        "--pack",
        pack,
        "--input",
        "-",
        "--output",
        "-",
        "--workers",
        "2",
        "--state",
        tmp_path / "state",
    )
    with started(tmp_path / "told", *arguments) as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        running.process.stdin.write(payment("t1") + b"\n")
        running.process.stdin.flush()
        assert b"t1" in running.process.stdout.readline()
        first, second = sorted(processes_of(running.process.pid))
        os.kill(second, signal.SIGKILL)
        assert running.end() == 1
        told = running.told
    assert "riskgate: error: worker 1 was ended by SIGKILL, so all of them ended;" in told
    assert told.count("error") == 1
    assert "Traceback" not in told
    assert "panic" not in told
    wait_until(lambda: not Path(f"/proc/{first}").exists(), DEADLINE_S, "the other worker's end")


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack", PACK)
    with started(
        tmp_path / "told", "run", "--pack", pack, "--input", "-", "--output", "-", "--workers", "2"
    ) as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        running.process.stdin.write(payment("t1") + b"\n")
        running.process.stdin.flush()
        assert b"t1" in running.process.stdout.readline()
        workers = processes_of(running.process.pid)
        assert len(workers) == 2
        running.process.kill()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), DEADLINE_S, "the workers' end")


def test_wrong_commands_are_told_once(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack", PACK)
    done = riskgate("run", "--pack", pack, "--input", tmp_path / "none", "--output", "-", "--workers", "3")
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert b"expected an input that can be read" in done.stderr


def addresses(count: int) -> str:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    with ExitStack() as closing:
        return ",".join(f"127.0.0.1:{closing.enter_context(each).getsockname()[1]}" for each in sockets)


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL])
def test_processes_on_several_hosts_end_together(
    ended_by: signal.Signals, kafka_bootstrap: str, topic: Topics, tmp_path: Path
) -> None:
    pack = write_pack(tmp_path / "pack", PACK)
    events = stream(4_000)
    names = topic("in", partitions=4), topic("out"), topic("dead")
    send_keyed(kafka_bootstrap, names[0], 4, [(each["user_id"], msgspec.json.encode(each)) for each in events])
    ends = ("--kafka", kafka_bootstrap, "--in", names[0], "--out", names[1], "--dead", names[2])
    together = ("--state", tmp_path / "state", "--addresses", addresses(2), "--process")
    arguments = ("run", "--pack", pack, *ends, *together)
    with (
        closing(Tail(kafka_bootstrap, names[1])) as decided,
        started(tmp_path / "told0", *arguments, "0") as first,
        started(tmp_path / "told1", *arguments, "1") as second,
    ):
        decided.await_count(len(events), first)
        second.end(ended_by)
        code = first.end()
    assert_equal_to_one(pack, events, decided.values)
    if ended_by == signal.SIGTERM:
        assert (code, second.end()) == (0, 0)
        assert "events " in first.told
        assert "events " in second.told
    else:
        assert code == 1
        assert "riskgate: worker 0: error: another process of the cluster is gone" in first.told
        assert "panic" not in first.told
        assert "Traceback" not in first.told


def test_processes_on_several_hosts_change_their_pack_together(
    kafka_bootstrap: str, topic: Topics, tmp_path: Path
) -> None:
    """Not before the last of them has it, and from one event on of each partition."""
    changed = PACK.replace("user_count > 4", "user_count > 5")
    packs = [write_pack(tmp_path / name, PACK) for name in ("one", "other")]
    names = topic("in", partitions=4), topic("out"), topic("dead")
    ends = ("--kafka", kafka_bootstrap, "--in", names[0], "--out", names[1], "--dead", names[2])
    together = ("--state", tmp_path / "state", "--addresses", addresses(2), "--process")
    commands = [("run", "--pack", pack, *ends, *together, str(number)) for number, pack in enumerate(packs)]
    events = [each | {"transaction_id": f"n{number}"} for number, each in enumerate(stream(9_000))]

    def send(start: int, end: int) -> None:
        keyed = [(each["user_id"], msgspec.json.encode(each)) for each in events[start:end]]
        send_keyed(kafka_bootstrap, names[0], 4, keyed)

    with (
        closing(Tail(kafka_bootstrap, names[1])) as decided,
        started(tmp_path / "told0", *commands[0]) as first,
        started(tmp_path / "told1", *commands[1]) as second,
    ):
        send(0, 2_000)
        decided.await_count(2_000, first)
        write_pack(packs[0], changed)
        send(2_000, 4_000)
        decided.await_count(4_000, first)
        write_pack(packs[1], changed)
        for start in range(4_000, 8_000, 200):  # so that batches are on their way when it changes
            send(start, start + 200)
            decided.await_count(start, first)
        for running in (first, second):
            running.await_told("is in force from here on")
        send(8_000, 9_000)
        decided.await_count(9_000, first)
        second.end(signal.SIGTERM)
        assert first.end() == 0
    by = {(each := msgspec.json.decode(value))["transaction_id"]: each["pack"] for value in decided.values}
    assert len(by) == len(decided.values) == 9_000
    assert len(set(by.values())) == 2
    assert {by[each["transaction_id"]] for each in events[:4_000]} == {by["n0"]}
    assert {by[each["transaction_id"]] for each in events[8_000:]} == {by["n8999"]} != {by["n0"]}
    for partition in range(4):
        own = [by[each["transaction_id"]] for each in events if partition_of(each["user_id"], 4) == partition]
        assert own == sorted(own, key=lambda version: version != by["n0"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--process", "0"), "expected --process and --addresses together"),
        (("--process", "2", "--addresses", "a:1,b:1"), "expected --process from 0 to 1, got 2"),
        (("--process", "0", "--addresses", "a:1,a:1"), "expected different HOST:PORT,... in --addresses"),
        (("--process", "0", "--addresses", "a,b:1"), "expected different HOST:PORT,... in --addresses"),
        (("--process", "0", "--addresses", "a:1,b:1", "--workers", "3"), "as many --addresses as --workers"),
        (("--process", "0", "--addresses", "a:1,b:1"), "expected --state with --addresses"),
        (("--workers", "0"), "0 is not in the range"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(options: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack", PACK)
    done = riskgate("run", "--pack", pack, "--input", "-", "--output", "-", *options)
    assert done.returncode == 1
    assert expected in done.stderr.decode()


def test_any_number_of_workers_goes_on_where_others_were_killed(
    kafka_bootstrap: str, topic: Topics, tmp_path: Path
) -> None:
    pack = write_pack(tmp_path / "pack", PACK)
    events = stream(24_000)
    names = topic("in", partitions=4), topic("out"), topic("dead")
    send_keyed(kafka_bootstrap, names[0], 4, [(each["user_id"], msgspec.json.encode(each)) for each in events])
    ends = ("--kafka", kafka_bootstrap, "--in", names[0], "--out", names[1], "--dead", names[2])
    draw = random.Random(11)
    with closing(Tail(kafka_bootstrap, names[1])) as decided:
        for run, workers in enumerate((1, 2, 3, 2, 1)):
            arguments = ("run", "--pack", pack, *ends, "--state", tmp_path / "state", "--workers", str(workers))
            with started(tmp_path / f"told{run}", *arguments) as running:
                if run < 4:
                    decided.await_count((run + 1) * 5_000 + draw.randrange(-1_000, 1_000), running)
                    kill_all(running)
                else:
                    running.await_told("took up `")
                    decided.await_count(len(events), running)
                    assert running.end(signal.SIGTERM) == 0, running.told
        assert decided.take() == len(events)
    assert_equal_to_one(pack, events, decided.values)


def assert_equal_to_one(pack: Path, events: list[dict[str, Any]], values: list[bytes]) -> None:
    """Each event has one decision, that of one engine, where all windows are those of a user."""
    expected = Counter(alone(pack, [msgspec.json.encode(event) for event in events]))
    got = Counter(values)
    assert sum(got.values()) == len(events)
    assert not got - expected, list((got - expected).elements())[:3]
    assert not expected - got, list((expected - got).elements())[:3]
