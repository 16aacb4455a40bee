"""Watching the files of a folder by their size and their time of change."""

from collections.abc import Callable, Iterator
from pathlib import Path

POLL_S = 0.5

Snapshot = dict[str, tuple[int, int]]


def snapshot(folder: Path) -> Snapshot:
    """Time of change and size of every file in the folder and below, but in hidden folders.

    Files that go while one looks are left out.
    """
    found: Snapshot = {}
    for path in folder.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts[:-1]):
            continue
        try:
            state = path.stat()
        except OSError:
            continue
        found[str(path)] = state.st_mtime_ns, state.st_size
    return found


def changes(folder: Path, pause: Callable[[], None]) -> Iterator[None]:
    """Yields at once, and again after each change that has come to rest: what looks the same after two pauses."""
    seen = snapshot(folder)
    yield
    while True:
        pause()
        now = snapshot(folder)
        if now == seen:
            continue
        while now != seen:
            seen = now
            pause()
            now = snapshot(folder)
        yield
