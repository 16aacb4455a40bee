"""Where compiled kernels are kept: beside the sources that they were made of, or else with the user."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import windows
from support.permissions import BOUND, allow_writing, forbid_writing
from windows.jit import cache_path

ROOM = Path(windows.__file__).parent
PROGRAM = "import windows; print(windows.Hasher(bytes(16)).id('text'))"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A copy of the package without anything compiled."""
    copy = tmp_path / "installed" / "windows"
    shutil.copytree(ROOM, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def hash_with(room: Path, home: Path) -> str:
    """What PROGRAM prints, in a process of its own that imports the copy in `room`."""
    hidden = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    run = subprocess.run(
        [*BOUND, sys.executable, "-c", PROGRAM],
        cwd=room.parent,
        env={**env, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return run.stdout


def kernels_in(cache: Path) -> dict[str, bytes]:
    """What is in the files; one that was compiled again would differ, or be one more."""
    return {str(path.relative_to(cache)): path.read_bytes() for path in cache.rglob("*.nb[ic]")}


def test_the_cache_changes_with_any_source(room: Path) -> None:
    before = cache_path(room)
    assert before == cache_path(room)
    helper = room / "int128.py"
    source = helper.read_text()
    helper.write_text(source + "\n")
    assert cache_path(room) != before
    helper.write_text(source)
    assert cache_path(room) == before
    (room / "another.py").write_text("")
    assert cache_path(room) != before


def test_kernels_are_cached_beside_their_sources(room: Path, tmp_path: Path) -> None:
    first = hash_with(room, tmp_path / "home")
    kernels = list(cache_path(room).rglob("*.nbc"))
    assert kernels
    stamps = [kernel.stat().st_mtime_ns for kernel in kernels]
    assert hash_with(room, tmp_path / "home") == first
    assert [kernel.stat().st_mtime_ns for kernel in cache_path(room).rglob("*.nbc")] == stamps


def test_a_package_that_cannot_be_written_caches_with_the_user(room: Path, tmp_path: Path) -> None:
    """A file in the directory's place stops every user, root too, from writing there."""
    home = tmp_path / "home"
    (room / "__pycache__").write_text("")
    assert hash_with(room, home).strip().isdigit()
    assert list((home / ".cache" / "riskgate" / cache_path(room).name).rglob("*.nbc"))
    assert not list(room.rglob("*.nbc"))


def test_kernels_that_came_with_the_package_are_used_where_it_cannot_be_written(room: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = hash_with(room, home)
    shipped = cache_path(room)
    assert not home.exists()
    forbid_writing(room)
    try:
        cached = home / ".cache"
        copy = cached / "riskgate" / shipped.name
        for _ in range(2):
            assert hash_with(room, home) == first
            assert kernels_in(copy) == kernels_in(shipped)
        assert [path.name for path in copy.parent.iterdir()] == [shipped.name]
    finally:
        allow_writing(room)
