"""What the checker says that windows need is what they need."""

import random
from pathlib import Path

import pytest

from engine import MEMORY_BYTES
from engine.features import feature_plan
from rules import load
from rules.bounds import LOG_BYTES
from rules.memory import event_bytes
from support.random_packs import LIST_FILES, random_pack
from support.rule_packs import sound_pack
from windows import WindowStore

ROOT = Path(__file__).parents[2]
WORD_BYTES = 8


@pytest.mark.parametrize("seed", range(20))
def test_an_event_takes_what_is_told(seed: int, tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, random_pack(random.Random(seed), scores=False).body, LIST_FILES)
    plan = feature_plan(pack).plan
    assert event_bytes(pack.features.values()) == WORD_BYTES * plan.row_words


def test_the_log_is_as_large_as_is_told() -> None:
    pack = load(ROOT / "rules" / "packs" / "game-points").pack
    assert pack is not None
    plan = feature_plan(pack).plan
    store = WindowStore(plan, MEMORY_BYTES)
    assert store.capacity * plan.row_words * WORD_BYTES == pytest.approx(LOG_BYTES, rel=0.01)
