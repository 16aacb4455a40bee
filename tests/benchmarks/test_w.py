"""The pack of workload W decides exactly as the oracle does, however the stream is cut into batches."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path

import msgspec
import pytest

import rules
from benchmarks.workload import Scale, write_lines
from engine import Engine
from schemas.batches import decode
from support.w_oracle import rules_hit

PACK = Path(__file__).resolve().parents[2] / "benchmarks" / "packs" / "w"


class Hits(msgspec.Struct):
    """What is compared of a decision."""

    transaction_id: str
    action: str
    origin: str
    rules: list[str]


def decided(lines: Iterable[bytes], sizes: Iterable[int]) -> Iterator[Hits]:
    """The engine's decisions, with batches of these sizes in turn."""
    pack = rules.load(PACK).pack
    assert pack is not None
    engine, read = Engine(pack), msgspec.json.Decoder(Hits).decode
    stream = iter(lines)
    for size in sizes:
        raws = list(islice(stream, size))
        if not raws:
            return
        yield from map(read, engine.decide(decode(raws), {}).encoded)


def assert_as_oracle(scale: Scale, sizes: Iterable[int]) -> Counter[str]:
    """Holds every decision to the oracle; returns how often each rule hit."""
    counts: Counter[str] = Counter()
    decisions = decided(write_lines(scale), sizes)
    expected = rules_hit(write_lines(scale))
    for number, (decision, hit) in enumerate(zip(decisions, expected, strict=True)):
        assert decision == Hits(f"t{number:09d}", "block" if hit else "allow", "scored", hit)
        counts.update(hit)
    return counts


def test_every_decision_on_w() -> None:
    counts = assert_as_oracle(Scale(), cycle([1_024]))
    never = {"w.08", "w.09", "w.16", "w.20", "w.21", "w.22", "w.23"}
    assert set(counts) == {f"w.{number:02d}" for number in range(25)} - never


@pytest.mark.parametrize("seed", [1, 2])
def test_batches_of_any_size(seed: int) -> None:
    sizes = random.Random(seed)
    assert_as_oracle(Scale(events=20_000), iter(lambda: sizes.randint(1, 2_000), 0))


def test_one_by_one() -> None:
    assert_as_oracle(Scale(events=5_000), cycle([1]))


def test_windows_that_evict() -> None:
    assert_as_oracle(Scale(events=60_000, gap_ms=5_000), cycle([1_024]))
