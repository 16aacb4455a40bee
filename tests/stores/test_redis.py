import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis

from stores import ListEntry, RedisStore
from support.proxies import Proxy

NOW_MS = 4_000_000_000_000


@pytest.fixture
def proxy(redis_db: str) -> Iterator[Proxy]:
    parts = urlsplit(redis_db)
    with Proxy((parts.hostname or "127.0.0.1", parts.port or 6379)) as opened:
        yield opened


def behind(proxy: Proxy, redis_db: str, clock: list[float]) -> RedisStore:
    parts = urlsplit(redis_db)
    login = f"{parts.username or ''}:{parts.password}@" if parts.password else ""
    url = f"redis://{login}127.0.0.1:{proxy.port}{parts.path}"
    return RedisStore(url, monotonic=lambda: clock[0])


def test_an_outage_is_an_answer_and_ends_by_itself(proxy: Proxy, redis_db: str) -> None:
    clock = [0.0]
    store = behind(proxy, redis_db, clock)
    store.add_to_list("blocked", ListEntry("u1", 2**62, "ann", "ring"), 1)
    assert store.exchange([], [("t1", b"one")], NOW_MS).reachable

    proxy.cut()
    away = store.exchange(["t1"], [("t2", b"two")], NOW_MS)
    assert not away.reachable
    assert away.decisions == {}
    assert away.lists == {"blocked": {"u1": 2**62}}
    assert away.problem is not None
    assert "127.0.0.1" in away.problem

    proxy.join()
    clock[0] = 0.4
    assert not store.exchange(["t1"], [], NOW_MS).reachable
    clock[0] = 0.6
    back = store.exchange(["t1", "t2"], [], NOW_MS)
    assert back.reachable
    assert back.decisions == {"t1": b"one"}
    store.close()


def test_the_pauses_between_attempts_grow_and_start_anew_after_success(proxy: Proxy, redis_db: str) -> None:
    clock = [0.0]
    store = behind(proxy, redis_db, clock)
    for _ in range(2):
        proxy.cut()
        assert not store.exchange([], [], NOW_MS).reachable
        clock[0] += 0.6
        assert not store.exchange([], [], NOW_MS).reachable
        proxy.join()
        clock[0] += 0.9
        assert not store.exchange([], [], NOW_MS).reachable
        clock[0] += 0.2
        assert store.exchange([], [], NOW_MS).reachable
    store.close()


def test_a_server_that_does_not_answer_costs_one_short_wait(proxy: Proxy, redis_db: str) -> None:
    clock = [0.0]
    store = behind(proxy, redis_db, clock)
    assert store.exchange([], [], NOW_MS).reachable
    proxy.stall()
    started_s = time.monotonic()
    for _ in range(50):
        assert not store.exchange(["t1"], [], NOW_MS).reachable
    assert time.monotonic() - started_s < 2
    store.close()


def test_lists_changed_by_another_process_are_seen(redis_db: str) -> None:
    one, other = RedisStore(redis_db), RedisStore(redis_db)
    assert one.exchange([], [], NOW_MS).lists == {}
    other.add_to_list("blocked", ListEntry("u1", 7, "ann", ""), 1)
    assert one.exchange([], [], NOW_MS).lists == {"blocked": {"u1": 7}}
    unchanged = one.exchange([], [], NOW_MS).lists
    assert one.exchange([], [], NOW_MS).lists is unchanged
    one.close()
    other.close()


def test_what_lies_under_the_keys_but_is_not_ours_is_a_problem(redis_db: str) -> None:
    store = RedisStore(redis_db)
    store.add_to_list("blocked", ListEntry("u1", 7, "ann", ""), 1)
    with redis.Redis.from_url(redis_db) as client:
        client.hset("riskgate:list:blocked", "u2", "no JSON")
    answer = store.exchange([], [], NOW_MS)
    assert not answer.reachable
    assert answer.problem is not None
    assert "malformed" in answer.problem
    store.close()


def test_analysts_are_told_when_a_change_could_not_be_made() -> None:
    store = RedisStore("redis://user:s3cret@127.0.0.1:1/0")
    changes = (
        lambda: store.add_to_list("l", ListEntry("u1", 7, "ann", ""), 1),
        lambda: store.remove_from_list("l", "u1", "ann", "", 1),
        lambda: store.list_entries("l"),
        lambda: store.list_names(),
        lambda: store.list_changes(),
    )
    for change in changes:
        with pytest.raises(OSError, match=r"127\.0\.0\.1:1.*refused") as raised:
            change()
        assert "s3cret" not in str(raised.value)


def test_the_name_holds_no_secret() -> None:
    assert RedisStore("redis://user:s3cret@example.org:6380/2").name == "redis example.org:6380, database 2"
    assert RedisStore("unix://user:s3cret@/run/redis.sock?db=1").name == "redis /run/redis.sock, database 1"
