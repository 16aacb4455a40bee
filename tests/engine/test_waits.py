"""Waits for what does not come: when they are over, what ends them, and what is decided then."""

import random
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import Engine, Record, record_of
from flows import Arrival, Decider, Recall, Tally
from rules import Pack
from schemas.batches import decode
from stores import MemoryStore
from support.cuts import Incoming, told
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from support.streams import place_of
from windows.store import MEMORY_MIN

MINUTE_MS = 60_000
BODY = """\
lateness: 10m
skew: 10m
rules:
- id: a.lost
  sequence: {by: order_id, within: 60m, steps: [{order: has(device_id)}, {absent: delivery}]}
  then: review
  mode: live
  reason: LOST
  explain: "{user_id} waits for {order_id}"
"""
Happening = tuple[str, int, Mapping[str, object]]
ORDER: Happening = ("order", 0, {"order_id": "o7", "device_id": "d1"})


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return sound_pack(tmp_path, BODY)


def stream_of(*happenings: Happening, until: int = 90) -> list[Incoming]:
    """A login a minute, so that there is a clock, and what happens besides, as it comes: a type, a minute and fields.

    What has an `at` among its fields comes in that minute and happened in the other one.
    """
    coming: list[tuple[int, bytes]] = [
        (minute, nth_event(1_000 + minute, "login", timestamp=NOW_MS + MINUTE_MS * minute, user_id="u9"))
        for minute in range(-30, until)
    ]
    for number, (kind, minute, fields) in enumerate(happenings):
        rest: dict[str, Any] = {key: value for key, value in fields.items() if key != "at"}
        at = fields.get("at", minute)
        assert isinstance(at, int)
        coming.append((at, nth_event(number, kind, **{"timestamp": NOW_MS + MINUTE_MS * minute, **rest})))
    return [Incoming(raw) for _, raw in sorted(coming, key=lambda each: each[0])]


def decided(pack: Pack, stream: Sequence[Incoming]) -> list[dict[str, Any]]:
    """What is decided, which is the same however the stream is cut."""
    answers = {
        tuple(told(Engine(pack, memory_bytes=MEMORY_MIN), stream, {}, cycle([n])).decisions) for n in (1, 7, 500)
    }
    assert len(answers) == 1
    return [msgspec.json.decode(each) for each in answers.pop()]


def test_what_does_not_come_is_decided_once_behind_lateness(pack: Pack) -> None:
    payments: list[Happening] = [("payment", minute, {}) for minute in (69, 70, 71, 72, 80)]
    decisions = decided(pack, stream_of(ORDER, *payments))
    (timer,) = [each for each in decisions if "timer" in each]
    assert timer == {
        "transaction_id": "n0",
        "timestamp": NOW_MS,
        "action": "review",
        "origin": "scored",
        "rules": ["a.lost"],
        "shadow": [],
        "missing": [],
        "reasons": [{"rule": "a.lost", "reason": "LOST", "text": "u1 waits for o7"}],
        "pack": pack.version,
        "timer": NOW_MS + 60 * MINUTE_MS,
    }
    assert [each["transaction_id"] for each in decisions] == ["n1", "n2", "n0", "n3", "n4", "n5"]


@pytest.mark.parametrize(
    ("ending", "in_vain"),
    [
        (("delivery", 0, {}), False),
        (("delivery", 60, {}), False),
        (("delivery", 61, {}), True),
        (("delivery", -1, {}), True),
        (("delivery", 30, {"order_id": "o8"}), True),
        (("payment", 30, {}), True),
        (("delivery", 59, {"at": 69}), False),
        (("delivery", 40, {"at": 69}), True),  # too late to count
    ],
)
def test_what_ends_a_wait(pack: Pack, ending: Happening, in_vain: bool) -> None:
    kind, minute, fields = ending
    names = {} if kind == "payment" else {"order_id": "o7"}
    decisions = decided(pack, stream_of(ORDER, (kind, minute, {**names, **fields})))
    assert any("timer" in each for each in decisions) == in_vain


def test_only_what_counts_begins_a_wait(pack: Pack) -> None:
    without_device: Happening = ("order", 0, {"order_id": "o7"})
    late: Happening = ("order", 0, {"order_id": "o7", "device_id": "d1", "at": 25})
    assert decided(pack, stream_of(without_device, late)) == []
    stream = stream_of(ORDER)
    (order,) = [each for each in stream if b'"n0"' in each.raw]
    assert len(decided(pack, [*stream[:50], order, *stream[50:]])) == 1
    assert len(decided(pack, stream_of(ORDER, ("order", 5, ORDER[2])))) == 2


STEPS = """\
lateness: 10m
skew: 10m
rules:
- id: a.lost
  sequence:
    by: order_id
    within: 60m
    steps: [{order: country == "CN"}, {order: country == "HK"}, {absent: [delivery, {order: country == "NO"}]}]
    unless: [{order: country == "US"}]
  then: review
  mode: live
"""


def _order(country: str, minute: int, **fields: object) -> Happening:
    return "order", minute, {"order_id": "o7", "country": country, **fields}


