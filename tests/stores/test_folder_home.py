"""The home of versions in a pack's own folder: changes are whole, and lose nothing, whatever comes in between."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rules import load
from rules.contents import read_contents
from schemas import UNFINISHED, content_hash
from stores import FolderHome, HomeError, OvertakenError
from support.commands import ROOT
from support.permissions import BOUND, allow_writing, forbid_writing
from support.versions import change, lay_out, version


def home(folder: Path) -> FolderHome:
    return FolderHome(folder, lambda path: read_contents(path).files)


def lying(folder: Path) -> dict[str, bytes]:
    """All that is not hidden."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = {str(path.relative_to(folder)): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(".")}


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    lay_out(tmp_path, 1)
    (tmp_path / "README.md").write_text("read me")
    (tmp_path / "lists" / "old.txt").write_text("old")
    home(tmp_path).commit(change(1, 1, 2), version(2))
    assert lying(tmp_path) == {**version(2), "README.md": b"read me", "lists/old.txt": b"old"}
    assert load(tmp_path).findings == ()


def test_permissions_and_links_inside_the_pack_stay(tmp_path: Path) -> None:
    lay_out(tmp_path, 1)
    (tmp_path / "a.yml").rename(tmp_path / "a.text")
    (tmp_path / "a.yml").symlink_to("a.text")
    (tmp_path / "a.text").chmod(0o640)
    home(tmp_path).commit(change(1, 1, 2), version(2))
    assert (tmp_path / "a.yml").is_symlink()
    assert (tmp_path / "a.text").read_bytes() == version(2)["a.yml"]
    assert (tmp_path / "a.text").stat().st_mode & 0o777 == 0o640


class Died(BaseException):
    """Stands for the end of the process: nothing is caught, and nothing is cleaned up but by the system."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Lets the process end just before its nth change of the file system. The machine goes on, and needs no syncing."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    left: list[int | None] = [None]

    def wrapped(name: str) -> None:
        real = getattr(Path, name)

        def wrapper(*arguments: object, **named: object) -> object:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Died
            return real(*arguments, **named)

        monkeypatch.setattr(Path, name, wrapper)

    for name in ("replace", "unlink", "mkdir"):
        wrapped(name)

    def after(steps: int | None) -> None:
        left[0] = steps

    return after


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (3, 1)])
def test_a_change_that_is_interrupted_anywhere_is_whole_or_is_not(
    tmp_path: Path, dying: Callable[[int | None], None], before: int, after: int
) -> None:
    steps, outcomes = 0, set()
    while True:
        folder = lay_out(tmp_path / str(steps), before)
        dying(steps)
        try:
            home(folder).commit(change(1, before, after), version(after))
        except Died:
            dying(None)
        else:
            dying(None)
            break
        interrupted = home(folder)
        if (folder / UNFINISHED).exists():
            assert load(folder).pack is None
            assert "was interrupted" in load(folder).findings[0].message
        finished = interrupted.finish()
        done = len(interrupted.records()) == 1
        assert lying(folder) == version(after if done else before), steps
        assert done == finished or not (folder / UNFINISHED).exists()
        assert not (folder / UNFINISHED).exists()
        home(folder).commit(
            change(2, after, before) if done else change(1, before, after), version(before if done else after)
        )
        outcomes.add(done)
        steps += 1
    assert steps > 8
    assert outcomes == {True, False}


OPENED = """
import os, signal, sys
from pathlib import Path
from rules.contents import read_contents
from stores import FolderHome
from support.versions import change, lay_out, version
os.fsync = lambda _: None
folder = Path(sys.argv[1])
home = FolderHome(folder, lambda path: read_contents(path).files)
home.finish()
"""
LOOP = f"""{OPENED}
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
while True:
    number = len(home.records())
    home.commit(change(number + 1, number, number + 1), version(number + 1))
"""

ONE_CHANGE = f"""{OPENED}
from stores import HomeError
assert len(home.records()) == 1
try:
    home.commit(change(2, 2, 3), version(3))
except HomeError as error:
    print(error)
