"""`riskgate run` as a process: files, pipes, signals, and a real broker, with the real engine and pack."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from stores import open_store
from support.commands import ROOT, Running, riskgate, started
from support.rule_packs import write_pack
from support.services import Topics, wait_until
from support.streams import decoded, login, payment

PACK = ROOT / "rules" / "packs" / "game-points"
RUN = ("run", "--pack", PACK)
DEADLINE_S = 60
QUICKLY_S = 10


def ids_in(lines: bytes) -> list[str]:
    return [decoded(line).transaction_id for line in lines.splitlines()]


def test_a_file_in_gives_a_file_out_in_order(tmp_path: Path) -> None:
    events, decisions = tmp_path / "events", tmp_path / "decisions"
    ids = [f"t{at}" for at in range(5_000)]
    events.write_bytes(login("e1") + b"\n" + b"\n".join(payment(id_, user_id=f"u{id_[-2:]}") for id_ in ids))
    done = riskgate(*RUN, "--input", events, "--output", decisions)
    assert done.returncode == 0, done.stderr
    assert ids_in(decisions.read_bytes()) == ids
    assert "events               5,001" in done.stderr.decode()
    assert done.stdout == b""


def test_an_overlay_is_run_and_named_in_decisions(tmp_path: Path) -> None:
    body = "rules: [{id: a.large, when: amount > params.least, then: review, mode: live, params: {least: 99.00 CNY}}]\n"
    pack = write_pack(tmp_path / "pack", body)
    (pack / "overlays").mkdir()
    (pack / "overlays" / "prod.yml").write_text("rules: {a.large: {params: {least: 1.00 CNY}}}\n")
    ends = ("--input", "-", "--output", "-")
    for options, action, ending in (((), "allow", ""), (("--overlay", "prod"), "review", "+prod")):
        done = riskgate("run", "--pack", pack, *options, *ends, stdin=payment("t1"))
        assert done.returncode == 0, done.stderr
        decision = decoded(done.stdout)
        assert (decision.action, decision.pack[len("test@0123456789ab") :]) == (action, ending)


def test_facts_about_users_come_from_the_store(tmp_path: Path, redis_db: str) -> None:
    rule = "{id: a.new, when: profile.tier == 'new' and profile.grade < 2, then: review, mode: live}"
    pack = write_pack(tmp_path / "pack", f"rules: [{rule}]\n")
    store = open_store(redis_db)
    store.set_profile("u1", {"tier": "new", "grade": "1.5"})
    store.set_profile("u2", {"tier": "new", "grade": "2"})
    store.close()
    events = b"\n".join(payment(f"t{user}", user_id=user) for user in ("u1", "u2", "u3"))
    done = riskgate("run", "--pack", pack, "--store", redis_db, "--input", "-", "--output", "-", stdin=events)
    assert done.returncode == 0, done.stderr
    decisions = [decoded(line) for line in done.stdout.splitlines()]
    assert [(each.action, each.missing) for each in decisions] == [
        ("review", ()),
        ("allow", ()),
        ("allow", ("profile.tier", "profile.grade")),
    ]


BAD = {
    "not_json": b"no JSON",
    "invalid_utf8": payment("t").replace(b"u1", b"\xff"),
    "missing_field": b'{"type":"payment"}',
    "wrong_type": payment("t", user_id=7),
    "unknown_type": payment("t", type="gift"),
    "invalid_value": payment("t", user_id=""),
    "invalid_amount": payment("t", amount=-5),
    "invalid_timestamp": payment("t", timestamp=1),
    "too_large": payment("t", goods="x" * 1_048_576),
}
WORSE = [
    payment("t").replace(b"12.34", b"NaN"),
    payment("t", amount=1e300),
    payment("t", timestamp="2999-01-01T00:00:00Z"),
    b"[" * 50_000,
]


def test_every_kind_of_bad_input_is_a_dead_letter_and_the_stream_goes_on(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    bad = [*BAD.values(), *WORSE]
    stdin = b"\n".join(line for at, event in enumerate(bad) for line in (payment(f"t{at}"), event))
    done = riskgate(*RUN, "--input", "-", "--output", "-", "--dead-letters", dead, stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert ids_in(done.stdout) == [f"t{at}" for at in range(len(bad))]
    letters = [msgspec.json.decode(line) for line in dead.read_bytes().splitlines()]
    assert [letter["reason"] for letter in letters[: len(BAD)]] == list(BAD)
    assert [letter["place"] for letter in letters] == [{"path": "-", "line": 2 * at + 2} for at in range(len(bad))]
    assert [letter["original_bytes"] for letter in letters] == list(map(len, bad))
    assert "dead letters" in done.stderr.decode()


def test_a_pipe_is_answered_while_it_is_open(tmp_path: Path) -> None:
    with started(tmp_path / "err", *RUN, "--input", "-", "--output", "-") as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        for at in range(3):
            running.process.stdin.write(payment(f"t{at}") + b"\n")
            running.process.stdin.flush()
            assert decoded(running.process.stdout.readline()).transaction_id == f"t{at}"
        running.process.stdin.close()
        assert running.end() == 0
        assert "decisions                3" in running.told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_summary(tmp_path: Path, number: int) -> None:
    with started(tmp_path / "err", *RUN, "--input", "-", "--output", "-") as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        running.process.stdin.write(payment("t1") + b"\n")
        running.process.stdin.flush()
        running.process.stdout.readline()
        assert running.end(number, QUICKLY_S) == 0
        assert "decisions                1" in running.told
        assert "Traceback" not in running.told


def hears(running: Running, number: int) -> bool:
    """Whether the process has a handler for that signal."""
    status = Path(f"/proc/{running.process.pid}/status").read_text(encoding="ascii")
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_it_has_begun_ends_it_as_well(tmp_path: Path, number: int) -> None:
    with started(tmp_path / "err", *RUN, "--input", "-", "--output", "-") as running:
        wait_until(lambda: hears(running, signal.SIGTERM), DEADLINE_S, "a handler of SIGTERM")
        assert running.end(number, QUICKLY_S) == 0
        assert "Traceback" not in running.told


def many_payments(path: Path) -> Path:
    path.write_bytes(b"".join(payment(f"t{at}") + b"\n" for at in range(20_000)))
    return path


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    events = many_payments(tmp_path / "events")
    with started(tmp_path / "err", *RUN, "--input", events, "--output", "-") as running:
        assert running.process.stdout is not None
        os.read(running.process.stdout.fileno(), 1)
        running.process.send_signal(signal.SIGINT)
        running.await_told("stopping")
        assert running.end(signal.SIGINT, QUICKLY_S) == 130


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    events = many_payments(tmp_path / "events")
    with started(tmp_path / "err", *RUN, "--input", events, "--output", "-") as running:
        assert running.process.stdout is not None
        running.process.stdout.readline()
        running.process.stdout.close()
        assert running.end() == 0
        assert "the reader of `-` closed it" in running.told
        assert "Traceback" not in running.told


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_an_event_that_comes_again_gets_its_recorded_answer(kind: str, request: pytest.FixtureRequest) -> None:
    url = "memory:" if kind == "memory" else request.getfixturevalue("redis_db")
    stdin = b"\n".join(payment(id_) for id_ in ("t1", "t2", "t1"))
    marks = []
    for _ in range(2):
        done = riskgate(*RUN, "--input", "-", "--output", "-", "--store", url, stdin=stdin)
        assert done.returncode == 0, done.stderr
        marks.append([decoded(line).duplicate is True for line in done.stdout.splitlines()])
    first = [False, False, True]
    assert marks == [first, first if kind == "memory" else [True, True, True]]


def test_without_its_store_it_goes_on_and_says_so() -> None:
    store = "redis://user:s3cret@127.0.0.1:1/0"
    done = riskgate(*RUN, "--input", "-", "--output", "-", "--store", store, stdin=payment("t1"))
    assert done.returncode == 0, done.stderr
    decision = decoded(done.stdout)
    assert decision.origin == "degraded"
    assert "store" in decision.missing
    told = done.stderr.decode()
    assert "store away: redis 127.0.0.1:1" in told
    assert "s3cret" not in told


@pytest.fixture
def kafka(kafka_bootstrap: str, topic: Topics) -> tuple[str, ...]:
    """Arguments that name fresh topics and a fresh group."""
    names = (topic("in", partitions=4), topic("out", partitions=4), topic("dead"))
    ends = [argument for pair in zip(("--in", "--out", "--dead"), names, strict=True) for argument in pair]
    return ("--kafka", kafka_bootstrap, *ends, "--group", f"group-{uuid4()}")


def send(kafka: tuple[str, ...], *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka[1]})
    for value in values:
        producer.produce(kafka[3], value)
    assert producer.flush(DEADLINE_S) == 0


def reader(kafka: tuple[str, ...], at: int) -> Callable[[], list[bytes]]:
    """What has come so far to the topic that is named by the argument at that position."""
    taken: list[bytes] = []
    consumer = Consumer({"bootstrap.servers": kafka[1], "group.id": "unused", "enable.auto.commit": False})
    consumer.assign([TopicPartition(kafka[at], partition, 0) for partition in range(4 if at == 5 else 1)])

    def read() -> list[bytes]:
        taken.extend(message.value() or b"" for message in consumer.consume(10_000, 0.05) if not Message.error(message))
        return taken

    return read


def test_transactions_go_through_kafka_and_come_back_decided(kafka: tuple[str, ...], tmp_path: Path) -> None:
    ids = [f"t{at:04}" for at in range(3_000)]
    send(kafka, *map(payment, ids), b"no JSON")
    decisions, dead_letters = reader(kafka, 5), reader(kafka, 7)
    with started(tmp_path / "err", *RUN, *kafka) as running:
        wait_until(lambda: len(decisions()) >= len(ids) and len(dead_letters()) >= 1, DEADLINE_S * 2, "decisions")
        assert running.end(signal.SIGTERM, QUICKLY_S) == 0
        assert sorted(ids_in(b"\n".join(decisions()))) == ids
        assert msgspec.json.decode(dead_letters()[0])["place"]["topic"] == kafka[3]
        assert f"riskgate: reading `{kafka[3]}` in group `{kafka[-1]}`" in running.told
        assert "dead letters             1   not_json 1" in running.told
    with started(tmp_path / "err", *RUN, *kafka) as running:
        send(kafka, payment("t9999"))
        wait_until(lambda: len(decisions()) > len(ids), DEADLINE_S, "the decision of the second run")
        assert running.end(signal.SIGINT, QUICKLY_S) == 0
        assert "events                   1" in running.told


def test_a_kill_loses_no_decision(kafka: tuple[str, ...], tmp_path: Path) -> None:
    ids = [f"t{at:05}" for at in range(30_000)]
    send(kafka, *map(payment, ids))
    decisions = reader(kafka, 5)
    with started(tmp_path / "err", *RUN, *kafka) as running:
        wait_until(lambda: len(decisions()) > 0, DEADLINE_S * 2, "a first decision")
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
    with started(tmp_path / "err", *RUN, *kafka) as running:
        wait_until(
            lambda: set(ids_in(b"\n".join(decisions()))) == set(ids), DEADLINE_S * 2, "every decision after the kill"
        )
        assert running.end(signal.SIGTERM, QUICKLY_S) == 0


def test_no_broker_is_a_line_within_ten_seconds(tmp_path: Path) -> None:
    kafka = ("--kafka", "127.0.0.1:1", "--in", "i", "--out", "o", "--dead", "d")
    with started(tmp_path / "err", *RUN, *kafka) as running:
        running.await_told("riskgate: no broker at 127.0.0.1:1: ", 10)
        assert "Connection refused" in running.told
        assert running.end(signal.SIGINT, QUICKLY_S) == 0
        assert all(line.startswith("riskgate: ") for line in running.told.splitlines())
