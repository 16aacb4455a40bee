"""Runs on state directories as a flow has them: all is read, then one journal for each slot is written."""

import os
import random
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from journal import Buffer, Identity, Journal, StateDirectory

IDENTITY = Identity("game-points", "5ca1ab1e")
KEY = bytes(range(16))
NEEDED_MS = 1 << 60
"""An expiry that no test's clock reaches."""


class Kept(NamedTuple):
    """A frame as it was given or read."""

    head: bool
    payload: bytes


def opened(path: Path, slots: Sequence[int] = (0,), workers: int = 1, identity: Identity = IDENTITY) -> StateDirectory:
    return StateDirectory.open(path, identity, lambda: KEY, slots, workers)


def read_all(directory: StateDirectory) -> dict[int, list[Kept]]:
    """What each slot holds, copied."""
    return {
        slot: [Kept(frame.head, bytes(frame.payload)) for frame in frames]
        for slot, frames in directory.read(lambda _read, _total: None).items()
    }


def kept_in(path: Path) -> dict[int, list[Kept]]:
    """What a run would find, which takes the directory and leaves it again."""
    with closing(opened(path)) as directory:
        return read_all(directory)


class Run:
    """`kept` is what each slot must hold: what was read, and then what is appended and the heads between."""

    def __init__(self, path: Path, slots: Sequence[int] = (0,), workers: int = 1, head_bytes: int = 40) -> None:
        self.directory = opened(path, slots, workers)
        self.kept: dict[int, list[Kept]] = {slot: [] for slot in slots} | read_all(self.directory)
        self.head_bytes = head_bytes
        self.journals = {slot: self._journal(slot) for slot in slots}

    def _journal(self, slot: int) -> Journal:
        def head() -> Sequence[Buffer]:
            payload = b"%d frames" % len(self.kept[slot])
            self.kept[slot].append(Kept(True, payload.ljust(self.head_bytes, b".")))
            return [self.kept[slot][-1].payload]

        return self.directory.writer(slot, head)

    def append(self, payload: bytes, expires_ms: int = NEEDED_MS, slot: int = 0) -> None:
        """In two parts, to see them joined."""
        middle = len(payload) // 3
        self.journals[slot].turn()
        self.journals[slot].append([payload[:middle], memoryview(payload)[middle:]], expires_ms)
        self.kept[slot].append(Kept(False, payload))

    def stop(self) -> None:
        for journal in self.journals.values():
            journal.close()
        self.directory.close()


def noise(seed: int, size: int) -> bytes:
    """Bytes without zeros, which unwritten sectors consist of."""
    return random.Random(seed).randbytes(size).replace(b"\0", b"\1")


def segment(path: Path, number: int, slot: int = 0) -> Path:
    return path / "segments" / f"{slot}-{number:08}.log"


def disconnect(path: Path) -> None:
    """Lets each descriptor of this process for the file at `path` lead to a pipe, where no file's calls work."""
    reader, writer = os.pipe()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = link.readlink()
        except FileNotFoundError:  # it was for the listing
            continue
        if target == path:
            os.dup2(reader, int(link.name))
    os.close(reader)
    os.close(writer)
