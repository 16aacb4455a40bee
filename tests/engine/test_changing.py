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


def test_a_pack_that_waits_cannot_change_nor_be_changed_to(packs: tuple[Pack, Pack], tmp_path: Path) -> None:
    absence = "{by: user_id, within: 1m, steps: [payment, {absent: login}]}"
    rule = f"- {{id: a.waits, sequence: {absence}, then: review, mode: off}}\n"
    waiting = sound_pack(tmp_path / "waiting", HEAD + AFTER + rule)
    for worn, other, which in ((packs[0], waiting, "the new one"), (waiting, packs[0], "the pack in force")):
        reason = obstacle(worn, other)
        assert reason == f"expected no rule with an `absence` in {which}, got `a.waits`; start again to change it"
