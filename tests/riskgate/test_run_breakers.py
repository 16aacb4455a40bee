"""`riskgate run` with breakers: a rule that matches far too often is demoted, told, seen, and stays so after a kill."""

import json
import random
from pathlib import Path

import pytest

from riskgate.heartbeat import last_beat
from support.commands import riskgate, started
from support.kills import kill_at
from support.rule_packs import write_pack
from support.services import wait_until
from support.streams import NOW_MS, decoded, payment

RULE = """\
- id: a.large
  when: amount > params.most
  params: {most: MOST}
  then: block
  mode: live
  challenge: otp
  breaker: {expected: 1%, over: 1h, min_hits: 5}
"""
EVENTS = 20_000


def body(most: int, more: str = "") -> str:
    return "rules:\n" + RULE.replace("MOST", str(most)) + more


def event(number: int, amount: int) -> bytes:
    return payment(f"t{number}", amount=amount, timestamp=NOW_MS + 1_000 * number)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack", body(50))


def test_a_demotion_is_told_once_and_survives_a_kill(pack: Path, tmp_path: Path) -> None:
    state, audit = tmp_path / "state", tmp_path / "audit"
    ends = ("--input", "-", "--output", "-", "--audit", audit, "--state", state)
    with started(tmp_path / "err", "run", "--pack", pack, *ends) as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        actions = []
        for number in range(8):
            running.process.stdin.write(event(number, 99) + b"\n")
            running.process.stdin.flush()
            actions.append(decoded(running.process.stdout.readline()).action)
        assert actions == ["block"] * 4 + ["step_up"] * 4
        line = "rule a.large matched 5 of 5 events, which its breaker does not allow: from `t4` on it acts as step_up"
        running.await_told(line)
        assert running.told.count("a.large") == 1
        wait_until(lambda: bool(last_beat(state).demoted), 20, "the demotion in the heartbeat")
        assert "demoted: a.large acts as step_up in the place of block" in riskgate("health", state).stdout.decode()
        running.process.kill()
    (told,) = map(json.loads, audit.read_text().splitlines())
    assert told.pop("pack").startswith("test@")
    assert told.pop("place")["line"] == 5
    assert told == {
        "audit": "rule_demoted",
        "rule": "a.large",
        "from": "block",
        "to": "step_up",
        "hits": 5,
        "judged": 5,
        "id": "t4",
        "timestamp": NOW_MS + 4_000,
    }
    again = riskgate("run", "--pack", pack, *ends, stdin=event(100, 99))
    assert b"rule a.large is still demoted: it acts as step_up in the place of block" in again.stderr
    last = json.loads(again.stdout.splitlines()[-1])
    assert (last["action"], last["demoted"]) == ("step_up", [{"rule": "a.large", "from": "block", "to": "step_up"}])
    write_pack(pack, body(51))
    other = riskgate("run", "--pack", pack, *ends, stdin=event(101, 99))
    assert b"no longer demoted, since they were changed: a.large" in other.stderr
    assert json.loads(other.stdout.splitlines()[-1])["action"] == "block"
    assert len(audit.read_text().splitlines()) == 1


def test_without_a_file_for_audits_it_is_told_once_too(pack: Path) -> None:
    events = b"\n".join(event(number, 99) for number in range(10))
    done = riskgate("run", "--pack", pack, "--input", "-", "--output", "-", stdin=events)
    assert done.stderr.count(b"a.large") == 1
    assert b"demoted                  1   times a rule matched far too often; see above" in done.stderr


def test_what_kills_leave_is_what_an_undisturbed_run_gives(tmp_path: Path) -> None:
    """Hits come and go, so that rules are demoted here and there."""
    draw = random.Random(7)
    rules = [
        RULE.replace("a.large", f"a.r{number}").replace("MOST", str(90 - number)).replace("over: 1h", f"over: {over}")
        for number, over in enumerate(("10m", "30m", "1h", "2h"))
    ]
    pack = write_pack(tmp_path / "pack", "rules:\n" + "".join(rules))
    times = sorted(draw.randrange(EVENTS) for _ in range(8))
    wild = {number for at in times for number in range(at, at + 300)}
    amounts = [draw.randrange(60, 100) if number in wild else draw.randrange(1, 88) for number in range(EVENTS)]
    events = [event(number, amount) for number, amount in enumerate(amounts)]
    (tmp_path / "events").write_bytes(b"\n".join(events) + b"\n")

    def command(name: str) -> tuple[str | Path, ...]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        ends = ("--output", folder / "decisions", "--audit", folder / "audit", "--state", folder / "state")
        return ("run", "--pack", pack, "--input", tmp_path / "events", *ends)

    done = riskgate(*command("whole"))
    assert done.returncode == 0, done.stderr
    whole = tmp_path / "whole" / "decisions"
    audits = list(map(json.loads, (tmp_path / "whole" / "audit").read_text().splitlines()))
    assert {(each["audit"], each["to"]) for each in audits} == {("rule_demoted", "step_up"), ("rule_demoted", "review")}
    decisions = tmp_path / "killed" / "decisions"

    def progress() -> int:
        return decisions.stat().st_size if decisions.exists() else 0

    marks = sorted(draw.randrange(1, whole.stat().st_size * 9 // 10) for _ in range(4))
    kill_at(draw, progress, marks, *command("killed"), errors=tmp_path / "err")
    done = riskgate(*command("killed"))
    assert done.returncode == 0, done.stderr
    for name in ("decisions", "audit"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
