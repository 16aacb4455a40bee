"""`riskgate explain` as an analyst runs it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.commands import riskgate
from support.packs import write_pack
from support.services import ROOT

RULES = """\
- id: small.burst
  title: Three in ten minutes
  when: tx_10m > params.most and method == "card"
  params: {most: 2}
  then: block
  reason: BURST
  mode: live
  explain: "{tx_10m} in ten minutes"
  runbook: runbooks/burst.md
- id: small.much
  when: spend_1h >= params.least
  params: {least: 100.00 CNY}
  then: review
  mode: shadow
- id: small.old
  when: user_age > params.young and amount > 1
  params: {young: 30m}
  then: step_up
  challenge: otp
  mode: live
  exceptions: [{fields: [user_id], values: [[u1]], expires: 2027-01-31, note: a test}]
- id: small.device
  when: has_device_age > params.young
  params: {young: 1h}
  then: review
  mode: live
- id: small.paid_not_delivered
  sequence: {by: user_id, within: 1h, steps: [order, {absent: delivery}]}
  then: review
  reason: NOT_DELIVERED
  mode: live
  explain: "nothing came to {user_id}"
"""
HEAD = """\
schema: 1
pack: small
owner: testers
currency: CNY
defaults: {event: payment, mode: live}
features:
  tx_10m: {count: event, by: user_id, over: 10m}
  spend_1h: {sum: amount, by: user_id, over: 1h}
  user_age: {age: user_id, over: 30d}
  has_device_age: {age: device_id, over: 30d}
