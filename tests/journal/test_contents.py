"""What a directory holds can be seen without taking it."""

import os
from pathlib import Path

import pytest

from journal import Owner, StateError, inspect
from support.journals import IDENTITY, Run, segment


def test_slots_their_sizes_their_age_and_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "state"
    run = Run(path, slots=(0, 1), workers=2)
    run.append(b"x" * 1_000)
    os.utime(segment(path, 1), (7, 1_234.5))
    contents = inspect(path)
    assert contents.format == 1
    assert contents.identity == IDENTITY
    first, second = contents.slots
    sizes = [segment(path, 1, slot).stat().st_size for slot in (0, 1)]
    assert (first.slot, first.segments, first.size_bytes, first.written_s) == (0, 1, sizes[0], 1_234.5)
    assert (second.slot, second.segments, second.size_bytes) == (1, 1, sizes[1])
    assert first.owner == second.owner == Owner(os.getpid(), os.uname().nodename)
    run.append(b"the owner goes on")
    run.stop()
    assert [slot.owner for slot in inspect(path).slots] == [None, None]


def test_a_slot_without_segments(tmp_path: Path) -> None:
    run = Run(tmp_path, slots=(0, 1), workers=2)
    run.append(b"x", expires_ms=0, slot=1)
    run.stop()
    again = Run(tmp_path)
    again.journals[0].forget(0)
    again.stop()
    (empty,) = (slot for slot in inspect(tmp_path).slots if slot.slot == 1)
    assert (empty.segments, empty.size_bytes, empty.written_s) == (0, 0, None)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.append(b"x" * 1_000)
    run.stop()
    os.truncate(segment(tmp_path, 1), 500)
    (tmp_path / "segments" / "0.tmp").write_bytes(b"")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tmp_path.rglob("*")}
    assert inspect(tmp_path).slots[0].size_bytes == 500
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tmp_path.rglob("*")} == before


def test_what_is_no_state_directory(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        with pytest.raises(StateError) as raised:
            inspect(path)
        assert str(raised.value) == (
            f"expected a state directory, got `{path}` without `manifest.json`; name one that --state has made, or"
            " restore the file from a backup"
        )
