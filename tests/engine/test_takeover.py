"""Who may take over whose records: an engine with other rules, and one for several that had shared a stream."""

import random
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import cycle
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Record, record_of, signature_of
from rules import Pack
from support.cuts import Incoming, Told, told
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

FEATURES = """\
features:
  n: {count: event, by: user_id, over: 1h}
  spent: {sum: amount, by: ip, over: 10m}
  before: {last: ip, by: user_id, over: 1h}
"""
DETECTORS = """\
detectors:
  own: {kind: own_baseline, by: user_id, of: amount, half_life: 5 events, warm_up: 2 events}
  other: {kind: own_baseline, by: device_id, of: amount, half_life: 9 events, warm_up: 1 events}
"""
RULES = """\
rules:
- id: a.all
  when: n > 0
  then: tag
  mode: live
  reason: SAW
  explain: "{n} {spent} {before} {score.own.value} {score.own.quantile}"
- {id: a.other, when: score.other.value > 1, then: review, mode: live}
"""


def engine_of(pack: Pack) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN)


def payments(count: int) -> list[bytes]:
    """Payments of a few users, each a little later than the one before."""
    draw, raws = random.Random(1), []
    for number in range(count):
        fields: dict[str, Any] = {
            "timestamp": NOW_MS + 5_000 * number + draw.randrange(4_000),
            "user_id": f"u{draw.randrange(5)}",
            "ip": draw.choice(("10.0.0.1", "10.0.0.2", "10.0.0.3")),
            "device_id": draw.choice(("d1", "d2")),
            "amount": draw.choice((1, 2.5, 40, 999)),
        }
        raws.append(nth_event(number, "payment", **fields))
    return raws


def take(engine: Engine, raws: Iterable[bytes]) -> Told:
    return told(engine, map(Incoming, raws), {}, cycle([7]))


def records_of(made: Told) -> list[Record]:
    return list(map(record_of, made.pieces))


@pytest.mark.parametrize(
    ("body", "taken_over"),
    [
        (FEATURES + DETECTORS + RULES, True),
        (FEATURES + DETECTORS + RULES.replace("n > 0", "n > 2"), True),
        (FEATURES + DETECTORS + RULES.replace("mode: live", "mode: off"), True),
        (FEATURES + DETECTORS + "rules: []", True),
        (FEATURES + "  more: {std: amount, by: [user_id, ip], over: 30s}\n" + DETECTORS + RULES, True),
        (FEATURES.replace("over: 10m", "over: 20m") + DETECTORS + RULES, True),
        (FEATURES.replace("over: 1h", "over: 2h") + DETECTORS + RULES, False),
        (FEATURES.replace("last: ip", "last: country") + DETECTORS + RULES, False),
        (FEATURES.replace("by: ip", "by: device_id") + DETECTORS + RULES, False),
        (FEATURES.replace("10m}", "10m, where: amount > 2}") + DETECTORS + RULES, False),
        (FEATURES.replace("10m}", "10m, event: refund}") + DETECTORS + RULES, False),
        (FEATURES + "  more: {sum: quantity, by: ip, over: 30s}\n" + DETECTORS + RULES, False),
        (FEATURES + DETECTORS.replace("5 events", "6 events") + RULES, False),
        ("dedupe: 1h\n" + FEATURES + DETECTORS + RULES, False),
    ],
)
def test_packs_with_one_signature_take_over_from_each_other(tmp_path: Path, body: str, taken_over: bool) -> None:
    pack = sound_pack(tmp_path / "one", FEATURES + DETECTORS + RULES)
    another = sound_pack(tmp_path / "another", body)
    assert (signature_of(pack) == signature_of(another)) == taken_over
    if taken_over:
        raws = payments(120)
        undisturbed, before, after = engine_of(another), engine_of(pack), engine_of(another)
        take(undisturbed, raws[:60])
        records = records_of(take(before, raws[:40]))
        learnt = before.learnt()
        later = records_of(take(before, raws[40:60]))
        after.restore([*records, *later])
        after.adopt([learnt])
        after.relearn(each for record in later for each in record.learnt)
        assert take(after, raws[60:]).answers == take(undisturbed, raws[60:]).answers


@pytest.mark.parametrize("heads", [(0, 0), (0, 60), (10, 60), (None, 0), (None, None)], ids=str)
def test_one_engine_takes_over_from_several_that_shared_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heads: Sequence[int | None]
) -> None:
    """Each had the events of some users; what it makes of the rest is as if it had had all of them.

    `heads` says after how many of its events each tells all that it had learnt, if ever.
    """
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    pack = sound_pack(tmp_path, FEATURES + DETECTORS.replace("device_id", "user_id") + RULES)
    raws = payments(300)
    before, rest = raws[:200], raws[200:]
    parts = [[raw for raw in before if (b'"u0"' in raw or b'"u1"' in raw) == first] for first in (True, False)]
    together, undisturbed = engine_of(pack), engine_of(pack)
    heads_learnt, learnt, decisions, streams = [], [], [], []
    for part, head in zip(parts, heads, strict=True):
        assert len(part) > 60
        engine = engine_of(pack)
        early = take(engine, part[: head or 0])
        if head is not None:
            heads_learnt.append(engine.learnt())
        late = take(engine, part[head or 0 :])
        learnt += [each for record in records_of(late) for each in record.learnt]
        decisions.append([*early.decisions, *late.decisions])
        streams.append(records_of(early) + records_of(late))
    together.restore(merge(*streams, key=attrgetter("clock_ms")))
    together.adopt(heads_learnt)
    together.relearn(learnt)
    take(undisturbed, before)
    assert take(together, rest).answers == take(undisturbed, rest).answers
    for part, known in zip(parts, decisions, strict=True):
        assert [_unmarked(each) for each in take(together, part).decisions] == known


def _unmarked(decision: bytes) -> bytes:
    """A decision without the mark that it had been given before."""
    assert b'"duplicate":true,' in decision
    return decision.replace(b'"duplicate":true,', b"")
