"""Outcomes as bits: with more rules than a word has bits, of which some read a score."""

from itertools import cycle
from pathlib import Path

import msgspec
import pytest

from support.cuts import decided
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack

RULES = 150
DETECTOR = "detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 5 events, warm_up: 1 events}}\n"


@pytest.mark.parametrize("size", [1, 31, 32, 200])
def test_each_of_many_rules_has_its_bit(tmp_path: Path, size: int) -> None:
    """Rule n matches from the amount n on; every seventh only with a score, which the first event has not."""
    lines = []
    for number in range(RULES):
        when = f"amount >= {number}" + (" and score.own.value > -99" if number % 7 == 0 else "")
        lines.append(f"- {{id: a.r{number}, when: {when}, then: tag, mode: live}}\n")
    pack = sound_pack(tmp_path, f"{DETECTOR}rules:\n{''.join(lines)}")
    amounts = [(37 * at) % (RULES + 20) for at in range(200)]
    raws = [nth_event(at, "payment", timestamp=NOW_MS + at, amount=amount) for at, amount in enumerate(amounts)]
    first, *others = [msgspec.json.decode(each)["rules"] for each in decided(pack, raws, {}, cycle([size]))]
    assert first == []
    assert others == [[f"a.r{number}" for number in range(min(RULES, amount + 1))] for amount in amounts[1:]]
