"""What every home of versions promises, held against each of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rules.contents import read_contents
from schemas import content_hash
from stores import FolderHome, Home, HomeError, OvertakenError, Record, RedisHome
from support.versions import change, lay_out, version

Opened = Callable[[], Home]


@pytest.fixture(params=["folder", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens the same home again and again; version 0 is in force there since record 1."""
    if request.param == "folder":
        lay_out(tmp_path, 0)
        FolderHome(tmp_path, lambda path: read_contents(path).files).commit(change(1, 0, 0), version(0))
        return lambda: FolderHome(tmp_path, lambda path: read_contents(path).files)
    url: str = request.getfixturevalue("redis_db")
    RedisHome(url, "small").commit(replace(change(1, 0, 0), before=None), version(0))
    return lambda: RedisHome(url, "small")


def test_what_is_committed_is_in_force_and_found_again(opened: Opened) -> None:
    for number in range(1, 5):
        opened().commit(change(number + 1, number - 1, number), version(number))
        assert opened().active() == version(number)
    assert [record.number for record in opened().records()] == [1, 2, 3, 4, 5]
    assert opened().records()[1:] == tuple(change(number + 1, number - 1, number) for number in range(1, 5))
    for number in range(5):
        assert opened().files(content_hash(version(number))) == version(number)


def test_a_proposal_puts_nothing_in_force_and_keeps_its_files(opened: Opened) -> None:
    proposal = replace(change(2, 0, 1), action="propose")
    opened().commit(proposal, version(1))
    assert opened().active() == version(0)
    assert opened().records()[1] == proposal
    assert opened().files(proposal.after) == version(1)
    with pytest.raises(OvertakenError):
        opened().commit(proposal, version(1))
    approval = replace(change(3, 0, 1), action="approve", proposal=2)
    opened().commit(approval, version(1))
    assert opened().active() == version(1)
    assert opened().records()[1:] == (proposal, approval)


@pytest.mark.parametrize("late", [change(2, 5, 2), change(1, 0, 2), change(3, 0, 2)])
def test_who_comes_late_is_told_and_changes_nothing(opened: Opened, late: Record) -> None:
    with pytest.raises(OvertakenError, match=r"somebody else changed .* meanwhile"):
        opened().commit(late, version(2))
    assert opened().active() == version(0)
    assert len(opened().records()) == 1


def test_of_many_at_once_one_wins_and_the_others_are_told(opened: Opened) -> None:
    def attempt(after: int) -> bool:
        try:
            opened().commit(change(2, 0, after), version(after))
        except OvertakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(1, 9)))
    assert sum(won) == 1
    assert opened().active() == version(won.index(True) + 1)
    assert len(opened().records()) == 2


def test_a_version_that_is_not_there_is_told(opened: Opened) -> None:
    with pytest.raises(HomeError, match="0123456789ab"):
        opened().files("0123456789ab")


NAMES = ["/etc/passwd", "../a.yml", "a/../../b.yml", ".git/config", "a//b.yml", "./a.yml", "a\nb.yml", "a" * 300, ""]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files_stay_inside_a_pack(opened: Opened, name: str) -> None:
    files = {**version(1), name: b""}
    with pytest.raises(HomeError, match="expected the name of a file inside a pack"):
        opened().commit(replace(change(2, 0, 1), after=content_hash(files)), files)
    assert opened().active() == version(0)
    assert len(opened().records()) == 1


def test_records_and_versions_are_bounded(opened: Opened) -> None:
    with pytest.raises(HomeError, match="expected at most 100,000 records of 65,536 bytes each"):
        opened().commit(replace(change(2, 0, 1), why="x" * 70_000), version(1))
    many = version(1) | {f"f{number}.yml": b"" for number in range(700)}
    with pytest.raises(HomeError, match="expected 1 to 640 files, got 70"):
        opened().commit(replace(change(2, 0, 1), after=content_hash(many)), many)
    large = version(1) | {"lists/large.csv": bytes(81 << 20)}
    with pytest.raises(HomeError, match="expected files of at most 83,886,080 bytes together"):
        opened().commit(replace(change(2, 0, 1), after=content_hash(large)), large)
    assert opened().active() == version(0)
    opened().commit(change(2, 0, 1), version(1))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-1, 1)), max_size=6))
def test_any_commits_agree_with_plain_lists(opened: Opened, steps: list[tuple[int, int, int]]) -> None:
    """The oracle: a list of records, and the number of the version that is in force."""
    records = list(opened().records())
    now = next(number for number in range(4) if version(number) == opened().active())
    for before, after, off in steps:
        record = change(len(records) + 1 + off, before, after)
        if before == now and off == 0:
            opened().commit(record, version(after))
            records.append(record)
            now = after
        else:
            with pytest.raises(OvertakenError):
                opened().commit(record, version(after))
        assert opened().active() == version(now)
        assert opened().records() == tuple(records)
