"""A run's pack from a store: what is in force there, and what is said where it cannot be had."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from engine import Engine
from flows import PackAwayError, PackWatch, StoreSource, Tally
from rules import load
from schemas import content_hash
from stores import RedisHome
from support.proxies import Proxy
from support.versions import change, lay_out, version
from windows.store import MEMORY_MIN


@pytest.fixture
def proxy(redis_db: str) -> Iterator[Proxy]:
    parts = urlsplit(redis_db)
    with Proxy((parts.hostname or "127.0.0.1", parts.port or 6379)) as opened:
        yield opened


@pytest.fixture
def home(redis_db: str) -> RedisHome:
    found = RedisHome(redis_db, "small")
    found.commit(replace(change(1, 0, 0), before=None), version(0))
    return found


def test_it_is_the_pack_that_a_folder_would_hold(home: RedisHome, tmp_path: Path) -> None:
    source = StoreSource(home, None)
    for number in range(3):
        if number:
            home.commit(change(number + 1, number - 1, number), version(number))
        there, here = source.read().pack, load(lay_out(tmp_path / str(number), number)).pack
        assert there is not None
        assert here is not None
        assert (there.version, there.rules, there.lists) == (here.version, here.rules, here.lists)
        assert str(there.path) == "store:small"
        assert source.marks() == content_hash(version(number))


def test_it_is_under_its_overlay(home: RedisHome) -> None:
    home.commit(change(2, 0, 1), version(1))
    pack = StoreSource(home, "prod").read().pack
    assert pack is not None
    assert [rule.mode for rule in pack.rules if rule.id == "a.a"] == ["live"]
    home.commit(change(3, 1, 2), version(2))
    findings = StoreSource(home, "prod").read().findings
    assert [finding.place.file for finding in findings] == ["store:small/overlays/prod.yml"]


def test_a_proposal_is_not_taken(home: RedisHome) -> None:
    source = StoreSource(home, None)
    before = source.marks()
    home.commit(replace(change(2, 0, 1), action="propose"), version(1))
    assert source.marks() == before


def test_nothing_in_force_is_told(redis_db: str) -> None:
    source = StoreSource(RedisHome(redis_db, "other"), None)
    with pytest.raises(PackAwayError, match=r"expected a version in force in `store:other` .*riskgate publish"):
        source.read()


def test_a_watch_changes_with_the_store_and_stays_while_it_is_away(
    home: RedisHome, proxy: Proxy, redis_db: str
) -> None:
    source = StoreSource(RedisHome(f"redis://127.0.0.1:{proxy.port}{urlsplit(redis_db).path}", "small"), None)
    marks, first = source.marks(), source.read().pack
    assert first is not None
    told: list[str] = []
    engine = Engine(first, memory_bytes=MEMORY_MIN)
    watch = PackWatch(source, marks, engine, lambda _: None, lambda _: None, told.append, Tally())

    def look(times: int = 2) -> None:
        for _ in range(times):
            watch.look()
            watch.apply()

    look()
    assert told == []
    home.commit(change(2, 0, 2), version(2))
    look()
    assert engine.pack.hash == content_hash(version(2))
    assert told == [f"{engine.pack.version} is in force from here on, after {first.version}: a.a changed"]
    proxy.cut()
    look(5)
    assert len(told) == 2
    assert told[1].startswith(f"refused what `store:small` holds now, {engine.pack.version} stays in force: ")
    assert "`store:small` in redis 127.0.0.1" in watch.refusal
    home.commit(change(3, 2, 4), version(4))
    proxy.join()
    look(3)
    assert engine.pack.hash == content_hash(version(4))
    assert watch.refusal == ""
    proxy.cut()
    look(3)
    proxy.join()
    look(3)
    assert told[-1].startswith(f"{engine.pack.version} is what `store:small` holds again")
