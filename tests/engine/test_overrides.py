"""Rules that allow: what they override, and what they leave alone."""

from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.cuts import decided
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack

_RULES = """\
rules:
- {id: a.small, when: amount > 1, then: review, reason: SMALL, mode: live}
- {id: a.proof, when: amount > 5, then: step_up, challenge: sms_otp, mode: live}
- {id: a.block, when: amount > 50, then: block, mode: live}
- {id: b.trusted, when: "user_id == 'u1'", then: allow, overrides: [NAMED], expires: 2027-01-31, mode: MODE}
"""
DAY_MS = 1_801_353_600_000
"""2027-01-31T00:00:00Z"""


def _decision(tmp_path: Path, named: str, mode: str = "live", **fields: object) -> dict[str, Any]:
    pack = sound_pack(tmp_path, "skew: 900d\n" + _RULES.replace("NAMED", named).replace("MODE", mode))
    decision: dict[str, Any] = msgspec.json.decode(decided(pack, [nth_event(0, "payment", **fields)], {}, [1])[0])
    return decision


def test_only_what_is_named_is_overridden(tmp_path: Path) -> None:
    decision = _decision(tmp_path, "a.small, a.block", amount=100)
    assert decision["rules"] == ["a.small", "a.proof", "a.block", "b.trusted"]
    assert (decision["action"], decision["challenge"]) == ("step_up", "sms_otp")
    assert decision["overridden"] == ["a.small", "a.block"]
    assert [reason["rule"] for reason in decision["reasons"]] == ["a.small"]


def test_nobody_is_asked_for_a_proof_by_an_overridden_rule(tmp_path: Path) -> None:
    decision = _decision(tmp_path, "a.proof", amount=10)
    assert decision["action"] == "review"
    assert "challenge" not in decision


@pytest.mark.parametrize("fields", [{"user_id": "u2"}, {"timestamp": DAY_MS}, {"timestamp": DAY_MS + 1}])
def test_it_overrides_where_it_matches_until_its_day(tmp_path: Path, fields: dict[str, Any]) -> None:
    assert _decision(tmp_path, "a.small", amount=3, timestamp=DAY_MS - 1)["action"] == "allow"
    decision = _decision(tmp_path, "a.small", **{"amount": 3, **fields})
    assert (decision["action"], decision["rules"]) == ("review", ["a.small"])
    assert "overridden" not in decision


def test_in_shadow_it_overrides_nothing(tmp_path: Path) -> None:
    decision = _decision(tmp_path, "a.small", mode="shadow", amount=3)
    assert (decision["action"], decision["shadow"]) == ("review", ["b.trusted"])
    assert "overridden" not in decision


def test_detectors_learn_what_an_overridden_rule_would_have_blocked(tmp_path: Path) -> None:
    body = """\
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 5 events, warm_up: 3 events}}
rules:
- {id: a.block, when: amount > 1, then: block, mode: live}
- {id: a.seen, when: score.own.value > -99, then: tag, mode: live}
- {id: b.trusted, when: "user_id == 'u1'", then: allow, overrides: [a.block], expires: 2027-01-31, mode: live}
"""
    raws = [
        nth_event(at, "payment", timestamp=NOW_MS + at, amount=5 + at % 2, user_id=f"u{1 + at % 2}") for at in range(20)
    ]
    decisions = [msgspec.json.decode(each) for each in decided(sound_pack(tmp_path, body), raws, {}, repeat(7))]
    learnt = [decision["timestamp"] % 2 == NOW_MS % 2 for decision in decisions if "a.seen" in decision["rules"]]
    assert learnt
    assert all(learnt)
