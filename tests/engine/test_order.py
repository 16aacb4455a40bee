"""The order of what several engines read: nobody runs ahead, and nobody is waited for who has nothing."""

from pathlib import Path

import pytest

from engine import Engine, Question
from engine.core import Core
from engine.messages import End, Offer, Rest
from engine.order import LEAD_MS, Order
from schemas.batches import decode
from support.raw_events import NOW_MS, raw_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    body = "features: {n: {count: event, by: user_id, over: 1h}}\nrules: [{id: a.b, when: n > 5, then: review}]\n"
    engine = Engine(sound_pack(tmp_path, body), memory_bytes=MEMORY_MIN)
    stream(engine, NOW_MS)
    return engine


def stream(engine: Engine, now_ms: int) -> None:
    """Brings the stream's clock there."""
    for number in range(100):
        engine.decide(decode([raw_event("payment", transaction_id=f"{now_ms}.{number}", timestamp=now_ms)]), {})


def offer(engine: Engine, reader: int, number: int, timestamp_ms: int) -> tuple[Offer, Core]:
    raw = raw_event("payment", transaction_id=f"t{reader}.{number}", timestamp=timestamp_ms)
    (question,) = engine.questions(decode([raw]), {}, (), None)
    assert isinstance(question, Question)
    return Offer(reader, number, (question.coming,)), engine.core


def given(order: Order) -> list[tuple[int, int]]:
    turns = []
    while (turn := order.give()) is not None:
        turns.append((turn.engine, turn.number))
    return turns


def test_what_stands_later_waits_for_who_has_more(engine: Engine) -> None:
    order = Order(2)
    order.add(*offer(engine, 0, 0, NOW_MS - HOUR_MS))
    assert given(order) == []
    order.add(*offer(engine, 1, 0, NOW_MS))
    assert given(order) == [(0, 0)]
    for number in range(1, 5):
        order.add(*offer(engine, 0, number, NOW_MS - HOUR_MS + number))
        assert given(order) == [(0, number)]
    order.add(*offer(engine, 0, 5, NOW_MS - LEAD_MS + 1))
    assert given(order) == [(0, 5), (1, 0)]


def test_who_has_nothing_is_not_waited_for(engine: Engine) -> None:
    order = Order(3)
    order.add(*offer(engine, 0, 0, NOW_MS))
    order.rest(Rest(1, 0))
    assert given(order) == []
    order.add(End(2, 0, stopping=False), engine.core)
    assert given(order) == [(2, 0), (0, 0)]
    order.add(*offer(engine, 1, 0, NOW_MS))
    assert given(order) == [(1, 0)]
    order.add(*offer(engine, 0, 1, NOW_MS + 2 * LEAD_MS))
    assert given(order) == [], "engine 1 has not said that it has nothing since"
    order.rest(Rest(1, 0))
    assert given(order) == [], "that was before"
    order.rest(Rest(1, 1))
    assert given(order) == [(0, 1)]


def test_each_engine_keeps_its_own_order_whatever_comes_first(engine: Engine) -> None:
    order = Order(1)
    for number in (2, 0, 3, 1):
        order.add(*offer(engine, 0, number, NOW_MS - number * HOUR_MS))
    assert given(order) == [(0, 0), (0, 1), (0, 2), (0, 3)]


def test_a_wild_time_holds_its_engine_back_for_no_longer_than_the_skew(engine: Engine) -> None:
    order = Order(2)
    order.add(*offer(engine, 0, 0, NOW_MS + 100 * HOUR_MS))
    order.add(*offer(engine, 1, 0, NOW_MS + 4 * MINUTE_MS))
    assert given(order) == [(1, 0)]
    stream(engine, NOW_MS + 10 * MINUTE_MS)
    order.add(*offer(engine, 1, 1, NOW_MS + 9 * MINUTE_MS))
    assert given(order)[0] == (0, 0)
