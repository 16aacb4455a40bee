"""A rule that cannot be evaluated costs only itself.

No text of the language makes a condition that raises, so these conditions are built from wrongly typed trees.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules import Condition, Input, Literal, Pack
from rules.syntax import Call, Compare, Node, Read
from support.cuts import decided
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack

_BODY = """\
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 5 events, warm_up: 1 events}}
rules:
- {id: a.first, when: amount > 5, then: review, mode: live}
- {id: a.fails, when: amount > 5, then: block, mode: live}
- {id: a.missing, when: quantity > 5, then: tag, mode: live}
- {id: a.score, when: score.own.value > -99, then: step_up, challenge: sms_otp, mode: live}
"""
_METHOD = Read(Input("field", "method", "number"))
_ALWAYS = Compare("==", Call("lower", (Read(Input("field", "amount", "money", True)),), "text"), Literal("x", "text"))
_WHERE_THERE_IS_A_METHOD = Compare(">", _METHOD, Literal(1, "number"))


def _failing(tmp_path: Path, tree: Node, **changes: Any) -> Pack:
    """The pack with that condition, and with other changes of the rule `a.fails`."""
    pack = sound_pack(tmp_path, _BODY)
    changes["when"] = Condition("broken", tree)
    rules = [replace(rule, **changes) if rule.id == "a.fails" else rule for rule in pack.rules]
    return replace(pack, rules=tuple(rules))


def _decisions(pack: Pack, sizes: Sequence[int], **fields: object) -> list[dict[str, Any]]:
    raws = [
        nth_event(at, "payment", timestamp=NOW_MS + at, amount=6 + at % 3, **(fields if at % 2 else {}))
        for at in range(80)
    ]
    return [msgspec.json.decode(each) for each in decided(pack, raws, {}, cycle(sizes))]


@pytest.mark.parametrize("size", [1, 31, 32, 80])
@pytest.mark.parametrize("tree", [_ALWAYS, _WHERE_THERE_IS_A_METHOD], ids=["always", "sometimes"])
def test_the_other_rules_are_judged(tmp_path: Path, tree: Node, size: int) -> None:
    failing = _failing(tmp_path / "a", tree)
    sound = replace(failing, rules=tuple(rule for rule in failing.rules if rule.id != "a.fails"))
    expected = _decisions(sound, [7], method="card")
    for at, (decision, other) in enumerate(zip(_decisions(failing, [size], method="card"), expected, strict=True)):
        has_failed = tree is _ALWAYS or at % 2 == 1
        assert decision.get("errors", []) == (["a.fails"] if has_failed else [])
        assert decision["origin"] == ("degraded" if has_failed else "scored")
        if has_failed:
            assert {name: decision[name] for name in other if name != "origin"} == {
                name: value for name, value in other.items() if name != "origin"
            }


def test_a_shadow_rule_that_fails_is_told(tmp_path: Path) -> None:
    (decision, *_) = _decisions(_failing(tmp_path, _ALWAYS, mode="shadow"), [1])
    assert (decision["errors"], decision["origin"]) == (["a.fails"], "degraded")


@pytest.mark.parametrize("size", [1, 80])
def test_a_rule_that_reads_a_score_fails_by_itself(tmp_path: Path, size: int) -> None:
    score = Read(Input("score", "own.value", "text"))
    tree = Compare("==", Call("lower", (score,), "text"), Literal("x", "text"))
    first, *others = _decisions(_failing(tmp_path, tree), [size])
    assert "errors" not in first, "there is no score yet, so the rule is missing"
    assert all(each["errors"] == ["a.fails"] and "a.score" in each["rules"] for each in others)


def test_who_does_not_judge_the_event_does_not_fail(tmp_path: Path) -> None:
    pack = _failing(tmp_path, _ALWAYS, events=frozenset(("login",)))
    for size in (1, 80):
        assert not any("errors" in each for each in _decisions(pack, [size]))


@pytest.mark.parametrize("size", [1, 80])
def test_a_failure_is_not_missing(tmp_path: Path, size: int) -> None:
    decisions = _decisions(_failing(tmp_path, _ALWAYS, on_missing="match"), [size])
    assert all("a.fails" not in each["rules"] and each["action"] != "block" for each in decisions)
