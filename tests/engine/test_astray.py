"""Events that come again, too late or too early, and events that change earlier ones: what is told of each."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import Decisions, Engine
from schemas.batches import decode
from support.random_packs import LIST_FILES
from support.raw_events import NOW_MS, nth_event, raw_event, raw_events
from support.rule_packs import sound_pack
from windows import BATCH_MAX
from windows.store import MEMORY_MIN

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
BODY = """\
lists: {bad: {type: string, file: empty.csv}}
features:
  n: {count: event, by: user_id, over: 7d}
  spent: {sum: amount, by: user_id, over: 7d}
rules:
- {id: a.n, when: n >= 0, then: tag, mode: live, reason: SAW, explain: "{n} {spent}"}
- {id: a.bad, when: has(ip) and ip in lists.bad, then: block, mode: live}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(sound_pack(tmp_path, BODY, LIST_FILES), memory_bytes=MEMORY_MIN)


def take(engine: Engine, *raws: bytes, **lists: dict[str, int]) -> Decisions:
    return engine.decide(decode(raws), lists)


def told(decisions: Decisions) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each) for each in decisions.encoded]


def saw(decisions: Decisions) -> list[str]:
    return [each["reasons"][0]["text"] for each in told(decisions)]


def settled(engine: Engine, user: str = "other") -> None:
    """Lets the stream have a clock, which stands at NOW_MS."""
    take(engine, *raw_events(["payment"] * 20, 1_000, user_id=user))


def test_an_event_that_comes_again_gets_its_answer_again(engine: Engine) -> None:
    first, second = raw_events(["payment"] * 2)
    made = take(engine, first, second, b" " + first)
    assert (made.positions, made.repeated, len(made.actions)) == ([0, 1, 2], [2], 2)
    one, two, again = told(made)
    assert saw(made) == ["1 12.34 CNY", "2 24.68 CNY", "1 12.34 CNY"]
    assert again == one | {"duplicate": True}
    assert list(again)[-2:] == ["duplicate", "pack"]
    later = take(engine, second, *raw_events(["payment"], 2))
    assert (later.positions, later.repeated) == ([0, 1], [0])
    assert told(later)[0] == two | {"duplicate": True}
    assert saw(later)[1] == "3 37.02 CNY"


def test_other_content_with_a_known_id_gets_no_answer_and_counts_nowhere(engine: Engine) -> None:
    first, third = raw_events(["payment"] * 2)
    made = take(engine, first, nth_event(0, "payment", amount=12.35), nth_event(0, "refund"), third)
    assert (made.positions, made.repeated, made.conflicting) == ([0, 3], [], [1, 2])
    assert saw(made) == ["1 12.34 CNY", "2 24.68 CNY"]


def test_an_event_without_an_answer_has_none_when_it_comes_again(engine: Engine) -> None:
    made = take(engine, *raw_events(["login"]) * 2)
    assert (made.positions, made.repeated) == ([], [1])


def test_a_name_may_be_used_by_a_transaction_and_by_each_other_type(engine: Engine) -> None:
    raws = raw_events(["payment"]) + raw_events(["login"]) + raw_events(["order"])
    made = take(engine, *raws)
    assert (made.positions, made.repeated, made.conflicting) == ([0], [], [])
    assert engine.knows(decode([*raws, *raw_events(["chargeback"]), *raw_events(["refund"])])) == [
        *(True, True, True),
        *(False, True),
    ]


def test_positions_are_those_of_the_whole_batch(engine: Engine) -> None:
    """Behind a reversal, and behind the largest piece that is taken at once."""
    plain = raw_events(["payment"] * (BATCH_MAX + 2), 10)
    reversal = raw_event("reversal", original_transaction_id="n10")
    made = take(engine, plain[0], reversal, *plain, nth_event(11, "payment", amount=5))
    assert made.positions == [0, *range(2, BATCH_MAX + 4)]
    assert made.repeated == [2]
    assert made.conflicting == [BATCH_MAX + 4]
    assert len(made.encoded) == len(made.positions) == len(made.actions) + 1


def test_a_late_event_is_judged_without_its_windows_and_counts_nowhere(engine: Engine) -> None:
    settled(engine, "u1")
    made = take(engine, nth_event(1, "payment", timestamp=NOW_MS - HOUR_MS - 1), *raw_events(["payment"], 2))
    late, next_one = told(made)
    assert (late["origin"], late["degraded"], late["missing"]) == ("degraded", "late", ["windows"])
    assert late["timestamp"] == NOW_MS - HOUR_MS - 1
    assert "degraded" not in next_one
    assert saw(made) == ["0 0.00 CNY", "21 259.14 CNY"]


def test_an_event_from_the_future_is_judged_as_of_the_stream_and_counts_nowhere(engine: Engine) -> None:
    settled(engine, "u1")
    made = take(engine, nth_event(1, "payment", timestamp=NOW_MS + 30 * DAY_MS), *raw_events(["payment"], 2))
    future, next_one = told(made)
    assert (future["origin"], future["degraded"], future["missing"]) == ("degraded", "future", [])
    assert future["timestamp"] == NOW_MS + 30 * DAY_MS
    assert "degraded" not in next_one
    assert saw(made) == ["20 246.80 CNY", "21 259.14 CNY"]


@pytest.mark.parametrize("count", [1, 40])
def test_no_list_is_escaped_by_a_timestamp_from_the_future(engine: Engine, count: int) -> None:
    """What is on a list now is so for an event that says it comes from a time when it will not be."""
    settled(engine)
    raws = [nth_event(at, "payment", ip="10.0.0.1", timestamp=NOW_MS + DAY_MS * (at % 4 == 0)) for at in range(count)]
    made = take(engine, *raws, bad={"10.0.0.1": NOW_MS + HOUR_MS})
    assert made.actions == ["block"] * count
    assert [each.get("degraded") for each in told(made)] == [None if at % 4 else "future" for at in range(count)]


@pytest.mark.parametrize(
    ("change", "spent"),
    [
        (raw_event("reversal", original_transaction_id="n0"), "24.68 CNY"),
        (raw_event("correction", original_transaction_id="n0", amount=2), "26.68 CNY"),
        (raw_event("correction", original_transaction_id="n0", amount=2, currency="JPY"), "24.68 CNY"),
        (raw_event("reversal", original_transaction_id="n7"), "37.02 CNY"),
    ],
    ids=["reversal", "correction", "correction in another currency", "unknown"],
)
def test_an_amount_that_was_changed_counts_so_from_then_on(engine: Engine, change: bytes, spent: str) -> None:
    made = take(engine, *raw_events(["payment"] * 2), change, *raw_events(["payment"], 2))
    assert saw(made) == ["1 12.34 CNY", "2 24.68 CNY", f"3 {spent}"]
    assert made.unmatched == (spent == "37.02 CNY")
    again = take(engine, change, *raw_events(["payment"]))
    assert (again.repeated, again.unmatched) == ([0, 1], 0)
    assert saw(again) == ["1 12.34 CNY"]
