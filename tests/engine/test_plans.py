"""Every pack that loads can be run: the language's bounds are within those of the windows."""

import random
from pathlib import Path

import pytest

from engine import Engine
from rules import bounds
from support.random_packs import LIST_FILES, random_pack
from support.rule_packs import sound_pack
from windows import FILTERS_MAX
from windows.layout import KEYS_MAX
from windows.store import MEMORY_MIN

RULE = "rules: [{id: a.b, when: amount > 1, then: review}]\n"


def test_the_bounds_are_the_same() -> None:
    assert bounds.FILTERS_MAX == FILTERS_MAX
    assert bounds.KEY_FIELDS_MAX == KEYS_MAX


@pytest.mark.parametrize(
    "features",
    [
        [f"{{count: event, by: user_id, over: 1h, where: amount > {at}}}" for at in range(FILTERS_MAX)],
        [f"{{count: event, by: user_id, over: 1h, where: amount {' ' * at}> 1}}" for at in range(2 * FILTERS_MAX)],
        ["{distinct: ip, by: [user_id, device_id, method], over: 1h}"],
        ["{distinct: ip, by: [user_id, device_id, method, ip], over: 1h}"],
        ["{distinct: user_id, by: user_id, over: 1ms, delay: 3660d}"],
        [
            f"{{std: quantity, by: [user_id, ip, method, goods], over: {at}h}}"
            for at in range(1, 1 + bounds.FEATURES_MAX)
        ],
        [],
    ],
    ids=["filters", "one filter written in many ways", "by three", "by itself", "delay", "features", "none"],
)
def test_a_pack_at_a_bound_is_opened(tmp_path: Path, features: list[str]) -> None:
    lines = "".join(f"  f{at}: {feature}\n" for at, feature in enumerate(features))
    pack = sound_pack(tmp_path, (f"features:\n{lines}" if features else "") + RULE)
    assert Engine(pack, memory_bytes=MEMORY_MIN).held == (0, 0)


def test_random_packs_are_opened(tmp_path: Path) -> None:
    for seed in range(60):
        body = random_pack(random.Random(seed), scores=seed % 2 == 0).body
        Engine(sound_pack(tmp_path / str(seed), body, LIST_FILES), memory_bytes=MEMORY_MIN)
