"""What the engine promises beyond the rules: positions, lists of the moment, the unknown, and no hidden state."""

import random
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine import Decisions, Engine
from rules import Input, Pack
from schemas.batches import decode
from support.cuts import decided
from support.packs import load_pack, write_pack
from support.random_packs import LIST_FILES, random_lists, random_pack
from support.random_streams import random_stream
from support.raw_events import NOW_MS, nth_event, raw_event, raw_events
from support.rule_packs import sound_pack
from windows import BATCH_MAX
from windows.store import MEMORY_MIN

Lists = Mapping[str, Mapping[str, int] | None]

ROWS, COLUMNS = 1, 40
"""Numbers of events that take either path."""


def engine_of(pack: Pack, **options: Any) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN, **options)


def answers(
    engine: Engine, raws: list[bytes], lists: Lists | None = None, unknown: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each) for each in engine.decide(decode(raws), lists or {}, unknown).encoded]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load_pack(write_pack(tmp_path, "- {id: a.b, when: tx_10m > 2, then: block}\n"))


def test_nothing_in_nothing_out(pack: Pack) -> None:
    assert engine_of(pack).decide(decode([]), {}) == Decisions([], [], [], [], [], [], 0, (), (), {})


def test_positions_are_those_of_the_judged_events(pack: Pack) -> None:
    kinds = ["login", "payment", "order", "topup", "refund", "chargeback"] * 9
    decisions = engine_of(pack).decide(decode(raw_events(kinds)), {})
    assert decisions.positions == [at for at, kind in enumerate(kinds) if kind in ("payment", "topup", "refund")]
    assert len(decisions.actions) == len(decisions.encoded) == len(decisions.positions)
    assert decisions.watched == []


def test_an_event_that_is_not_judged_is_still_counted(tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path, "- {id: a.b, when: odd >= 2, then: block}\n"))
    engine = engine_of(pack)
    assert engine.decide(decode(raw_events(["login"] * 2)), {}).encoded == []
    assert answers(engine, [raw_event("payment")])[0]["action"] == "block"


@pytest.mark.parametrize("count", [ROWS, COLUMNS])
def test_lists_are_those_of_the_call(tmp_path: Path, count: int) -> None:
    rules = "lists: {bad: {type: string, file: empty.csv}}\nrules:\n"
    rules += "- {id: a.b, when: user_id in lists.bad, then: block, mode: live, on_missing: degraded}\n"
    engine = engine_of(sound_pack(tmp_path, rules, LIST_FILES))
    fates: list[tuple[Lists, str, str, list[str]]] = [
        ({"bad": {}}, "allow", "scored", []),
        ({"bad": {"u1": NOW_MS}}, "allow", "scored", []),
        ({"bad": {"u1": NOW_MS + 1}}, "block", "scored", []),
        ({"bad": None}, "allow", "degraded", ["lists.bad"]),
        ({}, "allow", "degraded", ["lists.bad"]),
        ({"bad": {}}, "allow", "scored", []),
    ]
    for number, (lists, action, origin, missing) in enumerate(fates):
        for answer in answers(engine, raw_events(["payment"] * count, number * count), lists):
            assert (answer["action"], answer["origin"], answer["missing"]) == (action, origin, missing)


@pytest.mark.parametrize("count", [ROWS, COLUMNS])
def test_what_the_caller_could_not_ask_degrades_every_decision(pack: Pack, count: int) -> None:
    engine = engine_of(pack)
    for answer in answers(engine, raw_events(["payment"] * count), {}, ("store", "profile")):
        assert (answer["origin"], answer["missing"]) == ("degraded", ["store", "profile"])
    assert {answer["origin"] for answer in answers(engine, raw_events(["payment"] * count, count))} == {"scored"}


@pytest.mark.parametrize("count", [ROWS, COLUMNS])
def test_watched_inputs_come_with_each_decision(pack: Pack, count: int) -> None:
    watched = [Input("feature", "mean_1h", "money"), Input("field", "amount", "money"), Input("field", "ip", "text")]
    decisions = engine_of(pack, watched=watched).decide(decode(raw_events(["payment"] * count, amount=2)), {})
    assert decisions.watched == [(200.0, 200, None)] * count


def test_a_huge_batch_is_as_small_ones(pack: Pack) -> None:
    count = BATCH_MAX + 1_000
    raws = [
        nth_event(at, ("payment", "login")[at % 7 == 0], timestamp=NOW_MS + at, user_id=f"u{at % 900}")
        for at in range(count)
    ]
    whole = engine_of(pack).decide(decode(raws), {})
    assert whole.positions == [at for at in range(count) if at % 7]
    assert whole.encoded == decided(pack, raws, {}, cycle([1_000]))


def test_the_hash_key_changes_nothing_but_ids(tmp_path: Path) -> None:
    draw = random.Random(5)
    pack = sound_pack(tmp_path, random_pack(draw, scores=True).body, LIST_FILES)
    batch, lists = decode([each.raw for each in random_stream(draw, 200)]), random_lists(draw)
    one, other = (engine_of(pack, hash_key=key).decide(batch, lists) for key in (bytes(16), bytes(range(16))))
    assert replace(one, pieces=()) == replace(other, pieces=())


@pytest.mark.parametrize("scores", [False, True])
def test_answers_that_are_kept_are_not_confused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: bool) -> None:
    """The same decisions when hardly an answer is kept."""
    draw = random.Random(6)
    pack = sound_pack(tmp_path, random_pack(draw, scores=scores).body, LIST_FILES)
    raws, lists = [each.raw for each in random_stream(draw, 300)], random_lists(draw)
    kept = decided(pack, raws, lists, cycle([50]))
    monkeypatch.setattr("engine.judgement.KEPT_MAX", 1)
    monkeypatch.setattr("engine.composition.TAILS_MAX", 1)
    assert decided(pack, raws, lists, cycle([50])) == kept


def test_an_integer_that_no_float_holds_is_missing(tmp_path: Path) -> None:
    engine = engine_of(sound_pack(tmp_path, "rules:\n- {id: a.b, when: attributes.level > 5, then: block}\n"))
    for count in (ROWS, COLUMNS):
        raws = raw_events(["payment"] * count, count, level=5)
        raws = [raw.replace(b'"level":5', b'"level":1' + b"0" * 400) for raw in raws]
        assert {tuple(answer["missing"]) for answer in answers(engine, raws, {})} == {("attributes.level",)}


def test_a_pack_without_rules_allows(tmp_path: Path) -> None:
    engine = engine_of(sound_pack(tmp_path, "rules: []\n"))
    for count in (ROWS, COLUMNS):
        assert {answer["action"] for answer in answers(engine, raw_events(["payment"] * count, count))} == {"allow"}


def test_rejected_events_leave_no_trace(pack: Pack) -> None:
    engine = engine_of(pack)
    first, second, third = raw_events(["payment"] * 3)
    batch = decode([first, b"no JSON", raw_event("payment", amount=-1), second])
    assert engine.decide(batch, {}).positions == [0, 1]
    assert answers(engine, [third])[0]["action"] == "block"
