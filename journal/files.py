"""What must be on the disk before something else may happen."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview
"""Bytes without a gap, of any item type; `array.data` of a numpy array is one."""

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700

_BUFFERS_MAX = 1_024  # what one call takes on Linux and macOS

sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter


def sync_folder(path: Path) -> None:
    """Makes the names in a folder last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_at(descriptor: int, buffers: Sequence[Buffer], size: int, at: int) -> None:
    """Writes `size` bytes from position `at` on, in one call unless the system takes less. Raises OSError."""
    if len(buffers) > _BUFFERS_MAX:
        buffers = [b"".join(buffers)]
    written = os.pwritev(descriptor, buffers, at)
    if written < size:  # a full disk first takes less, and gives its reason at the next call
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            taken = os.pwrite(descriptor, rest, at + size - len(rest))
            rest = rest[taken:]