"""


def test_kills_leave_one_version_or_the_other(tmp_path: Path) -> None:
    """The kernel ends the process when its alarm goes off, as it does with SIGKILL: nothing of it runs any more."""
    folder, draw, finished = lay_out(tmp_path, 0), random.Random(7), 0
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    for _ in range(8):
        any_moment_s = str(draw.uniform(0.01, 0.2))
        ended = subprocess.run(
            [sys.executable, "-c", LOOP, folder, any_moment_s], env=environment, cwd=ROOT, check=False
        )
        assert ended.returncode == -signal.SIGALRM
        found = home(folder)
        finished += found.finish()
        records = found.records()
        assert [record.number for record in records] == list(range(1, len(records) + 1))
        assert lying(folder) == version(len(records))
        assert all(content_hash(found.files(record.after)) == record.after for record in records)
    assert len(home(folder).records()) > 8


def test_an_edit_by_hand_meanwhile_is_noticed(tmp_path: Path) -> None:
    lay_out(tmp_path, 1)
    (tmp_path / "a.yml").write_bytes(version(3)["a.yml"])
    edited = lying(tmp_path)
    with pytest.raises(OvertakenError, match="somebody else changed"):
        home(tmp_path).commit(change(1, 1, 2), version(2))
    assert lying(tmp_path) == edited
    assert home(tmp_path).records() == ()


def test_an_edit_in_the_middle_of_an_interrupted_change_is_not_overwritten(
    tmp_path: Path, dying: Callable[[int | None], None]
) -> None:
    lay_out(tmp_path, 1)
    steps = 0
    while not (tmp_path / UNFINISHED).exists():
        dying(steps)
        with pytest.raises(Died):
            home(tmp_path).commit(change(1, 1, 2), version(2))
        steps += 1
    dying(None)
    (tmp_path / "a.yml").write_bytes(b"# mine\n")
    with pytest.raises(HomeError, match=r"a\.yml` as in one of the two versions, got another one"):
        home(tmp_path).finish()
    assert (tmp_path / "a.yml").read_bytes() == b"# mine\n"
    (tmp_path / "a.yml").rename(tmp_path / "mine.txt")
    with pytest.raises(HomeError, match="as in one of the two versions"):
        home(tmp_path).finish()
    (tmp_path / "a.yml").write_bytes(version(1)["a.yml"])
    assert home(tmp_path).finish()
    assert lying(tmp_path) == {**version(2), "mine.txt": b"# mine\n"}


def test_what_a_broken_pack_holds_is_kept(tmp_path: Path) -> None:
    lay_out(tmp_path, 2)
    home(tmp_path).commit(change(1, 2, 4), version(4))
    (tmp_path / "a.yml").write_text("rules: [\n")
    broken = read_contents(tmp_path)
    assert broken.loaded.pack is None
    back = change(2, 4, 2)
    record = type(back)(
        number=2, action="rollback", before=broken.version, after=back.after, who="ann", why="broken", at_ms=7
    )
    home(tmp_path).commit(record, version(2))
    assert lying(tmp_path) == version(2)
    assert home(tmp_path).files(broken.version) == broken.files
    assert broken.files["a.yml"] == b"rules: [\n"


@pytest.mark.parametrize(
    ("path", "raw", "told"),
    [
        ("records/000001.json", b"{", "expected a record in"),
        ("records/000001.json", b"x" * 70_000, "expected at most 65,536 bytes"),
        ("versions/VERSION.json", b"{}", "expected the files of a version in"),
        ("versions/VERSION.json", b'{"files": {"../a": "00"}}', "expected the name of a file inside a pack"),
        ("versions/VERSION.json", b'{"files": {"/a": "00"}}', "expected the name of a file inside a pack"),
        ("versions/VERSION.json", b'{"files": {".git/config": "00"}}', "expected the name of a file inside a pack"),
        ("versions/VERSION.json", b'{"files": {"a.yml": "../../a.yml"}}', "expected SHA-256 digests"),
        ("versions/VERSION.json", b'{"files": {}}', "expected 1 to 640 files"),
    ],
)
def test_what_is_damaged_is_told(tmp_path: Path, path: str, raw: bytes, told: str) -> None:
    lay_out(tmp_path, 1)
    home(tmp_path).commit(change(1, 1, 2), version(2))
    (tmp_path / ".history" / path.replace("VERSION", content_hash(version(1)))).write_bytes(raw)
    with pytest.raises(HomeError, match=told):
        home(tmp_path).records() and home(tmp_path).files(content_hash(version(1)))


def test_other_bytes_under_a_version_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path, 1)
    home(tmp_path).commit(change(1, 1, 2), version(2))
    for path in (tmp_path / ".history" / "files").iterdir():
        path.write_bytes(path.read_bytes() + b"# more\n")
    with pytest.raises(HomeError, match="it is damaged; restore it from a backup"):
        home(tmp_path).files(content_hash(version(1)))


def test_a_folder_that_cannot_be_written_is_told_and_can_be_read(tmp_path: Path) -> None:
    lay_out(tmp_path, 1)
    home(tmp_path).commit(change(1, 1, 2), version(2))
    forbid_writing(tmp_path)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    try:
        done = subprocess.run(
            [*BOUND, sys.executable, "-c", ONE_CHANGE, tmp_path],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        allow_writing(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Permission denied" in done.stdout
    assert lying(tmp_path) == version(2)
