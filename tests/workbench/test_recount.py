"""What a plain scan counts is what the live engine counts, whatever is late, ahead, repeated or changed."""

import random
from collections import Counter
from pathlib import Path

import pytest

from rules import Pack
from rules.models import AGGREGATES
from rules.scopes import feature_input
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import random_stream, steady_stream
from support.rule_packs import sound_pack
from workbench.history import History
from workbench.recount import agree, makers, recounted
from workbench.tracing import Traced, scan, trace

SEEDS = range(110)
IDS = 7
"""So many events of each stream are explained."""


def _drawn(folder: Path, seed: int) -> tuple[Pack, History, list[str]]:
    """A random pack, a random stream, and the ids of some of its events."""
    draw = random.Random(31_000 + seed)
    pack = sound_pack(folder, random_pack(draw, scores=seed % 4 == 0).body, LIST_FILES)
    stream = (steady_stream if seed % 3 else random_stream)(draw, 160)
    path = folder / "h.ndjson"
    path.write_bytes(b"".join(each.raw + b"\n" for each in stream))
    history = History(path)
    ids = [event.id for chunk in history.chunks() for event in chunk.batch.events]
    return pack, history, sorted({draw.choice(ids[len(ids) // 3 :]) for _ in range(IDS)})


def _checked(pack: Pack, history: History, traced: Traced, seen: Counter[str]) -> None:
    features = [each for each in pack.features.values() if each.aggregate != "absence"]
    for each in traced.traces:
        if "windows" in each.decision.missing:
            seen["not known any more"] += 1
            continue
        found = scan(pack, history, features, traced, each)
        windows = found.windows()
        for feature in features:
            value, window = each.values[feature_input(feature)], windows.get(feature.name)
            again = None if window is None else recounted(window)
            assert agree(again, value), (feature, again, value, window)
            if window is not None:
                assert set(map(id, makers(window))) <= set(map(id, window.counted))
                seen[feature.aggregate] += bool(window.earlier)
                seen["left out"] += bool(window.left_out)


def test_a_scan_finds_what_the_engine_counted(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        pack, history, ids = _drawn(folder, seed)
        for name in ids:
            _checked(pack, history, trace(pack, history, name, lambda _: None), seen)
    assert min(seen[each] for each in (*AGGREGATES, "sequence")) > 2, seen
    assert min(seen["left out"], seen["not known any more"]) > 3, seen


@pytest.mark.parametrize("wanted", [1.0, 1 + 1e-12])
def test_fractions_agree_within_rounding(wanted: float) -> None:
    assert agree(wanted, 1.0)
    assert not agree(wanted, 1.001)
    assert not agree(2, 3)
    assert not agree(None, 0)
