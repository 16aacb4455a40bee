"""Looks into a state directory without taking it, also while a run writes to it."""

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

from journal.errors import unreadable
from journal.listing import segments_in, slots_in
from journal.manifest import Identity, read_manifest
from journal.slots import Slot, read_record


class Owner(NamedTuple):
    """The process that writes a slot now."""

    pid: int
    host: str


class SlotContents(NamedTuple):
    """`written_s` is the time of the last frame in seconds since 1970, None where there are no segments."""

    slot: int
    segments: int
    size_bytes: int
    written_s: float | None
    owner: Owner | None


class Contents(NamedTuple):
    format: int
    identity: Identity
    slots: list[SlotContents]


def inspect(folder: Path) -> Contents:
    """Raises StateError if it is no state directory of this format or cannot be read."""
    manifest = read_manifest(folder)
    sizes = segments_in(folder)
    slots = [_slot(Slot(folder, number), sizes.get(number, {})) for number in slots_in(folder)]
    return Contents(manifest.format, manifest.identity, slots)


def _slot(slot: Slot, sizes: dict[int, int]) -> SlotContents:
    try:
        written_s = slot.segment_path(max(sizes)).stat().st_mtime if sizes else None
        owner = _owner(slot.path)
    except OSError as error:
        raise unreadable("a slot that can be read", slot.path, error) from error
    return SlotContents(slot.number, len(sizes), sum(sizes.values()), written_s, owner)


def _owner(path: Path) -> Owner | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        record = read_record(path)
        return Owner(record.pid, record.host)
    finally:
        os.close(descriptor)
    return None
