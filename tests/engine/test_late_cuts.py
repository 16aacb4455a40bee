"""Events hours late are decided the same however the stream is cut, although pages are forgotten meanwhile."""

import random
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from engine import Engine, Record, record_of
from rules import Pack
from support.cuts import Incoming, decided, told
from support.raw_events import NOW_MS, raw_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

HOUR_MS = 3_600_000


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Events up to six hours late find their place, in a log that reaches back for seven."""
    feature, rule = "{count: event, by: user_id, over: 1h}", "{id: a.b, when: n > 20, then: review}"
    return sound_pack(tmp_path, f"lateness: 6h\nfeatures: {{n: {feature}}}\nrules: [{rule}]\n")


@pytest.fixture(scope="module")
def raws() -> list[bytes]:
    draw, raws = random.Random(1), []
    for number in range(6_000):
        late_ms = draw.choice((0,) * 8 + tuple(range(1, 9))) * HOUR_MS
        time_ms = NOW_MS + 10_000 * number - late_ms
        raws.append(raw_event("payment", transaction_id=f"t{number}", timestamp=time_ms, user_id=f"u{number % 5}"))
    return raws


@pytest.mark.parametrize("sizes", [[31], [500], [1_024], [6_000], [7, 3_000, 1]], ids=str)
def test_lateness_beyond_the_log_does_not_depend_on_cuts(pack: Pack, raws: list[bytes], sizes: list[int]) -> None:
    alone = decided(pack, raws, {}, cycle([1]))
    assert any(b'"windows"' in each for each in alone)
    assert decided(pack, raws, {}, cycle(sizes)) == alone


def test_nor_does_it_depend_on_restarts(pack: Pack, raws: list[bytes]) -> None:
    decisions: list[bytes] = []
    records: list[Record] = []
    for start, end in pairwise((0, 700, 1_024, 2_500, 4_000, 6_000)):
        engine = Engine(pack, memory_bytes=MEMORY_MIN)
        engine.restore(records)
        made = told(engine, map(Incoming, raws[start:end]), {}, cycle([100]))
        decisions += made.decisions
        records += map(record_of, made.pieces)
    assert decisions == decided(pack, raws, {}, cycle([1_024]))
