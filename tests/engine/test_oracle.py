"""The engine against its oracle, on random packs and streams, byte for byte, however the stream is cut."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import msgspec
import pytest

from support.cuts import decided
from support.engine_oracle import EngineOracle
from support.random_packs import LIST_FILES, PackText, encoded, random_events, random_lists, random_pack
from support.rule_packs import sound_pack

SIZES = (1, 31, 32, 33, 500)


def assert_equal(ours: Sequence[bytes], theirs: Sequence[bytes], pack: PackText) -> None:
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert msgspec.json.decode(one) == msgspec.json.decode(other), f"decision {number} of\n{pack.body}"
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", range(16))
def test_decisions_equal_the_oracle(seed: int, scores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    draw = random.Random(1000 * seed + scores)
    text = random_pack(draw, scores=scores)
    pack = sound_pack(tmp_path, text.body, LIST_FILES)
    events, lists = random_events(draw, 160), random_lists(draw)
    oracle = EngineOracle(text, pack.version, lists)
    expected = [decision for event in events if (decision := oracle.decide(event)) is not None]
    raws = list(map(encoded, events))
    assert_equal(decided(pack, raws, lists, cycle([draw.choice(SIZES)])), expected, text)
    for sizes in (*([size] for size in SIZES), draw.choices((*SIZES, 2, 64), k=30)):
        assert decided(pack, raws, lists, cycle(sizes)) == expected, f"cut into {sizes}"


def test_random_packs_give_every_kind_of_answer() -> None:
    """Else the test above would say little."""
    seen: Counter[str] = Counter()
    for seed in range(12):
        draw = random.Random(seed)
        oracle = EngineOracle(random_pack(draw, scores=seed % 2 == 0), "p@1", random_lists(draw))
        for event in random_events(draw, 50):
            if (decision := oracle.decide(event)) is not None:
                fields = msgspec.json.decode(decision)
                seen.update((fields["action"], fields["origin"], *(key for key, value in fields.items() if value)))
                seen.update(name.partition(".")[0] for name in fields["missing"])
    wanted = {"allow", "review", "step_up", "block", "scored", "degraded", "rules", "shadow", "missing", "reasons"}
    assert not [each for each in (*wanted, "challenge", "lists", "attributes", "score", "f0") if seen[each] < 5]
