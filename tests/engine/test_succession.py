"""New windows that begin while the stream runs: each of their answers is right or missing, and never wrong."""

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from engine import Engine
from rules import Input, Pack
from rules.scopes import feature_input
from schemas import Value
from schemas.batches import decode
from support.cuts import Incoming, cut
from support.pack_texts import PackText
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import steady_stream
from support.raw_events import NOW_MS, raw_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

Values = list[dict[str, Value]]
EVENTS = 300


def engine_of(pack: Pack) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN, watched=watched(pack))


def watched(pack: Pack) -> Iterable[Input]:
    return map(feature_input, pack.features.values())


def values_of(engine: Engine, names: list[str], batch: list[Incoming]) -> tuple[list[int], Values]:
    """The times of the events that are decided now, 0 for who is judged as of another one, and the features of each."""
    decoded = decode([each.raw for each in batch])
    made = engine.decide(decoded, {}, (), batch[0].arrived_ms)
    again = set(made.repeated)
    times = [
        0 if b'"degraded":"future"' in encoded else int(decoded.timestamp_ms[at])
        for at, encoded in zip(made.positions, made.encoded, strict=True)
        if at not in again
    ]
    return times, [dict(zip(names, row, strict=True)) for row in made.watched]


def random_packs(draw: random.Random, folder: Path) -> tuple[Pack, Pack]:
    """Two packs that have about half of their features in common, under other names."""
    drawn = iter(lambda: random_pack(draw, scores=False), None)
    first, second = islice((pack for pack in drawn if all(rule.absence is None for rule in pack.rules)), 2)
    shared = [
        replace(each, name=f"kept{at}", yaml=each.yaml.replace(f"  {each.name}:", f"  kept{at}:", 1))
        for at, each in enumerate(draw.sample(first.features, (len(first.features) + 1) // 2))
    ]
    features = [*second.features, *shared]
    draw.shuffle(features)
    timing = first.lateness_ms, first.skew_ms, first.dedupe_ms
    other = PackText(*timing, tuple(features), second.rules, None)
    return sound_pack(folder / "a", first.body, LIST_FILES), sound_pack(folder / "b", other.body, LIST_FILES)


@pytest.mark.parametrize("seed", range(12))
def test_each_feature_is_right_or_missing_until_it_is_covered(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    before, after = random_packs(draw, tmp_path)
    names = list(after.features)
    changing, always = engine_of(before), engine_of(after)
    batches = list(cut(steady_stream(draw, EVENTS), iter(lambda: draw.choice((1, 5, 33)), None)))
    changed_at, latest_ms, renewal = draw.randrange(len(batches)), 0, None
    old_names = list(before.features)
    compared = 0
    for at, batch in enumerate(batches):
        if at == changed_at // 2:
            renewal = changing.renewal(after, watched(after))
        if renewal is not None and at <= changed_at:
            changing.grow(renewal)
        if at == changed_at:
            renewal = renewal or changing.renewal(after, watched(after))
            changing.change(renewal)
        times, expected = values_of(always, names, batch)
        if at < changed_at:
            values_of(changing, old_names, batch)
            latest_ms = max([latest_ms, *(int(ms) for ms in decode([each.raw for each in batch]).timestamp_ms)])
            continue
        _, rows = values_of(changing, names, batch)
        for time_ms, ours, theirs in zip(times, rows, expected, strict=True):
            for name in names:
                feature = after.features[name]
                covered = time_ms >= latest_ms + max(feature.over_ms, feature.against_ms) + feature.delay_ms
                if name.startswith("kept") or covered or ours[name] is not None:
                    assert ours[name] == theirs[name], (name, feature, time_ms - latest_ms)
                    compared += 1
    assert compared


def test_a_feature_over_what_was_kept_is_there_at_once_and_one_over_what_was_not_is_missing(tmp_path: Path) -> None:
    head = "features:\n  n: {count: event, by: user_id, over: 1m}\n"
    new = (
        "  short: {sum: amount, by: user_id, over: 20s}\n  k: {count: event, by: user_id, over: 30s}\n"
        "  d: {count: event, by: device_id, over: 30s}\n"
    )
    rules = "rules: [{id: a.b, when: n + k + d > 3 and short > 1.00, then: tag, mode: live}]\n"
    before = sound_pack(tmp_path / "a", head + "rules: [{id: a.b, when: n > 3, then: tag, mode: live}]\n")
    after = sound_pack(tmp_path / "b", head + new + rules)

    def at(second: int) -> list[Incoming]:
        return [
            Incoming(
                raw_event("payment", transaction_id=f"t{second}", timestamp=NOW_MS + 1_000 * second, device_id="d1")
            )
        ]

    engine, names = engine_of(before), list(after.features)
    for second in range(10):
        values_of(engine, ["n"], at(second))
    engine.change(engine.renewal(after, watched(after)))
    assert values_of(engine, names, at(10))[1] == [{"n": 11, "short": None, "k": 11, "d": None}]
    assert values_of(engine, names, at(28))[1] == [{"n": 12, "short": None, "k": 12, "d": None}]
    assert values_of(engine, names, at(29))[1][0]["short"] is not None
    assert values_of(engine, names, at(38))[1][0]["d"] is None
    assert values_of(engine, names, at(39))[1] == [{"n": 15, "short": 4_936, "k": 5, "d": 5}]
