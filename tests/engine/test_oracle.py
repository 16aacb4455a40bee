"""The engine against its oracle, on random packs and streams, byte for byte, however the stream is cut."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

import msgspec
import pytest

from engine import Engine
from rules import Pack
from schemas.batches import decode
from support.engine_oracle import EngineOracle
from support.random_packs import LIST_FILES, PackText, encoded, random_events, random_lists, random_pack
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

SIZES = (1, 31, 32, 33, 500)


def cut(raws: Sequence[bytes], sizes: Iterable[int]) -> Iterator[list[bytes]]:
    stream = iter(raws)
    for size in sizes:
        batch = list(islice(stream, size))
        if not batch:
            return
        yield batch


def decided(
    pack: Pack, raws: Sequence[bytes], lists: Mapping[str, Mapping[str, int] | None], sizes: Iterable[int]
) -> list[bytes]:
    """The engine's decisions in order of arrival."""
    engine = Engine(pack, memory_bytes=MEMORY_MIN)
    return [each for batch in cut(raws, sizes) for each in engine.decide(decode(batch), lists).encoded]


def assert_equal(ours: Sequence[bytes], theirs: Sequence[bytes], pack: PackText) -> None:
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert msgspec.json.decode(one) == msgspec.json.decode(other), f"decision {number} of\n{pack.body}"
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", range(12))
def test_decisions_equal_the_oracle(seed: int, scores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    draw = random.Random(1000 * seed + scores)
    text = random_pack(draw, scores=scores)
    pack = sound_pack(tmp_path, text.body, LIST_FILES)
    events, lists = random_events(draw, 200), random_lists(draw)
    oracle = EngineOracle(text, pack.version, lists)
    expected = [decision for event in events if (decision := oracle.decide(event)) is not None]
    raws = list(map(encoded, events))
    assert_equal(decided(pack, raws, lists, cycle([draw.choice(SIZES)])), expected, text)
    for sizes in (*([size] for size in SIZES), draw.choices((*SIZES, 2, 64), k=30)):
        assert decided(pack, raws, lists, cycle(sizes)) == expected, f"cut into {sizes}"
