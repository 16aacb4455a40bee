"""Which slots and segments a state directory has, by the names of its files."""

import re
from pathlib import Path
from stat import S_ISREG

from journal.errors import ELSEWHERE, StateError, unreadable
from journal.manifest import SEGMENTS_FOLDER, SLOTS_FOLDER

_SLOT_NAME = re.compile(r"(0|[1-9]\d{0,3})", re.ASCII)
_SEGMENT_NAME = re.compile(r"(0|[1-9]\d{0,3})-(\d{8})\.log", re.ASCII)
_UNFINISHED_NAME = re.compile(r"(0|[1-9]\d{0,3})\.tmp", re.ASCII)


def slots_in(folder: Path) -> list[int]:
    """The slots that were ever written, in order. Raises StateError for a file that is none."""
    slots = []
    for path, _ in _files(folder / SLOTS_FOLDER):
        if not _SLOT_NAME.fullmatch(path.name):
            raise _stranger(path)
        slots.append(int(path.name))
    return sorted(slots)


def segments_in(folder: Path) -> dict[int, dict[int, int]]:
    """The bytes of each segment, by slot and number. Raises StateError for a file that is none."""
    slots: dict[int, dict[int, int]] = {}
    for path, size in _files(folder / SEGMENTS_FOLDER):
        if named := _SEGMENT_NAME.fullmatch(path.name):
            slots.setdefault(int(named[1]), {})[int(named[2])] = size
        elif not _UNFINISHED_NAME.fullmatch(path.name):
            raise _stranger(path)
    return slots


def _files(folder: Path) -> list[tuple[Path, int]]:
    """Paths and bytes. What vanishes meanwhile was forgotten by the run that writes it."""
    files = []
    try:
        for path in folder.iterdir():
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if not S_ISREG(status.st_mode):
                raise _stranger(path)
            files.append((path, status.st_size))
    except OSError as error:
        raise unreadable("a folder of a state directory", folder, error) from error
    return files


def _stranger(path: Path) -> StateError:
    return StateError(f"expected only files that riskgate wrote, got `{path}`; move it away, or {ELSEWHERE}")
