"""The engine against its oracle, on random packs and streams, byte for byte, however the stream is cut."""

import random
from collections import Counter
from itertools import cycle
from pathlib import Path

import msgspec
import pytest

from engine import Engine
from rules import Pack
from support.cuts import Told, told
from support.engine_oracle import EngineOracle
from support.random_packs import LIST_FILES, PROFILES, random_lists, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

SIZES = (1, 31, 32, 33, 500)


def engine_of(pack: Pack) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN)


def assert_equal(ours: Told, theirs: list[bytes], oracle: EngineOracle) -> None:
    for number, (one, other) in enumerate(zip(ours.decisions, theirs, strict=True)):
        assert msgspec.json.decode(one) == msgspec.json.decode(other), f"decision {number} of\n{oracle.pack.body}"
    assert ours.answers == (theirs, oracle.counts)


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", range(16))
def test_decisions_equal_the_oracle(seed: int, scores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    draw = random.Random(1000 * seed + scores)
    text = random_pack(draw, scores=scores)
    pack = sound_pack(tmp_path, text.body, LIST_FILES)
    stream, lists = random_stream(draw, 240), random_lists(draw)
    oracle = EngineOracle(text, pack.version, lists, has_profiles=True)
    expected = [decision for event in stream for decision in oracle.told(event)]
    assert_equal(told(engine_of(pack), stream, lists, cycle([draw.choice(SIZES)]), PROFILES), expected, oracle)
    for sizes in (*([size] for size in SIZES), draw.choices((*SIZES, 2, 64), k=30)):
        found = told(engine_of(pack), stream, lists, cycle(sizes), PROFILES)
        assert found.answers == (expected, oracle.counts), f"cut into {sizes}"


def test_random_packs_give_every_kind_of_answer() -> None:
    """Else the test above would say little."""
    seen: Counter[str] = Counter()
    for seed in range(96):
        draw = random.Random(seed)
        text = random_pack(draw, scores=seed % 2 == 0)
        oracle, sequences = (
            EngineOracle(text, "p@1", random_lists(draw), has_profiles=True),
            {rule.id for rule in text.rules if rule.sequence},
        )
        after_steps = {rule.id for rule in text.rules if rule.absence and len(rule.absence.steps) > 1}
        for event in random_stream(draw, 240 if after_steps else 50):
            for decision in oracle.told(event):
                fields = msgspec.json.decode(decision)
                seen.update((fields["action"], fields["origin"], *(key for key, value in fields.items() if value)))
                seen.update(name.partition(".")[0] for name in fields["missing"])
                seen[fields.get("degraded", "in time")] += 1
                seen["timer"] += "timer" in fields
                hit = {*fields["rules"], *fields["shadow"]}
                seen["a wait behind steps"] += "timer" in fields and bool(after_steps & hit)
                seen["a sequence"] += bool(sequences.intersection(fields["rules"]))
        seen.update(dict(zip(("repeated", "conflicting", "unmatched"), oracle.counts, strict=True)))
    wanted = {"allow", "review", "step_up", "block", "scored", "degraded", "rules", "shadow", "missing", "reasons"}
    wanted |= {
        "challenge",
        "overridden",
        "lists",
        "attributes",
        "profile",
        "score",
        "sequence",
        "a sequence",
        "timer",
        "a wait behind steps",
        "f0",
        "windows",
    }
    wanted |= {"late", "future", "in time", "duplicate", "repeated", "conflicting", "unmatched"}
    assert not [each for each in wanted if seen[each] < 5]
