"""An engine that changes to another pack: what it remembers stays, and what decides is new from one event on."""

import random
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pytest

from engine import Engine, obstacle
from rules import Pack
from support.cuts import Incoming, told
from support.packs import load_pack
from support.random_streams import steady_stream
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

HEAD = """\
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 20 events, warm_up: 3 events}}
features:
  n: {count: event, by: user_id, over: 1m}
  spent: {sum: amount, by: user_id, over: 1m}
  platform_before: {last: platform, by: user_id, over: 1m}
"""
BEFORE = """\
rules:
- {id: a.n, when: n > params.most, params: {most: 2}, then: review, mode: live, reason: SAW, explain: "{n}"}
- {id: a.gone, when: spent > 50, then: tag, mode: live}
"""
AFTER = """\
rules:
- {id: a.n, when: n > params.most, params: {most: 1}, then: step_up, challenge: otp, mode: live, reason: SAW}
- {id: a.own, when: score.own.quantile > 0.5, then: review, mode: shadow}
- id: a.text
  when: platform_before != platform and country != "NO"
  then: tag
  mode: live
  event: [payment, login]
  reason: OTHER
  explain: "{platform_before} in {country}"
"""


@pytest.fixture
def packs(tmp_path: Path) -> tuple[Pack, Pack]:
    return sound_pack(tmp_path / "before", HEAD + BEFORE), sound_pack(tmp_path / "after", HEAD + AFTER)


def engine_of(pack: Pack) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN)


def told_of(engine: Engine, stream: Sequence[Incoming]) -> list[bytes]:
    return told(engine, stream, {}, cycle((1, 31, 64))).decisions


def fresh(decisions: list[bytes]) -> list[bytes]:
    return [each for each in decisions if b'"duplicate":' not in each]


@pytest.mark.parametrize("seed", range(6))
def test_it_decides_as_one_that_had_the_pack_from_the_beginning(packs: tuple[Pack, Pack], seed: int) -> None:
    """Features, detectors and the clock included; only repetitions are answered as they first were."""
    draw = random.Random(seed)
    before, after = packs
    stream = steady_stream(draw, 400)
    at = draw.randrange(1, 400)
    changing = engine_of(before)
    decisions = told_of(changing, stream[:at])
    assert decisions == told_of(engine_of(before), stream[:at])
    changing.change(changing.renewal(after))
    assert changing.pack is after
    decisions = fresh(told_of(changing, stream[at:]))
    always = engine_of(after)
    told_of(always, stream[:at])
    assert decisions == fresh(told_of(always, stream[at:]))
    assert decisions
    assert all(after.version.encode() in each for each in decisions)
    assert changing.learnt() == always.learnt()


def test_a_repetition_is_answered_as_by_the_pack_that_decided(packs: tuple[Pack, Pack]) -> None:
    before, after = packs
    engine = engine_of(before)
    stream = steady_stream(random.Random(1), 40)
    first = {each.split(b",")[0]: each for each in fresh(told_of(engine, stream))}
    engine.change(engine.renewal(after))
    again = told_of(engine, stream)
    assert again
    assert {each.split(b",")[0]: each.replace(b'"duplicate":true,', b"") for each in again} == first


@pytest.mark.parametrize(
    ("key", "line"), [("currency", "currency: EUR\n"), ("lateness", "lateness: 5m\n"), ("dedupe", "dedupe: 5m\n")]
)
def test_what_memory_was_made_by_cannot_change(packs: tuple[Pack, Pack], tmp_path: Path, key: str, line: str) -> None:
    folder = tmp_path / "after"
    text = (folder / "pack.yml").read_text().replace("currency: CNY\n", "" if key == "currency" else "currency: CNY\n")
    (folder / "pack.yml").write_text(line + text)
    reason = obstacle(packs[0], load_pack(folder))
    assert reason is not None
    assert f"expected `{key}` to stay" in reason
    assert obstacle(*packs) is None


WAITING = """\
- id: a.waits
  sequence: {by: [user_id, device_id], within: 5s, steps: [{payment: amount > 1}, {absent: login}]}
  then: THEN
  mode: live
  reason: WAITED
  explain: "{user_id} paid {amount}"
"""


def waiting(folder: Path, rules: str, then: str = "review", old: str = "", new: str = "") -> Pack:
    body = (HEAD + rules + WAITING.replace("THEN", then)).replace("features:", "lateness: 8m\nfeatures:")
    assert old in body
    return sound_pack(folder, body.replace(old, new))


@pytest.mark.parametrize("seed", range(6))
def test_a_pack_that_waits_can_change_all_else(tmp_path: Path, seed: int) -> None:
    """What waits when it changes is decided as the new pack says."""
    draw = random.Random(seed)
    before, after = waiting(tmp_path / "a", BEFORE), waiting(tmp_path / "b", AFTER, then="block")
    assert obstacle(before, after) is None
    stream = steady_stream(draw, 1_000)
    at = draw.randrange(100, 500)
    changing, always = engine_of(before), engine_of(after)
    told_of(changing, stream[:at])
    changing.change(changing.renewal(after))
    told_of(always, stream[:at])
    decisions = fresh(told_of(changing, stream[at:])) + changing.elapse()
    assert decisions == fresh(told_of(always, stream[at:])) + always.elapse()
    timers = [each for each in decisions if b'"timer":' in each]
    assert len(timers) > 5
    assert all(b'"action":"block"' in each and b"WAITED" in each for each in timers)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (WAITING.replace("THEN", "review"), "", "but `a.waits` is another"),
        ("id: a.waits", "id: b.waits", "but `a.waits` is another"),
        ("within: 5s", "within: 30s", "but `a.waits` is another"),
        ("{payment: amount > 1}", "{payment: amount > 30}", "but `a.waits` is another"),
        ("{absent: login}", "{absent: topup}", "but `a.waits` is another"),
        ("over: 1m", "over: 2m", "expected all features to stay while `a.waits` waits"),
        ("{payment: amount > 1}", "{payment: (amount  > 1)}", None),
        ("mode: live\n  reason: WAITED", "mode: shadow\n  reason: WAITED", None),
    ],
)
def test_how_it_waits_cannot_change(tmp_path: Path, old: str, new: str, reason: str | None) -> None:
    before, after = waiting(tmp_path / "a", AFTER), waiting(tmp_path / "b", AFTER, "review", old, new)
    for worn, other in ((before, after), (after, before)):
        told = obstacle(worn, other)
        assert (told is None) == (reason is None)
        assert reason is None or reason.replace("a.waits", "") in str(told).replace("a.waits", "").replace(
            "b.waits", ""
        )
