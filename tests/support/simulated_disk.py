"""Real files below one folder, through the real `os`, with what can happen to them.

A crash ends the process in the middle of a call and leaves the files as they are. A failure of the power takes back
what was not synced: names of a folder to some moment since its sync, bytes of a file to some moment since its own, in
the middle of a write, or with sectors missing that were never written.
"""

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import journal.slots
import journal.writer
from support.fate import Fate, Trace, replaced

SECTOR_BYTES = 512
SLOTS_FOLDER = "slots"
HOLES = 0.3
"""How often a power failure leaves sectors that were never written."""


@dataclass
class _Contents:
    """What a file surely has, and what was done to it since: (position, bytes), or (size, None) for a truncation."""

    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass(frozen=True)
class _Naming:
    """A change in a folder: `path` was made, got its name from `before`, or was deleted with `contents` in it."""

    path: Path
    before: Path | None = None
    contents: _Contents | None = None
    deleted: bytes = b""


class Disk:
    """The files below `root`, over the lives of many processes."""

    def __init__(self, root: Path, draw: random.Random, trace: Trace) -> None:
        self._root = root
        self._draw = draw
        self._trace = trace
        self._files: dict[Path, _Contents] = {}
        self._namings: list[_Naming] = []
        self._open: dict[int, Path] = {}
        self._fate: Fate
        self._os = {
            name: getattr(os, name)
            for name in (
                "open",
                "close",
                "write",
                "pwrite",
                "pwritev",
                "ftruncate",
                "fsync",
                "rename",
                "unlink",
                "mkdir",
            )
        }

    @contextmanager
    def used(self, fate: Fate) -> Iterator[None]:
        """While a process lives on it; its descriptors, and with them its locks, go when it ends."""
        self._fate = fate
        calls: list[tuple[Any, str, Callable[..., Any]]] = [
            (os, name, self._open_call if name == "open" else getattr(self, f"_{name}")) for name in self._os
        ]
        calls += [(module, "sync_data", self._fsync) for module in (journal.writer, journal.slots)]
        with replaced(*calls):
            try:
                yield
            finally:
                for descriptor in self._open:
                    with suppress(OSError):
                        self._os["close"](descriptor)
                self._open.clear()

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._root))

    def _owns(self, path: str | Path) -> bool:
        return Path(path).is_relative_to(self._root)

    def _is_record(self, path: Path) -> bool:
        """Whether it is a slot's record, which is written within one sector."""
        return path.parent.name == SLOTS_FOLDER

    def _room(self, path: Path) -> None:
        if self._fate.is_full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    def _open_(self, path: Path, flags: int, mode: int) -> int:
        is_new = flags & os.O_CREAT and not path.exists()
        if is_new:
            self._fate.pass_by("create", self._name(path))
            self._room(path)
        descriptor: int = self._os["open"](path, flags, mode)
        self._open[descriptor] = path
        if is_new:
            self._files[path] = _Contents()
            self._namings.append(_Naming(path))
        elif flags & os.O_TRUNC:
            self._changed(path).append((0, None))
        return descriptor

    def _taken(self, path: Path) -> _Contents:
        """The file's, which it has under this name no longer."""
        return self._files.pop(path) if path in self._files else _Contents(path.read_bytes())

    def _changed(self, path: Path) -> list[tuple[int, bytes | None]]:
        if path not in self._files:
            self._files[path] = _Contents(path.read_bytes())
        return self._files[path].since

    # What stands for `os`: calls for files elsewhere are passed on.

    def _open_call(self, path: Any, flags: int, mode: int = 0o777, **others: Any) -> int:
        if others or isinstance(path, int) or not self._owns(path):
            descriptor: int = self._os["open"](path, flags, mode, **others)
            return descriptor
        return self._open_(Path(path), flags, mode)

    def _close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        self._os["close"](descriptor)

    def _write(self, descriptor: int, data: Any) -> int:
        if descriptor not in self._open:
            written: int = self._os["write"](descriptor, data)
            return written
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        taken = self._put(descriptor, bytes(data), at)
        os.lseek(descriptor, at + taken, os.SEEK_SET)
        return taken

    def _pwrite(self, descriptor: int, data: Any, at: int) -> int:
        if descriptor not in self._open:
            written: int = self._os["pwrite"](descriptor, data, at)
            return written
        return self._put(descriptor, bytes(data), at)

    def _pwritev(self, descriptor: int, buffers: Sequence[Any], at: int) -> int:
        if descriptor not in self._open:
            written: int = self._os["pwritev"](descriptor, buffers, at)
            return written
        return self._put(descriptor, b"".join(map(bytes, buffers)), at)

    def _put(self, descriptor: int, data: bytes, at: int) -> int:
        path = self._open[descriptor]
        was_full = self._fate.is_full
        is_last = self._fate.step("write", self._name(path), at, len(data))
        if was_full and (at + len(data) > path.stat().st_size or not self._is_record(path)):
            self._room(path)
        taken = len(data)
        if is_last or (self._fate.is_full and not was_full):
            taken = self._draw.choice((0, taken)) if self._is_record(path) else self._draw.randint(0, taken)
        if taken:
            since = self._changed(path)
            self._os["pwrite"](descriptor, data[:taken], at)
            since.append((at, data[:taken]))
        if is_last:
            self._fate.die()
        if not taken:
            self._room(path)
        return taken

    def _ftruncate(self, descriptor: int, size: int) -> None:
        if descriptor in self._open:
            path = self._open[descriptor]
            self._fate.pass_by("truncate", self._name(path), size)
            self._changed(path).append((size, None))
        self._os["ftruncate"](descriptor, size)

    def _fsync(self, descriptor: int) -> None:
        path = self._open.get(descriptor)
        if path is None:
            self._os["fsync"](descriptor)
            return
        is_last = self._fate.step("sync", self._name(path))
        if is_last and self._draw.random() < 0.5:
            self._fate.die()
        if self._fate.unsynced_at and self._fate.steps >= self._fate.unsynced_at:
            self._fate.failed_sync = True
            raise OSError(errno.EIO, "Input/output error", str(path))
        if path.is_dir():
            self._namings = [naming for naming in self._namings if naming.path.parent != path]
        elif path in self._files:
            self._files[path] = _Contents(path.read_bytes())
        if is_last:
            self._fate.die()

    def _rename(self, before: Any, after: Any) -> None:
        if self._owns(before):
            before, after = Path(before), Path(after)
            self._fate.pass_by("rename", self._name(before), self._name(after))
            self._files[after] = self._taken(before)
            self._namings.append(_Naming(after, before))
            self._open = {each: after if path == before else path for each, path in self._open.items()}
        self._os["rename"](before, after)

    def _unlink(self, path: Any, **others: Any) -> None:
        if not others and self._owns(path) and Path(path).exists():
            path = Path(path)
            self._fate.pass_by("delete", self._name(path))
            content = path.read_bytes()
            self._namings.append(_Naming(path, None, self._taken(path), content))
        self._os["unlink"](path, **others)

    def _mkdir(self, path: Any, mode: int = 0o777, **others: Any) -> None:
        if not others and self._owns(path) and not Path(path).exists():
            self._fate.pass_by("folder", self._name(Path(path)))
            self._room(Path(path))
            self._namings.append(_Naming(Path(path)))
        self._os["mkdir"](path, mode, **others)

    # Between the lives of processes.

    def fail_power(self) -> None:
        """All goes back to some state that it has been in since it was synced."""
        stays = {
            folder: self._draw.randint(0, sum(naming.path.parent == folder for naming in self._namings))
            for folder in sorted({naming.path.parent for naming in self._namings})
        }
        undone = []
        for naming in self._namings:
            stays[naming.path.parent] -= 1
            if stays[naming.path.parent] < 0:
                undone.append(naming)
        for naming in reversed(undone):
            self._trace.note("unnamed", self._name(naming.path))
            self._undo(naming)
        self._namings.clear()
        for path, contents in sorted(self._files.items()):
            if contents.since:
                content = self._left_of(path, contents)
                self._trace.note("left", self._name(path), len(content))
                path.write_bytes(content)
                self._files[path] = _Contents(content)

    def _undo(self, naming: _Naming) -> None:
        if naming.before is not None:
            if naming.path.exists():
                naming.path.rename(naming.before)
                self._files[naming.before] = self._files.pop(naming.path)
        elif naming.contents is not None:
            naming.path.write_bytes(naming.deleted)
            self._files[naming.path] = naming.contents
        elif naming.path.is_dir():
            for path in [path for path in self._files if path.is_relative_to(naming.path)]:
                del self._files[path]
            shutil.rmtree(naming.path)
        else:
            naming.path.unlink(missing_ok=True)
            self._files.pop(naming.path, None)

    def _left_of(self, path: Path, contents: _Contents) -> bytes:
        changes = contents.since
        positions = [at for at, data in changes if data is not None]
        grown = positions and min(positions) >= len(contents.synced) and len(positions) == len(changes)
        if grown and not self._is_record(path) and self._draw.random() < HOLES:
            return self._with_holes(_applied(contents.synced, changes), min(positions))
        count = self._draw.randint(0, len(changes))
        left = _applied(contents.synced, changes[:count])
        if count < len(changes) and not self._is_record(path):
            at, data = changes[count]
            if data is not None:
                left = _applied(left, [(at, data[: self._draw.randint(0, len(data))])])
        return left

    def _with_holes(self, content: bytes, low: int) -> bytes:
        """Sectors from `low` on that were never written, or only the file's size was."""
        left = bytearray(content)
        for at in range(-(-low // SECTOR_BYTES) * SECTOR_BYTES, len(left), SECTOR_BYTES):
            if self._draw.random() < 0.5:
                end = min(at + SECTOR_BYTES, len(left))
                left[at:end] = bytes(end - at)
        return bytes(left)


def _applied(content: bytes, changes: Sequence[tuple[int, bytes | None]]) -> bytes:
    left = bytearray(content)
    for at, data in changes:
        if data is None:
            left = left[:at].ljust(at, b"\0")
        elif data:
            left = left.ljust(at, b"\0")
            left[at : at + len(data)] = data
    return bytes(left)
