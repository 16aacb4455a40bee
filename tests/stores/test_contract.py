"""What every store promises, held against each of them."""

import time
from collections.abc import Iterator

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stores import DECISION_EXPIRY_MS, ListEntry, MemoryStore, RedisStore, Store

KINDS = ("memory", "redis")


def open_empty(kind: str, request: pytest.FixtureRequest) -> Store:
    if kind == "memory":
        return MemoryStore()
    url: str = request.getfixturevalue("redis_db")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return RedisStore(url)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    opened = open_empty(request.param, request)
    yield opened
    opened.close()


@pytest.fixture
def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_recorded_decisions_are_found_again_byte_for_byte(store: Store, now_ms: int) -> None:
    decision = b'{"a": "\xc3\xa9"}\x00\xff'
    assert store.exchange([], [("t1", decision), ("t 2:\u20ac", b"")], now_ms).reachable
    answer = store.exchange(["t1", "t 2:\u20ac", "t3"], [], now_ms)
    assert answer.decisions == {"t1": decision, "t 2:\u20ac": b""}


def test_what_is_recorded_is_already_known_to_the_same_exchange(store: Store, now_ms: int) -> None:
    assert store.exchange(["t1"], [("t1", b"one")], now_ms).decisions == {"t1": b"one"}


def test_the_first_decision_stands(store: Store, now_ms: int) -> None:
    store.exchange([], [("t1", b"one"), ("t1", b"two")], now_ms)
    store.exchange([], [("t1", b"three")], now_ms)
    assert store.exchange(["t1"], [], now_ms).decisions == {"t1": b"one"}


def test_decisions_expire(store: Store, now_ms: int) -> None:
    store.exchange([], [("old", b"one")], now_ms - DECISION_EXPIRY_MS - 60_000)
    store.exchange([], [("young", b"two")], now_ms - DECISION_EXPIRY_MS + 60_000)
    assert store.exchange(["old", "young"], [], now_ms).decisions == {"young": b"two"}


def test_an_expired_decision_can_be_recorded_anew(store: Store, now_ms: int) -> None:
    store.exchange([], [("t1", b"one")], now_ms - DECISION_EXPIRY_MS - 60_000)
    assert store.exchange(["t1"], [("t1", b"two")], now_ms).decisions == {"t1": b"two"}


def test_lists_change_while_it_runs(store: Store, now_ms: int) -> None:
    assert store.exchange([], [], now_ms).lists == {}
    store.add_to_list("blocked", ListEntry("u1", 5_000, "ann", "ring"), 1)
    store.add_to_list("trusted", ListEntry("u2", 2**62, "bob", "staff"), 2)
    before = store.exchange([], [], now_ms).lists
    assert before == {"blocked": {"u1": 5_000}, "trusted": {"u2": 2**62}}
    store.add_to_list("blocked", ListEntry("u1", 6_000, "ann", "ring, longer"), 3)
    assert store.remove_from_list("trusted", "u2", "eve", "left", 4)
    assert not store.remove_from_list("trusted", "u2", "eve", "left", 5)
    assert store.exchange([], [], now_ms).lists == {"blocked": {"u1": 6_000}}
    assert before == {"blocked": {"u1": 5_000}, "trusted": {"u2": 2**62}}


def test_entries_say_who_and_why(store: Store) -> None:
    entries = (ListEntry("\u00e9", 1, "ann", "x"), ListEntry("b", 2, "bob", ""))
    for entry in entries:
        store.add_to_list("l", entry, 1)
    assert store.list_entries("l") == tuple(sorted(entries))
    assert store.list_entries("none") == ()


def test_facts_of_users_are_found(store: Store, now_ms: int) -> None:
    store.set_profile("u1", {"tier": "gold", "grade": "3"})
    store.set_profile("u 2:\u20ac", {"tier": "\u7f51\u5361"})
    store.set_profile("u1", {"tier": "black", "vip": "true"})
    answer = store.exchange(["t1"], [("t1", b"one")], now_ms, ["u 2:\u20ac", "u1", "nobody"], ["tier", "vip"])
    assert answer.decisions == {"t1": b"one"}
    known = {user: facts for user, facts in answer.profiles.items() if facts}
    assert known == {"u1": {"tier": "black", "vip": "true"}, "u 2:\u20ac": {"tier": "\u7f51\u5361"}}
    assert not any(store.exchange([], [], now_ms, ["u1"], []).profiles.values())
    assert store.exchange(["t1"], [], now_ms).profiles == {}


IDS = st.text(min_size=1, max_size=3)
EXCHANGES = st.lists(
    st.tuples(st.lists(IDS, max_size=4), st.lists(st.tuples(IDS, st.binary(max_size=4)), max_size=4)), max_size=6
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exchanges=EXCHANGES)
def test_any_exchanges_agree_with_a_plain_dict(
    kind: str, exchanges: list[tuple[list[str], list[tuple[str, bytes]]]], request: pytest.FixtureRequest, now_ms: int
) -> None:
    store = open_empty(kind, request)
    oracle: dict[str, bytes] = {}
    for asked, decided in exchanges:
        for id_, decision in decided:
            oracle.setdefault(id_, decision)
        answer = store.exchange(asked, decided, now_ms)
        assert answer.decisions == {id_: oracle[id_] for id_ in asked if id_ in oracle}
    store.close()
