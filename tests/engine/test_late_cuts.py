"""Events hours late are decided the same however the stream is cut, although pages are forgotten meanwhile."""

import random
from itertools import cycle
from pathlib import Path

import pytest

from support.cuts import decided
from support.raw_events import NOW_MS, raw_event
from support.rule_packs import sound_pack

HOUR_MS = 3_600_000


@pytest.mark.parametrize("sizes", [[31], [500], [1_024], [6_000], [7, 3_000, 1]], ids=str)
def test_lateness_beyond_the_log_does_not_depend_on_cuts(tmp_path: Path, sizes: list[int]) -> None:
    feature, rule = "{count: event, by: user_id, over: 1h}", "{id: a.b, when: n > 100000, then: review}"
    pack = sound_pack(tmp_path, f"features: {{n: {feature}}}\nrules: [{rule}]\n")
    draw, raws = random.Random(1), []
    for number in range(6_000):
        late_ms = draw.choice((0,) * 8 + tuple(range(1, 9))) * HOUR_MS
        time_ms = NOW_MS + 10_000 * number - late_ms
        raws.append(raw_event("payment", transaction_id=f"t{number}", timestamp=time_ms, user_id=f"u{number % 5}"))
    alone = decided(pack, raws, {}, cycle([1]))
    assert any(b'"windows"' in each for each in alone)
    assert decided(pack, raws, {}, cycle(sizes)) == alone
