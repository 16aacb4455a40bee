"""Full, read-only, unreadable and failing disks are told in a sentence, and what was appended before stands."""

import errno
from pathlib import Path

import pytest

from journal import StateError
from support.disks import read_only, small_disk
from support.journals import Kept, Run, disconnect, kept_in, noise, opened, segment

ELSEWHERE = "start with another empty directory: --state OTHER (its windows begin empty)"
REMEDIES = {
    errno.ENOSPC: "No space left on device; make room on its disk",
    errno.EFBIG: "File too large; raise the limit on a file's size",
    errno.EROFS: "Read-only file system; make its file system writable",
    errno.EACCES: "Permission denied; allow it to the user who runs riskgate",
    errno.EINVAL: "Invalid argument; check its disk",
    errno.ESPIPE: "Illegal seek; check its disk",
}
ROOM = 256 * 1024


def sentence(path: Path, code: int) -> str:
    return (
        f"expected a state directory that can be written, got `{path}`: {REMEDIES[code]} and start again with the same"
        f" directory, or {ELSEWHERE}"
    )


def fill(run: Run, size: int) -> None:
    for at in range(ROOM // size + 1):
        run.append(noise(at, size))


def test_a_full_disk_takes_no_half_frames(tmp_path: Path) -> None:
    with small_disk(tmp_path, ROOM) as disk:
        path = tmp_path / "state"
        run = Run(path)
        with pytest.raises(StateError) as raised:
            fill(run, 1_500)
        assert str(raised.value) == sentence(segment(path, 1), disk.code)
        assert len(run.kept[0]) > 20
        assert segment(path, 1).stat().st_size < ROOM
        with pytest.raises(StateError):
            run.append(noise(1, 1_500))
        disk.grow()
        run.append(b"more")
        run.stop()
        assert kept_in(path) == run.kept


def test_a_full_disk_can_be_left_and_come_back_to(tmp_path: Path) -> None:
    with small_disk(tmp_path, ROOM) as disk:
        path = tmp_path / "state"
        run = Run(path)
        for size in (1_500, 8):
            with pytest.raises(StateError):
                fill(run, size)
        run.stop()
        disk.grow()
        again = Run(path)
        assert again.kept == run.kept
        again.append(b"more")
        again.stop()
        assert kept_in(path)[0][-1] == Kept(False, b"more")


def test_a_full_disk_takes_no_half_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.writer.SEGMENT_BYTES", 10_000)
    with small_disk(tmp_path, ROOM) as disk:
        path = tmp_path / "state"
        run = Run(path)
        while segment(path, 1).stat().st_size < 10_000:
            run.append(noise(1, 1_000))
        run.head_bytes = 2 * ROOM
        with pytest.raises(StateError) as raised:
            run.append(b"one too many")
        assert str(raised.value) == sentence(path / "segments" / "0.tmp", disk.code)
        frames = [frame for frame in run.kept[0] if len(frame.payload) <= 1_000]
        assert [path.name for path in (path / "segments").iterdir()] == ["0-00000001.log"]
        run.stop()
        assert kept_in(path) == {0: frames}


def test_a_disk_without_room_for_a_directory(tmp_path: Path) -> None:
    """A disk of one page takes a manifest and no more; a limit on files not even that."""
    with small_disk(tmp_path, 64) as disk:
        path = tmp_path / "state"
        with pytest.raises(StateError) as raised:
            opened(path)
        refused = {errno.ENOSPC: path / "slots" / "0", errno.EFBIG: path}[disk.code]
        assert str(raised.value) == sentence(refused, disk.code)
        disk.grow()
        run = Run(path)
        run.append(b"x")
        run.stop()
        assert kept_in(path) == run.kept


@pytest.mark.parametrize("slots", [(0,), (0, 1)])
def test_a_read_only_disk(tmp_path: Path, slots: tuple[int, ...]) -> None:
    path = tmp_path / "state"
    path.mkdir()
    run = Run(path)
    run.append(b"x")
    run.stop()
    with read_only(path, path / "slots" / "0") as refused, pytest.raises(StateError) as raised:
        opened(path, slots, workers=len(slots))
    assert str(raised.value) == sentence(refused.path, refused.code)
    assert kept_in(path) == run.kept


def test_a_read_only_place_for_a_new_directory(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    path = place / "state"
    with read_only(place, path) as refused, pytest.raises(StateError) as raised:
        opened(path)
    assert str(raised.value) == sentence(path, refused.code)
    assert list(place.iterdir()) == []


def test_a_disk_that_fails_while_it_syncs(tmp_path: Path) -> None:
    """What the system could not write it has forgotten, so nothing is appended behind it."""
    run = Run(tmp_path / "state")
    run.append(b"x")
    disconnect(segment(tmp_path / "state", 1))
    for attempt in (run.journals[0].sync, run.journals[0].sync, lambda: run.append(b"y")):
        with pytest.raises(StateError) as raised:
            attempt()
        assert str(raised.value) == sentence(segment(tmp_path / "state", 1), errno.EINVAL)
    run.stop()
    assert kept_in(tmp_path / "state") == run.kept


def test_a_disk_that_fails_and_cannot_be_cut_back(tmp_path: Path) -> None:
    run = Run(tmp_path / "state")
    disconnect(segment(tmp_path / "state", 1))
    for _ in range(2):
        with pytest.raises(StateError) as raised:
            run.append(b"y")
        assert str(raised.value) == sentence(segment(tmp_path / "state", 1), errno.ESPIPE)
    run.stop()
