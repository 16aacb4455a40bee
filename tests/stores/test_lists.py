"""What all lists promise that analysts change, held against each place where they can be: memory, Redis, a pack."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import NEVER, load
from stores import ListChange, ListEntry, Lists, MemoryStore, RedisStore
from support.rule_packs import sound_pack
from workbench.pack_lists import PackLists

KINDS = ("memory", "redis", "pack")
NAMES = ("blocked", "trusted")
EMPTY = "value,added_by,reason,expires_at\n"
BODY = """\
lists:
  blocked: {type: string, file: blocked.csv}
  trusted: {type: string, file: trusted.csv}
rules:
- {id: a.b, when: user_id in lists.blocked or user_id in lists.trusted, then: tag}
"""


def open_empty(kind: str, request: pytest.FixtureRequest, folder: Path) -> Lists:
    if kind == "memory":
        return MemoryStore()
    if kind == "redis":
        url: str = request.getfixturevalue("redis_db")
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return RedisStore(url)
    files = {f"{name}.csv": EMPTY for name in NAMES}
    return PackLists(sound_pack(folder, BODY, files))


@pytest.fixture(params=KINDS)
def lists(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lists]:
    opened = open_empty(request.param, request, tmp_path)
    yield opened
    if isinstance(opened, RedisStore):
        opened.close()


def test_entries_come_and_go_and_each_change_is_recorded(lists: Lists) -> None:
    first = ListEntry("d1", 1_900_000_000_000, "ann", "ring")
    longer = ListEntry("d1", NEVER, "bob", 'ring, "longer"')
    lists.add_to_list("blocked", first, 10)
    lists.add_to_list("trusted", ListEntry("d2", NEVER, "bob", "staff"), 11)
    assert lists.list_entries("blocked") == (first,)
    lists.add_to_list("blocked", longer, 12)
    assert lists.list_entries("blocked") == (longer,)
    assert set(lists.list_names()) == {"blocked", "trusted"}
    assert not lists.remove_from_list("blocked", "d2", "eve", "not there", 13)
    assert lists.remove_from_list("trusted", "d2", "eve", "left", 14)
    assert lists.list_entries("trusted") == ()
    assert lists.list_changes() == (
        ListChange(10, "blocked", "d1", "added", "ann", "ring", 1_900_000_000_000),
        ListChange(11, "trusted", "d2", "added", "bob", "staff", NEVER),
        ListChange(12, "blocked", "d1", "added", "bob", 'ring, "longer"', NEVER),
        ListChange(14, "trusted", "d2", "removed", "eve", "left", None),
    )


TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=6) | st.sampled_from(
    ("a,b", 'q"q', " x ")
)
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(("a", "b,c", 'd"', "\u7f51")) | TEXTS,
        TEXTS,
        st.sampled_from((NEVER, 1_800_000_000_000, 1_800_000_000_001)) | st.none(),
    ),
    max_size=12,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_any_changes_agree_with_a_plain_dict(
    kind: str,
    actions: list[tuple[str, str, str, int | None]],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An action removes where it has no expiry."""
    folder = tmp_path_factory.mktemp("pack")
    lists = open_empty(kind, request, folder)
    oracle: dict[tuple[str, str], ListEntry] = {}
    changes = 0
    for at_ms, (name, value, text, expires_ms) in enumerate(actions):
        if expires_ms is None:
            removed = oracle.pop((name, value), None) is not None
            assert lists.remove_from_list(name, value, text, text, at_ms) == removed
            changes += removed
        else:
            oracle[name, value] = ListEntry(value, expires_ms, text, text)
            lists.add_to_list(name, oracle[name, value], at_ms)
            changes += 1
    for name in NAMES:
        assert lists.list_entries(name) == tuple(sorted(entry for (of, _), entry in oracle.items() if of == name))
    assert len(lists.list_changes()) == changes
    if isinstance(lists, PackLists):
        pack = load(folder).pack
        assert pack is not None
        loaded = {name: dict(pack.lists[name].entries) for name in NAMES}
        assert loaded == {
            name: {value: entry.expires_ms for (of, value), entry in oracle.items() if of == name} for name in NAMES
        }
    if isinstance(lists, RedisStore):
        lists.close()