"""
T0 = 1_788_220_800_000  # 2026-09-01


def _payment(number: int, at_s: int, **fields: Any) -> dict[str, Any]:
    common = {"type": "payment", "user_id": "u1", "amount": 5, "currency": "CNY", "method": "card"}
    return {**common, "transaction_id": f"t{number}", "timestamp": T0 + 1_000 * at_s, **fields}


EVENTS = [
    {"type": "order", "event_id": "o1", "order_id": "o1", "timestamp": T0, "user_id": "u9"},
    *(_payment(100 + number, 9_700 + number, user_id="u4") for number in range(40)),
    _payment(1, 7_000),
    _payment(2, 10_000),
    _payment(2, 10_000),
    _payment(3, 10_060, amount="90.00"),
    _payment(3, 10_060, amount="91.00"),
    _payment(9, 9_900 - 5_000),
    _payment(4, 10_120),
    _payment(5, 10_180, user_id="u2"),
    {"type": "login", "event_id": "l1", "timestamp": T0 + 10_190_000, "user_id": "u1"},
    _payment(6, 10_200, user_id="u2"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_pack(tmp_path, RULES, HEAD)
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS) + "no json\n")
    return path


def _run(data: Path, name: str, *options: str) -> Result:
    arguments = ["explain", name, "--pack", str(data.parent), "--data", str(data), *options]
    return CliRunner().invoke(cli, arguments)


def test_it_shows_rules_values_events_and_what_would_change_it(data: Path) -> None:
    done = _run(data, "t4")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("t4  block  2026-09-01 02:48:40  by small@")
    assert lines[1] == "  payment of 5.00 CNY: user_id u1, method card"
    for expected in (
        "Rules that hit",
        "           3 in ten minutes",
        "           runbook: runbooks/burst.md",
        "Rules that would have hit, but are not live",
        "Rules kept from hitting by an exception, or that have ended",
        "Rules that lacked a value",
        "           without a value: has_device_age",
        "  tx_10m = 3  count by user_id, over 10m; user_id u1",
        "    2026-09-01 02:46:40  payment  5.00 CNY   u1  t2",
        "    2026-09-01 02:48:40  payment  5.00 CNY   u1  t4  <- this one",
        f"rows of `{data}` that could not be read, and count nowhere: 1",
    ):
        assert any(line.startswith(expected) for line in lines), (expected, done.output)
    changes = lines[
        lines.index("What alone would have changed the decision, all else as it was, the smallest first") + 1 :
    ]
    assert changes[0].split() == ["small.burst:", "params.most", "3", "instead", "of", "2", "->", "allow"]
    assert changes[1].split() == ["tx_10m", "2", "instead", "of", "3", "->", "allow"]


def test_a_pack_with_the_change_decides_as_was_told(data: Path) -> None:
    _run(data, "t4", "--json", str(data.parent / "t4.json"))
    (found,) = json.loads((data.parent / "t4.json").read_text())["explanations"]
    changes = [each for each in found["alternatives"]["found"] if each["kind"] == "param"]
    assert [(each["name"], each["new"], each["action"]) for each in changes] == [
        ("small.burst: params.most", 3, "allow")
    ]
    rules = data.parent / "rules.yml"
    rules.write_text(rules.read_text().replace("most: 2", "most: 3"))
    assert _run(data, "t4").output.startswith("t4  allow")
    assert "No live rule hit" in _run(data, "t4").output


def test_what_came_too_late_or_again_is_named(data: Path) -> None:
    told = _run(data, "t4", "--json", str(data.parent / "t4.json"))
    assert told.exit_code == 0
    (found,) = json.loads((data.parent / "t4.json").read_text())["explanations"]
    spend = next(each for each in found["counts"] if each["name"] == "spend_1h")
    assert (spend["value"], spend["recounted"], spend["agrees"]) == (10_500, 10_500, True)
    assert [each["id"] for each in spend["made_by"]] == ["t1", "t2", "t3", "t4"]
    assert [(each["id"], each["fate"]) for each in spend["left_out"]] == [("t2", "repeated"), ("t3", "conflicting")]
    age = next(each for each in found["counts"] if each["name"] == "user_age")
    assert [each["id"] for each in age["made_by"]] == ["t1"]
    assert [each["id"] for each in age["left_out"]] == ["t9", "t2", "t3"]
    assert "not counted: t9  2026-09-01 01:21:40  came too late to be counted" in told.output
    again = _run(data, "t2")
    assert "times that it came again and got the decision it had got: 1" in again.output


def test_amounts_of_other_currencies_are_those_that_were_summed(data: Path) -> None:
    (data.parent / "pack.yml").write_text(HEAD.replace("currency: CNY\n", "currency: CNY\nrates: rates.csv\n"))
    (data.parent / "rates.csv").write_text("currency,rate,from\nUSD,7.25,\n")
    paid = {"type": "payment", "timestamp": T0 + 10_125_000, "user_id": "u1", "amount": 20, "currency": "USD"}
    lines = data.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if '"t4"' in line)
    other = json.dumps(paid | {"transaction_id": "t41"}) + "\n"
    last = json.dumps(paid | {"transaction_id": "t42", "currency": "CNY"}) + "\n"
    data.write_text("".join([*lines[: at + 1], other, last, *lines[at + 1 :]]))
    assert _run(data, "t42", "--json", str(data.parent / "t42.json")).exit_code == 0
    (found,) = json.loads((data.parent / "t42.json").read_text())["explanations"]
    spend = next(each for each in found["counts"] if each["name"] == "spend_1h")
    assert [(each["id"], each["amount"]) for each in spend["made_by"]][-2:] == [
        ("t41", "145.00 CNY"),
        ("t42", "20.00 CNY"),
    ]
    assert (spend["value"], spend["agrees"]) == (10_500 + 14_500 + 2_000, True)


def test_a_decision_by_a_timer_is_explained(data: Path) -> None:
    done = _run(data, "o1")
    assert done.exit_code == 0
    assert "o1  review  since what was to follow had not come by 2026-09-01 01:00:00, by small@" in done.output
    assert "small.paid_not_delivered: nothing came to u9" in done.output


def test_an_event_without_a_decision_is_told(data: Path) -> None:
    login, nothing = _run(data, "l1"), _run(data, "t77")
    assert (login.exit_code, nothing.exit_code) == (1, 1)
    assert "`l1`, a `login` that no rule judges" in login.output
    assert "expected an event with the id `t77`" in nothing.output
    assert "got none; 1 others could not be read" in nothing.output
    (data.parent / "rules.yml").write_text("rules: [{id: a.b}]")
    assert _run(data, "t4").exit_code == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_is_explained_by_what_it_keeps(data: Path, workers: int) -> None:
    decisions, state = data.parent / "decisions.ndjson", data.parent / "state"
    job = ("--pack", data.parent, "--input", data, "--output", decisions, "--state", state, "--workers", str(workers))
    done = riskgate("run", *job)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in decisions.read_text().splitlines()]
    (given,) = [line for line in lines if line["transaction_id"] == "t4"]
    kept = ["explain", "t4", "--pack", str(data.parent), "--state", str(state), "--json", str(data.parent / "k.json")]
    told = CliRunner().invoke(cli, kept)
    assert told.exit_code == 0, told.output
    (found,) = json.loads((data.parent / "k.json").read_text())["explanations"]
    assert {name: value for name, value in found["decision"].items() if value != []} == {
        name: value for name, value in given.items() if value != []
    }
    assert "tx_10m = 3  count by user_id, over 10m; user_id (not kept)" in told.output
    assert "    2026-09-01 02:46:40  payment  5.00 CNY   t2" in told.output
    assert "    2026-09-01 02:48:40  payment  5.00 CNY   t4  <- this one" in told.output
    spend = next(each for each in found["counts"] if each["name"] == "spend_1h")
    assert [each["id"] for each in spend["made_by"]] == ["t1", "t2", "t3", "t4"]
    assert (spend["value"], spend["recounted"], spend["agrees"]) == (10_500, 10_500, True)
    nothing = CliRunner().invoke(cli, ["explain", "t77", *kept[2:]])
    assert nothing.exit_code == 1
    (data.parent / "pack.yml").write_text(HEAD.replace("pack: small", "pack: other"))
    other = CliRunner().invoke(cli, kept)
    assert other.exit_code == 1
    assert "expected the state of pack `other`, got that of pack `small`" in other.output


def test_one_source_is_needed(data: Path) -> None:
    for options, expected in (
        ((), "expected one of --data and --state, got none"),
        (("--data", str(data), "--state", str(data.parent / "s")), "expected one of --data and --state, got both"),
        (("--map", str(data), "--state", str(data.parent / "s")), "expected --map with --data"),
        (("--state", str(data.parent / "s")), "expected a state directory"),
    ):
        done = CliRunner().invoke(cli, ["explain", "t4", "--pack", str(data.parent), *options])
        assert done.exit_code in (1, 2)
        assert expected in done.output


def test_the_page_shows_what_is_printed() -> None:
    page = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    shown = re.findall(r"```console\n\$ riskgate (.*)\n((?:.*\n)*?)```", page)
    assert shown
    for command, output in shown:
        done = riskgate(*shlex.split(command))
        pattern = re.sub(r"@[0-9a-f]{12}", "@[0-9a-f]{12}", re.escape(output)).replace("\\.\\.\\.\\\n", "(?:.*\n)*")
        assert re.fullmatch(pattern, done.stdout.decode()), done.stdout.decode()


def test_the_example_of_the_demo_pack_is_explained() -> None:
    events = str(ROOT / "docs" / "examples" / "card-testing.ndjson")
    pack = str(ROOT / "rules" / "packs" / "game-points")
    done = CliRunner().invoke(cli, ["explain", "t5", "--pack", pack, "--data", events])
    assert done.exit_code == 0, done.output
    assert "device_cards_10m = 5  distinct of card_id by device_id, over 10m" in done.output
    assert "device_cards_10m 4 instead of 5 -> step_up" in " ".join(done.output.split())
    assert "device_cards_10m 2 instead of 5 -> allow" in " ".join(done.output.split())
