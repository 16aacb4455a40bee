"""The home of versions in a real Redis: away, slow, forgetful, or with what is not ours under its keys."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import redis
from msgspec.structs import replace

from schemas import content_hash
from stores import HomeError, RedisHome, StoreUrlError, open_home
from support.proxies import Proxy
from support.versions import change, version

FIRST = replace(change(1, 0, 0), before=None)


@pytest.fixture
def proxy(redis_db: str) -> Iterator[Proxy]:
    parts = urlsplit(redis_db)
    with Proxy((parts.hostname or "127.0.0.1", parts.port or 6379)) as opened:
        yield opened


def test_nothing_is_in_force_at_first(redis_db: str) -> None:
    home = RedisHome(redis_db, "small")
    assert home.active() is None
    assert home.records() == ()
    home.commit(FIRST, version(0))
    assert RedisHome(redis_db, "other").active() is None
    assert RedisHome(redis_db, "small").active() == version(0)


def test_only_new_records_are_asked_for(redis_db: str) -> None:
    home = RedisHome(redis_db, "small")
    home.commit(FIRST, version(0))
    home.commit(change(2, 0, 1), version(1))
    assert home.records(1) == (change(2, 0, 1),)
    assert home.records(2) == ()


def test_an_outage_is_told_and_changes_nothing(proxy: Proxy, redis_db: str) -> None:
    direct = RedisHome(redis_db, "small")
    direct.commit(FIRST, version(0))
    home = RedisHome(f"redis://user:s3cret@127.0.0.1:{proxy.port}{urlsplit(redis_db).path}", "small")
    proxy.cut()
    asked: tuple[Callable[[], object], ...] = (
        home.active,
        home.records,
        lambda: home.files(FIRST.after),
        lambda: home.commit(change(2, 0, 1), version(1)),
    )
    for ask in asked:
        with pytest.raises(HomeError, match=r"`store:small` in redis 127\.0\.0\.1") as raised:
            ask()
        assert "s3cret" not in str(raised.value)
    assert direct.records() == (FIRST,)


def test_it_goes_on_when_the_server_is_back(proxy: Proxy, redis_db: str) -> None:
    home = RedisHome(f"redis://127.0.0.1:{proxy.port}{urlsplit(redis_db).path}", "small")
    home.commit(FIRST, version(0))
    proxy.cut()
    with pytest.raises(HomeError):
        home.records()
    proxy.join()
    assert home.active() == version(0)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("records", None, "expected a record in"),
        ("version:VERSION", b"{}", "expected the files of a version in"),
        ("version:VERSION", b'{"files": {"../a": "00"}}', "expected the name of a file inside a pack"),
        ("version:VERSION", b"x" * (2 << 20), "expected at most 1,048,576 bytes under"),
        ("file:SHA", b"rules: []", "it is damaged; restore it from a backup"),
        ("file:SHA", "", "got nothing: it must not be forgotten"),
        ("file:SHA", bytes(81 << 20), "expected at most"),
    ],
)
def test_what_lies_under_the_keys_but_is_not_ours_is_told(redis_db: str, key: str, value: object, told: str) -> None:
    home = RedisHome(redis_db, "small")
    home.commit(FIRST, version(0))
    with redis.Redis.from_url(redis_db) as client:
        (file,) = list(client.scan_iter("riskgate:pack:small:file:*"))[:1]
        name = f"riskgate:pack:small:{key}".replace("VERSION", FIRST.after)
        name = file.decode() if key == "file:SHA" else name
        if value is None:
            client.rpush(name, b"\x80")
        elif value == "":
            client.delete(name)
        else:
            assert isinstance(value, bytes)
            client.set(name, value)
    with pytest.raises(HomeError, match=told):
        home.active()


def test_keys_of_another_type_are_told(redis_db: str) -> None:
    with redis.Redis.from_url(redis_db) as client:
        client.set("riskgate:pack:small:records", "no list")
    with pytest.raises(HomeError, match="WRONGTYPE"):
        RedisHome(redis_db, "small").records()


@pytest.mark.parametrize("url", ["memory:", "", "http://s3cret@x", "redis://:s3cret@x:port/0"])
def test_a_url_that_keeps_no_packs_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(StoreUrlError, match="expected a") as raised:
        open_home(url, "small")
    assert "s3cret" not in str(raised.value)
    assert url == "memory:" or "memory:" not in str(raised.value)


def test_files_of_two_versions_are_kept_once(redis_db: str) -> None:
    home = RedisHome(redis_db, "small")
    home.commit(FIRST, version(0))
    with redis.Redis.from_url(redis_db) as client:
        before = client.dbsize()
        changed = version(0) | {"a.yml": b"rules: []\n"}
        home.commit(replace(change(2, 0, 0), after=content_hash(changed)), changed)
        assert client.dbsize() == before + 2