@pytest.mark.parametrize(
    ("happenings", "in_vain"),
    [
        ((_order("CN", 0), _order("HK", 5)), True),
        ((_order("HK", 5),), False),
        ((_order("HK", 0), _order("CN", 5)), False),
        ((_order("CN", 5), _order("HK", 5)), True),
        ((_order("HK", 5), _order("CN", 5)), False),  # at once, but the other way round
        ((_order("CN", -55), _order("HK", 5)), False),  # not within the hour
        ((_order("CN", -54), _order("HK", 5)), True),
        ((_order("CN", 0, order_id="o8"), _order("HK", 5)), False),
        ((_order("CN", 4, at=14), _order("HK", 5)), True),  # late, but there when the wait is over
        ((_order("CN", 0), _order("US", 2), _order("HK", 5)), False),
        ((_order("US", 0), _order("CN", 2), _order("HK", 5)), True),
        ((_order("CN", 0), _order("HK", 5), _order("US", 65)), False),
        ((_order("CN", 0), _order("HK", 5), _order("US", 66)), True),
        ((_order("CN", 0), _order("HK", 5), _order("NO", 65)), False),
        ((_order("CN", 0), _order("NO", 2), _order("HK", 5)), True),  # what is absent may have been there before
        ((_order("CN", 0), _order("HK", 5), ("delivery", 30, {"order_id": "o7"})), False),
        ((_order("CN", 0), _order("HK", 5), _order("HK", 10)), True),
    ],
)
def test_an_absence_follows_its_steps(tmp_path: Path, happenings: tuple[Happening, ...], in_vain: bool) -> None:
    decisions = decided(sound_pack(tmp_path, STEPS), stream_of(*happenings))
    assert any("timer" in each for each in decisions) == in_vain


@pytest.mark.parametrize(("gap", "in_vain"), [(0, 1), (30, 1), (60, 1), (61, 2)])
def test_what_is_absent_may_be_another_of_the_same(tmp_path: Path, gap: int, in_vain: int) -> None:
    """A wait is not ended by the event that began it."""
    pack = sound_pack(tmp_path, BODY.replace("{absent: delivery}", "{absent: order}"))
    decisions = decided(pack, stream_of(ORDER, ("order", gap, ORDER[2]), until=150))
    assert len([each for each in decisions if "timer" in each]) == (in_vain if gap else 0)


def test_an_exception_begins_no_wait_until_it_expires(tmp_path: Path) -> None:
    expires = "2026-09-21T15:00:00Z"
    exception = f"{{fields: [user_id], values: [[u7]], expires: '{expires}', note: a friend}}"
    pack = sound_pack(tmp_path, f"{BODY}  exceptions: [{exception}]\n")
    at_ms = 1_790_002_800_000
    assert at_ms == NOW_MS + 2_800_000, "the exception ends in the 47th minute"
    orders = [("order", minute, {**ORDER[2], "user_id": user}) for minute in (40, 50) for user in ("u7", "u8")]
    found = decided(pack, stream_of(*orders, until=200))
    assert [each["transaction_id"] for each in found] == ["n1", "n2", "n3"]


def test_a_wait_is_not_over_while_the_stream_stands(pack: Pack) -> None:
    assert decided(pack, stream_of(ORDER, until=70)) == []


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_a_rule_that_is_not_live_does_not_act(tmp_path: Path, mode: str) -> None:
    pack = sound_pack(tmp_path, BODY.replace("mode: live", f"mode: {mode}"))
    found = [(each["action"], each["rules"], each["shadow"]) for each in decided(pack, stream_of(ORDER))]
    assert found == ([("allow", [], ["a.lost"])] if mode == "shadow" else [])


def test_every_restart_leaves_each_wait_one_decision(pack: Pack) -> None:
    orders: list[Happening] = [
        ("order", minute, {"order_id": f"o{minute}", "device_id": "d1"}) for minute in range(0, 60, 7)
    ]
    ended: list[Happening] = [("delivery", minute + 20, {"order_id": f"o{minute}"}) for minute in range(0, 60, 21)]
    stream = stream_of(*orders, *ended, until=200)
    undisturbed = told(Engine(pack, memory_bytes=MEMORY_MIN), stream, {}, cycle([64])).decisions
    assert len(undisturbed) == 6
    draw = random.Random(1)
    for _ in range(6):
        decisions: list[bytes] = []
        records: list[Record] = []
        rest = list(stream)
        while rest:
            engine = Engine(pack, memory_bytes=MEMORY_MIN)
            engine.restore(records)
            size = draw.choice((1, 2, 20, 90))
            made = told(engine, rest[:size], {}, cycle([9]))
            del rest[:size]
            decisions += made.decisions
            records += map(record_of, made.pieces)
        assert decisions == undisturbed


def test_with_a_store_a_wait_stands_where_it_stands_without(pack: Pack) -> None:
    """Another process has decided two of the payments: their answers are the store's, and the timer is none of them."""
    payments: list[Happening] = [("payment", minute, {}) for minute in (69, 70, 72, 80)]
    raws, store = [each.raw for each in stream_of(ORDER, *payments)], MemoryStore()

    def decide(raws: Sequence[bytes]) -> list[dict[str, Any]]:
        recall = Recall(store, {}, lambda: NOW_MS, lambda _: None, Tally())
        decider = Decider(Engine(pack, memory_bytes=MEMORY_MIN), {}, Tally(), recall)
        verdicts = decider.decide(Arrival(raws, place_of), decode(raws))
        recall.catch_up()
        return list(map(msgspec.json.decode, verdicts.decisions))

    known = [raw for raw in raws if b'"n2"' in raw or b'"n3"' in raw]
    assert len(decide(known)) == 2
    found = [(each["transaction_id"], "duplicate" in each, "timer" in each) for each in decide(raws)]
    assert found == [
        ("n1", False, False),
        ("n2", True, False),
        ("n0", False, True),
        ("n3", True, False),
        ("n4", False, False),
    ]
