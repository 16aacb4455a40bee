"""List files of a pack change in one place alone, as a whole, and only to what loads."""

import threading
from pathlib import Path

import pytest

from rules import NEVER
from stores import ListEntry
from support.rule_packs import sound_pack
from workbench.pack_lists import CHANGES_FILE, ListFileError, PackLists

BODY = """\
lists: {blocked: {type: string, file: lists/blocked.csv}}
rules:
- {id: a.b, when: user_id in lists.blocked, then: tag}
"""
FILE = (
    "\ufeffvalue,added_by,reason,expires_at\r\n"
    'u1,ann,"two\nlines, and a ""quote""",\r\n'
    "\r\n"
    "u2,bob,,2027-01-31\r\n"
    "u3,eve,last line without an end,2027-01-31T12:00:00+02:00"
)


def _lists(folder: Path, text: str = FILE) -> PackLists:
    (folder / "lists").mkdir()
    path = folder / "lists" / "blocked.csv"
    path.write_bytes(text.encode())
    path.chmod(0o640)
    return PackLists(sound_pack(folder, BODY))


def test_every_other_byte_stays(tmp_path: Path) -> None:
    lists, path = _lists(tmp_path), tmp_path / "lists" / "blocked.csv"
    lists.add_to_list("blocked", ListEntry("u4", NEVER, "kim", "a, b"), 1)
    added = FILE + '\r\nu4,kim,"a, b",\r\n'
    assert path.read_bytes().decode() == added
    lists.add_to_list("blocked", ListEntry("u2", 1_803_556_800_000, "kim", "longer"), 2)
    assert path.read_bytes().decode() == added.replace(
        "u2,bob,,2027-01-31\r\n", "u2,kim,longer,2027-02-25T12:00:00Z\r\n"
    )
    assert lists.remove_from_list("blocked", "u1", "kim", "gone", 3)
    assert path.read_bytes().decode().startswith("\ufeffvalue,added_by,reason,expires_at\r\n\r\nu2,kim")
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in path.parent.iterdir()) == ["blocked.csv"]
    assert [entry.value for entry in lists.list_entries("blocked")] == ["u2", "u3", "u4"]


def test_a_change_that_would_not_load_is_not_made(tmp_path: Path) -> None:
    lists, path = _lists(tmp_path), tmp_path / "lists" / "blocked.csv"
    with pytest.raises(ListFileError, match="expected a value of 1 to 256 characters"):
        lists.add_to_list("blocked", ListEntry("x" * 257, NEVER, "kim", ""), 1)
    assert path.read_bytes().decode() == FILE
    assert not (tmp_path / CHANGES_FILE).exists()
    path.write_text("value\n")
    with pytest.raises(ListFileError, match="expected the columns"):
        lists.remove_from_list("blocked", "u1", "kim", "gone", 1)
    (tmp_path / ".history").mkdir()
    (tmp_path / CHANGES_FILE).write_text("no change\n")
    with pytest.raises(ListFileError, match=r"expected a change of a list in each line of .*lists\.ndjson"):
        lists.list_changes()
    with pytest.raises(KeyError):
        lists.list_entries("none")


def test_changes_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    lists = _lists(tmp_path)
    values = [f"v{number}" for number in range(24)]

    def add(own: list[str]) -> None:
        for value in own:
            lists.add_to_list("blocked", ListEntry(value, NEVER, "kim", ""), 1)

    threads = [threading.Thread(target=add, args=(values[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.value for entry in lists.list_entries("blocked")} == {"u1", "u2", "u3", *values}
    assert sorted(each.value for each in lists.list_changes()) == sorted(values)
