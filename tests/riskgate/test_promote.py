"""`riskgate promote`, `rollback` and `history` as their users run them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.desks import PACK, RULES, Desk, refused


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_rule_goes_live_in_two_steps_and_back(desk: Desk) -> None:
    first = desk.version
    report = desk.backtest()
    assert report["rules"][0]["hits_per_judged"] == pytest.approx(32 / 40)
    done = desk.promote("small.burst", "shadow")
    assert done.exit_code == 0, done.output
    assert "-  mode: off  # not yet\n+  mode: shadow  # not yet\n" in done.output
    assert desk.rules.read_text() == RULES.replace("mode: off", "mode: shadow")
    second = desk.version
    done = desk.promote("small.burst", "live", who="eve", why="10 of 10 in May")
    assert done.exit_code == 0, done.output
    assert "2. promoted small.burst from shadow to live: " in done.output
    assert "32 hits of 40 judged events (80.000%)" in done.output
    assert desk.modes == {"small.burst": "live", "small.ip": "shadow"}
    third = desk.version

    history = desk.history()
    assert history["in_force"] == third
    assert [(each["before"], each["after"], each["who"], each["why"]) for each in history["records"]] == [
        (first, second, "ann", "it is good"),
        (second, third, "eve", "10 of 10 in May"),
    ]
    measured = history["records"][1]["backtest"]
    assert (measured["hits"], measured["judged"], measured["pack"]) == (32, 40, f"small@{first}")
    assert (measured["precision"], measured["recall"]) == (pytest.approx(10 / 32), 1.0)
    shown = desk.command("history", desk.pack).output
    assert "by eve: 10 of 10 in May" in shown
    assert shown.endswith(f"in force: {third}\n")

    assert desk.rollback().exit_code == 0
    assert desk.version == second
    assert desk.rollback().exit_code == 0
    assert desk.rules.read_text() == RULES
    refused(desk.rollback(), 1, "expected a change that can be taken back, got none")
    assert desk.rollback("--to", third).exit_code == 0
    assert desk.modes["small.burst"] == "live"
    assert [each["action"] for each in desk.history()["records"]] == ["promote"] * 2 + ["rollback"] * 3


def test_a_breaker_is_held_against_the_backtest(desk: Desk) -> None:
    desk.backtest()
    assert desk.promote("small.burst", "shadow").exit_code == 0
    plain = desk.rules.read_text()
    with_breaker = plain.replace("  then: block\n", "  then: block\n  breaker: {expected: 10%}\n")
    desk.rules.write_text(with_breaker)
    told = "leaves it alone where it matches as in its backtest, got one that demotes it beyond 50%, where 80% of the"
    refused(desk.promote("small.burst", "live"), 3, told)
    desk.rules.write_text(with_breaker.replace("expected: 10%", "expected: 20%"))
    refused(desk.promote("small.burst", "live"), 3, "multiple")
    desk.rules.write_text(with_breaker.replace("expected: 10%", "expected: 80%, multiple: 1.2"))
    done = desk.promote("small.burst", "live")
    assert done.exit_code == 0, done.output
    assert "its breaker expects 80%, the backtest had 80%" in done.output
    assert desk.rollback().exit_code == 0
    desk.rules.write_text(plain)
    done = desk.promote("small.burst", "live")
    assert "it has no breaker: with `breaker: {expected: 80%}`" in done.output


def test_edits_by_hand_are_told_and_gone_back_to(desk: Desk) -> None:
    assert "nothing was recorded so far" in desk.command("history", desk.pack).output
    desk.backtest()
    first = desk.rules.read_text()
    assert desk.promote("small.burst", "shadow").exit_code == 0
    edited = desk.rules.read_text().replace("most: 2", "most: 20")
    desk.rules.write_text(edited)
    (desk.pack / "more.yml").write_text("rules: [{id: small.more, when: amount > 9, then: tag}]\n")
    mine = desk.version
    assert "edited by hand since record 1" in desk.command("history", desk.pack).output
    done = desk.rollback()
    assert done.exit_code == 0, done.output
    assert "-rules: [{id: small.more" in done.output
    assert desk.rules.read_text() == first
    assert not (desk.pack / "more.yml").exists()
    assert desk.rollback("--to", mine).exit_code == 0
    assert desk.rules.read_text() == edited
    assert desk.version == mine


def test_one_step_at_a_time(desk: Desk) -> None:
    desk.backtest()
    refused(desk.promote("small.burst", "live"), 1, "expected a rule that is shadow, got `small.burst`, which is off")
    refused(desk.promote("small.ip", "shadow"), 1, "expected a rule that is off, got `small.ip`, which is shadow")
    refused(desk.promote("small.brust", "shadow"), 1, "did you mean `small.burst`?")
    assert desk.rules.read_text() == RULES
    assert not (desk.pack / ".history").exists() or desk.history()["records"] == []


TEST = "  - {name: two, given: [{payment: {}, repeat: 2}], expect: {then: allow}}\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (TEST, "", ["on both sides, got none that must not match"]),
        ("repeat: 3", "repeat: 2", ["got 1 that failed", "small.burst: three", "expected then: block, got allow"]),
        ("then: review}}", "then: allow}}", ["got 1 that failed", "small.ip: there"]),
    ],
)
def test_tests_must_pass_on_both_sides(desk: Desk, old: str, new: str, told: Sequence[str]) -> None:
    desk.backtest()
    desk.rules.write_text(RULES.replace(old, new))
    changed = desk.rules.read_text()
    assert changed != RULES
    refused(desk.promote("small.burst", "shadow"), 3, "refused", *told)
    assert desk.rules.read_text() == changed


def test_the_backtest_must_be_of_the_rule_as_it_is(desk: Desk) -> None:
    desk.backtest()
    desk.rules.write_text(RULES.replace("most: 2", "most: 1"))
    refused(desk.promote("small.burst", "shadow"), 3, "its condition, or what it reads, has changed since")
    desk.rules.write_text(RULES.replace('"10.0.0.1"', '"10.0.0.3"').replace("ip: 10.0.0.1", "ip: 10.0.0.3"))
    assert desk.promote("small.burst", "shadow").exit_code == 0


def test_a_rule_that_is_not_measured_stays(desk: Desk) -> None:
    desk.backtest()
    refused(desk.promote("small.ip", "live"), 3, "UNMEASURED", "no event has ip")


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ("", "one that cannot be read"),
        ("{", "one that cannot be read"),
        ("[]", "one that cannot be read"),
        ('{"version": 99}', "expected a report of version 2, got 99"),
        ('{"version": 2}', "missing required field"),
    ],
)
def test_other_files_are_no_reports(desk: Desk, report: str, told: str) -> None:
    desk.report.write_text(report)
    refused(desk.promote("small.burst", "shadow"), 3, told)


def test_reports_of_other_packs_and_rules_are_refused(desk: Desk) -> None:
    report = desk.backtest()
    desk.report.write_text(json.dumps(report | {"pack": "other@0123456789ab"}))
    refused(desk.promote("small.burst", "shadow"), 3, "in the pack `small`, got one of `other@0123456789ab`")
    desk.report.write_text(json.dumps(report | {"rules": report["rules"][1:]}))
    refused(desk.promote("small.burst", "shadow"), 3, "without this rule")
    for each in report["rules"]:
        del each["content"]
    desk.report.write_text(json.dumps(report))
    refused(desk.promote("small.burst", "shadow"), 3, "missing required field `content`")


def test_a_bad_pack_is_shown(desk: Desk) -> None:
    desk.backtest()
    desk.rules.write_text(RULES.replace("n > params.most", "m > params.most"))
    refused(desk.promote("small.burst", "shadow"), 3, "error[unknown-field]")


def test_a_version_that_was_never_in_force_is_no_way_back(desk: Desk) -> None:
    desk.backtest()
    refused(desk.rollback("--to", "0123456789ab"), 1, "expected a version that was in force before")
    desk.promote("small.burst", "shadow")
    refused(desk.rollback("--to", "../../../etc"), 1, "expected a version such as")
    refused(desk.rollback("--to", desk.version), 1, "expected another version than the one that is in force")


def test_a_broken_pack_is_gone_back_from(desk: Desk) -> None:
    desk.backtest()
    desk.promote("small.burst", "shadow")
    assert desk.rollback().exit_code == 0
    good = desk.version
    desk.rules.write_text("rules: [\n")
    refused(desk.rollback(), 1, f"--to {good} undoes what was edited by hand since")
    assert desk.rollback("--to", good).exit_code == 0
    assert desk.rules.read_text() == RULES


def test_who_and_why_are_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.backtest()
    words = ("promote", desk.pack, "small.burst", "--to", "shadow", "--backtest", desk.report)
    assert "Missing option '--why'" in desk.command(*words).output
    assert "printable characters, got" in desk.command(*words, "--why", "a\nb").output
    assert "printable characters, got" in desk.command(*words, "--why", " ").output
    assert "printable characters, got" in desk.command(*words, "--why", "x", "--who", "\x1b[2J").output
    monkeypatch.setenv("RISKGATE_USER", "carol")
    assert desk.command(*words, "--why", "x").exit_code == 0
    assert desk.history()["records"][0]["who"] == "carol"
    monkeypatch.delenv("RISKGATE_USER")
    monkeypatch.setenv("LOGNAME", "dora")
    assert desk.command("rollback", desk.pack, "--why", "x").exit_code == 0
    assert desk.history()["records"][1]["who"] == "dora"


def test_overlays_and_lists_go_back_with_the_rest(desk: Desk) -> None:
    (desk.pack / "overlays").mkdir()
    overlay = desk.pack / "overlays" / "prod.yml"
    overlay.write_text("rules: {small.burst: {params: {most: 5}}}\n")
    desk.backtest()
    before = desk.history()["in_force"]
    assert desk.promote("small.burst", "shadow").exit_code == 0
    overlay.write_text("rules: {small.burst: {params: {most: 50}}}\n")
    assert desk.rollback().exit_code == 0
    assert overlay.read_text() == "rules: {small.burst: {params: {most: 5}}}\n"
    assert desk.history()["in_force"] == before
    desk.backtest("--overlay", "prod")
    refused(desk.promote("small.burst", "shadow"), 3, "has changed since")


@pytest.fixture
def careful(desk: Desk) -> Desk:
    """Where a second person must approve, and a rule is in shadow."""
    (desk.pack / "pack.yml").write_text(PACK + "approval: second_person\n")
    desk.backtest()
    assert desk.promote("small.burst", "shadow").exit_code == 0
    assert desk.modes["small.burst"] == "shadow"
    return desk


def test_a_second_person_puts_a_rule_live(careful: Desk) -> None:
    before = careful.version
    done = careful.promote("small.burst", "live", who="ann")
    assert done.exit_code == 0, done.output
    assert "2. proposed small.burst from shadow to live" in done.output
    assert f"riskgate approve {careful.pack} 2" in done.output
    assert careful.version == before
    history = careful.history()
    assert (history["waiting"], history["in_force"]) == ([2], before)
    assert history["records"][1]["backtest"]["hits"] == 32
    refused(careful.approve(2, "Ann"), 1, "expected a second person, got `Ann`, who proposed it")
    refused(careful.approve(1, "bob"), 1, "expected the number of a proposal that waits (2), got 1")
    refused(careful.rollback("--to", history["records"][1]["after"]), 1, "that was in force before")
    assert careful.version == before
    done = careful.approve(2, "bob")
    assert done.exit_code == 0, done.output
    assert "+  mode: live  # not yet" in done.output
    assert careful.modes["small.burst"] == "live"
    refused(careful.approve(2, "carol"), 1, "got 2, which `bob` has approved")
    assert (careful.history()["waiting"], careful.history()["in_force"]) == ([], careful.version)
    shown = careful.command("history", careful.pack).output
    assert "3. approved 2, small.burst from shadow to live" in shown
    assert "waits for" not in shown
    assert careful.rollback().exit_code == 0
    assert careful.version == before
    assert careful.modes["small.burst"] == "shadow"


def test_what_is_approved_is_what_was_seen(careful: Desk) -> None:
    careful.promote("small.burst", "live", who="ann")
    proposed = careful.rules.read_text()
    careful.rules.write_text(proposed.replace("most: 2", "most: 1"))
    refused(careful.approve(2, "bob"), 1, "(none does), got 2: the pack has changed since", "promote again")
    assert careful.history()["waiting"] == []
    careful.rules.write_text(proposed)
    assert careful.history()["waiting"] == [2]
    assert careful.approve(2, "bob").exit_code == 0


def test_another_approval_is_a_finding(desk: Desk) -> None:
    (desk.pack / "pack.yml").write_text(PACK + "approval: third_person\n")
    done = desk.command("lint", desk.pack)
    assert "expected `second_person` for `approval`, got `third_person`" in done.output
