"""`riskgate run` while its pack is changed: each decision names its version, and nothing is lost or begun again."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from riskgate.heartbeat import last_beat
from rules import load
from schemas import Decision
from support.commands import Running, riskgate, started
from support.rule_packs import write_pack
from support.services import wait_until
from support.streams import decoded, payment

FEATURES = "features:\n  n: {count: event, by: user_id, over: 1h}\n"
RULE = "rules:\n- {id: a.b, when: n >= params.most, params: {most: MOST}, then: block, mode: live, event: payment}\n"
FEATURE = "  spent: {sum: amount, by: user_id, over: 1h}\n"


def body(most: int, more: str = "") -> str:
    return FEATURES + more + RULE.replace("MOST", str(most))


def ask(running: Running, raw: bytes) -> Decision:
    assert running.process.stdin is not None
    assert running.process.stdout is not None
    running.process.stdin.write(raw + b"\n")
    running.process.stdin.flush()
    return decoded(running.process.stdout.readline())


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack", body(3))


@pytest.fixture
def run(pack: Path, tmp_path: Path) -> Iterator[Running]:
    with started(tmp_path / "err", "run", "--pack", pack, "--input", "-", "--output", "-") as running:
        yield running


def version(pack: Path) -> str:
    loaded = load(pack).pack
    assert loaded is not None
    return loaded.version


def test_a_threshold_is_changed_while_it_runs_and_counts_go_on(run: Running, pack: Path) -> None:
    first = version(pack)
    assert [ask(run, payment(f"t{at}")).action for at in range(2)] == ["allow", "allow"]
    write_pack(pack, body(4))
    run.await_told(f"{version(pack)} is in force from here on, after {first}: a.b changed")
    third, fourth = (ask(run, payment(f"t{at}")) for at in (2, 3))
    assert [(each.action, each.pack) for each in (third, fourth)] == [
        ("allow", version(pack)),
        ("block", version(pack)),
    ]
    again = ask(run, payment("t0"))
    assert (again.pack, again.duplicate) == (first, True)
    assert run.process.stdin is not None
    run.process.stdin.close()
    assert run.end() == 0
    assert "packs taken              1" in run.told


def test_a_bad_pack_is_told_once_and_changes_nothing(run: Running, pack: Path) -> None:
    first = version(pack)
    ask(run, payment("t0"))
    write_pack(pack, body(3).replace("params.most,", "params.mots,"))
    run.await_told("refused what", 60)
    assert "did you mean" in run.told
    assert ask(run, payment("t1")).pack == first
    write_pack(pack, body(3, FEATURE))
    run.await_told("is in force from here on")
    assert run.told.count("refused what") == 1
    last = ask(run, payment("t2"))
    assert (last.action, last.pack) == ("block", version(pack))
    assert run.process.stdin is not None
    run.process.stdin.close()
    assert run.end() == 0
    assert "packs refused            1" in run.told


def test_state_is_taken_up_by_the_pack_that_was_changed_to(pack: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = ("run", "--pack", pack, "--input", "-", "--output", "-", "--state", state)
    with started(tmp_path / "err", *command) as running:
        ask(running, payment("t0"))
        write_pack(pack, body(2))
        running.await_told("is in force from here on")
        assert ask(running, payment("t1")).action == "block"
        wait_until(lambda: last_beat(state).pack == version(pack), 20, "the pack in the heartbeat")
        write_pack(pack, body(2, FEATURE))  # a column that the state does not keep
        running.await_told("does not keep")
        assert ask(running, payment("t2")).action == "block"
        wait_until(lambda: "does not keep" in last_beat(state).refused, 20, "the refusal in the heartbeat")
        assert "refuses what its pack is now" in riskgate("health", state).stdout.decode()
        write_pack(pack, body(4))
        running.await_told(f"{version(pack)} is in force")
        running.process.kill()
    again = riskgate(*command, stdin=payment("t3"))
    assert again.returncode == 0, again.stderr
    last = decoded(again.stdout.splitlines()[-1])
    assert (last.transaction_id, last.action, last.pack) == ("t3", "block", version(pack))


def test_several_workers_change_together_and_keep_their_features(pack: Path, tmp_path: Path) -> None:
    events, decisions = tmp_path / "events", tmp_path / "decisions"
    os.mkfifo(events)
    ends = ("--input", events, "--output", decisions, "--workers", "2")

    def decided(count: int) -> Callable[[], bool]:
        return lambda: decisions.exists() and decisions.read_bytes().count(b"\n") >= count

    with started(tmp_path / "err", "run", "--pack", pack, *ends) as running, events.open("wb", 0) as stream:
        stream.write(payment("t0") + b"\n")
        wait_until(decided(1), 180, "a decision")
        first = version(pack)
        write_pack(pack, body(2))
        second = version(pack)
        running.await_told(f"worker 0: {second} is in force from here on, after {first}: a.b changed")
        stream.write(payment("t1") + b"\n")
        wait_until(decided(2), 20, "another decision")
        write_pack(pack, body(2, FEATURE))
        running.await_told("several workers keep their features; start all of them again to change one")
        stream.write(payment("t2") + b"\n")
        stream.close()
        assert running.end() == 0
        assert "packs taken              1" in running.told
    found = [(each.action, each.pack) for each in map(decoded, decisions.read_bytes().splitlines())]
    assert found == [("allow", first), ("block", second), ("block", second)]
