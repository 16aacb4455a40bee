"""What the engine lets detectors learn: every judged event that was not blocked, after it was scored."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import Engine
from schemas.batches import decode
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

USUAL, ODD = 12, 900_000


def decisions(folder: Path, then: str, events: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """Decisions, with the score as the sentence, where odd events are answered with `then`."""
    pack = sound_pack(
        folder,
        "detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 5 events, warm_up: 3 events}}\n"
        f"rules:\n- {{id: a.b, when: amount > 1000, then: {then}, challenge: sms, mode: live}}\n"
        "- {id: a.c, when: amount > 0, then: tag, mode: live, reason: SAW, explain: '{score.own.value}'}\n",
    )
    engine = Engine(pack, memory_bytes=MEMORY_MIN)
    raws = [nth_event(at, each.get("type", "payment"), timestamp=NOW_MS + at, **each) for at, each in enumerate(events)]
    batches = [decode(raws[start : start + size]) for start in range(0, len(raws), size)]
    return [msgspec.json.decode(each) for batch in batches for each in engine.decide(batch, {}).encoded]


def scores(found: list[dict[str, Any]]) -> list[str]:
    return [each["reasons"][0]["text"] for each in found]


@pytest.mark.parametrize("size", [1, 100])
def test_blocked_events_teach_nothing(tmp_path: Path, size: int) -> None:
    """However often fraud is tried, it stays as odd as the first time."""
    events = [{"amount": USUAL}] * 5 + [{"amount": ODD}] * 50 + [{"amount": USUAL}]
    found = decisions(tmp_path, "block", events, size)
    assert [each["action"] for each in found] == ["allow"] * 5 + ["block"] * 50 + ["allow"]
    assert scores(found) == ["missing"] * 3 + ["0"] * 2 + ["10"] * 50 + ["0"]


@pytest.mark.parametrize("then", ["review", "step_up", "tag"])
def test_what_is_let_through_is_learnt(tmp_path: Path, then: str) -> None:
    found = decisions(tmp_path, then, [{"amount": USUAL}] * 5 + [{"amount": ODD}] * 50, 7)
    assert float(scores(found)[-1]) < 3


def test_events_that_nobody_judges_are_not_learnt(tmp_path: Path) -> None:
    """A login has no amount; money in another currency is missing."""
    others: list[dict[str, Any]] = [{"type": "login"}, {"amount": ODD, "currency": "JPY"}]
    found = decisions(tmp_path, "block", [{"amount": USUAL}] * 3 + others * 9 + [{"amount": USUAL}], 100)
    assert [each["reasons"][0]["text"] for each in found if each["reasons"]] == ["missing"] * 3 + ["0"]
