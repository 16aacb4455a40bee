"""Breakers as packs write them, and what makes a rule another one than it was."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from rules import Breaker, Pack, digest_of
from support.commands import ROOT
from support.rule_packs import errors, load_text, sound_pack

BODY = """\
features: {n: {count: event, by: user_id, over: 1h, where: 'country == "CN"'}, m: {count: event, by: ip, over: 1h}}
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 20 events}}
lists: {bad: {type: string, file: bad.csv}}
rules:
- id: a.rule
  when: n > params.most and m > 1 and user_id not in lists.bad and payee_id in ("a", "b", "c") and score.own.value > 2
  params: {most: 3}
  then: block
  mode: live
  event: [payment, topup, transfer, payout]
  breaker: {expected: 0.2%}
  tests: [{name: one, given: [{payment: {}}], expect: {then: allow}}]
- {id: b.rule, when: m > 1, then: review, mode: live}
"""
LISTS = {"bad.csv": "value,added_by,reason,expires_at\nu1,a,b,\n"}
HOUR_MS = 3_600_000


def breaker(folder: Path, text: str, then: str = "block", challenge: str = "  challenge: otp\n") -> Breaker | None:
    rule = f"rules:\n- id: a.rule\n  when: amount > 5\n  then: {then}\n{challenge}  breaker: {text}\n"
    return sound_pack(folder, rule).rules[0].breaker


def digests(pack: Pack) -> dict[str, str]:
    return {rule.id: digest_of(rule, pack) for rule in pack.rules}


def test_what_is_left_out_is_filled(tmp_path: Path) -> None:
    assert breaker(tmp_path, "{expected: 0.2%}") == Breaker(
        Fraction(1, 500), Fraction(5), HOUR_MS, 20, ("block", "step_up", "review")
    )


def test_all_can_be_said(tmp_path: Path) -> None:
    given = "{expected: 12.5%, multiple: 2.5, over: 90m, min_hits: 7, steps: [review]}"
    found = breaker(tmp_path, given)
    assert found == Breaker(Fraction(1, 8), Fraction(5, 2), HOUR_MS * 3 // 2, 7, ("block", "review"))
    assert found.limit == Fraction(5, 16)


def test_a_step_up_needs_a_challenge_to_be_among_the_usual_steps(tmp_path: Path) -> None:
    alone = breaker(tmp_path, "{expected: 1%}", challenge="")
    assert alone is not None
    assert alone.steps == ("block", "review")


def test_a_rule_that_steps_up_can_be_reviewed(tmp_path: Path) -> None:
    found = breaker(tmp_path, "{expected: 1%}", then="step_up")
    assert found is not None
    assert found.steps == ("step_up", "review")


@pytest.mark.parametrize("then", ["allow", "tag", "review"])
def test_nothing_is_weaker_than_these(tmp_path: Path, then: str) -> None:
    more = ", overrides: [b.b], expires: 2030-01-01" if then == "allow" else ""
    rules = f"rules:\n- {{id: a.a, when: amount > 5, then: {then}{more}, breaker: {{expected: 1%}}}}\n"
    loaded = load_text(tmp_path, f"{rules}- {{id: b.b, when: amount > 9, then: block}}\n")
    assert [each.code for each in errors(loaded)] == ["bad-breaker"]


def test_what_does_not_come_has_no_breaker(tmp_path: Path) -> None:
    sequence = "{by: user_id, within: 1h, steps: [order, {absent: delivery}]}"
    rule = f"rules:\n- {{id: a.a, sequence: {sequence}, then: block, breaker: {{expected: 1%}}}}\n"
    assert [each.code for each in errors(load_text(tmp_path, rule))] == ["bad-sequence"]


@pytest.mark.parametrize(("more", "is_shadowed"), [("", True), (", breaker: {expected: 1%, steps: [review]}", False)])
def test_a_rule_that_can_be_demoted_shadows_none_that_is_stronger_then(
    tmp_path: Path, more: str, is_shadowed: bool
) -> None:
    rules = f"""\
rules:
- {{id: a.strong, when: amount > 5, then: block, mode: live{more}}}
- {{id: b.weak, when: amount > 9, then: step_up, challenge: otp, mode: live}}
"""
    assert ("shadowed-rule" in {each.code for each in load_text(tmp_path, rules).findings}) is is_shadowed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("when: n > params.most and", "when: (n  >  params.most) and"),
        ("expect: {then: allow}", "expect: {then: block}"),
        ("- {id: b.rule, when: m > 1", "- {id: b.rule, when: m > 2"),
    ],
)
def test_these_make_no_other_rule(tmp_path: Path, old: str, new: str) -> None:
    assert old in BODY
    before, after = (digests(sound_pack(tmp_path, text, LISTS)) for text in (BODY, BODY.replace(old, new)))
    assert before["a.rule"] == after["a.rule"]


def test_what_lists_hold_makes_no_other_rule(tmp_path: Path) -> None:
    longer = {"bad.csv": LISTS["bad.csv"] + "u2,a,b,\n"}
    assert digests(sound_pack(tmp_path, BODY, LISTS)) == digests(sound_pack(tmp_path, BODY, longer))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("most: 3", "most: 4"),
        ("m > 1 and", "m > 2 and"),
        ("where: 'country == \"CN\"'", "where: 'country == \"HK\"'"),
        ("by: ip, over: 1h", "by: ip, over: 2h"),
        ("half_life: 20", "half_life: 21"),
        ("then: block", "then: step_up, challenge: otp"),
        ("expected: 0.2%", "expected: 0.3%"),
        ("event: [payment, topup,", "event: [payment,"),
    ],
)
def test_these_make_another_rule(tmp_path: Path, old: str, new: str) -> None:
    assert old in BODY
    changed = BODY.replace(old, new.replace(", challenge", "\n  challenge"))
    before, after = (digests(sound_pack(tmp_path, text, LISTS)) for text in (BODY, changed))
    assert before["a.rule"] != after["a.rule"]


def test_a_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, BODY, LISTS)
    code = "import sys, pathlib, rules; pack = rules.load(pathlib.Path(sys.argv[1])).pack; "
    code += "print(*(rules.digest_of(rule, pack) for rule in pack.rules))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path],
            capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.stdout.split() == list(digests(pack).values())
