"""Features are where the checker says that they are, on random packs and streams."""

import math
import random
from pathlib import Path

from engine import Engine
from rules.domains import Domain
from rules.scopes import feature_input
from schemas import STRUCTS
from schemas.batches import decode
from support.random_packs import LIST_FILES, random_lists, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN


def _seen(seed: int, folder: Path) -> int:
    """How many values of bounded features came; each must be within its bounds."""
    draw = random.Random(seed)
    pack = sound_pack(folder, random_pack(draw, scores=False).body, LIST_FILES)
    inputs = [feature_input(feature) for feature in pack.features.values()]
    domain = Domain(pack.currency, frozenset(STRUCTS), pack.features)
    engine = Engine(pack, memory_bytes=MEMORY_MIN, watched=inputs)
    lists = random_lists(draw)
    seen = 0
    for event in random_stream(draw, 300):
        for row in engine.decide(decode([event.raw]), lists, (), event.arrived_ms).watched:
            for read, value in zip(inputs, row, strict=True):
                if read.type in ("number", "money", "duration") and value is not None:
                    low, high = domain.interval(read)
                    assert isinstance(value, int | float)
                    assert low <= value <= high, f"{pack.features[read.name]}: {value}"
                    seen += not math.isinf(low)
    return seen


def test_no_feature_is_out_of_its_bounds(tmp_path: Path) -> None:
    assert sum(_seen(seed, tmp_path / str(seed)) for seed in range(8)) > 1_000
