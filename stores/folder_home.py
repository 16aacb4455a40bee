"""The home of a pack's versions beside the pack itself, in a hidden folder of its folder.

`.history/files/SHA256` is a file of some version, `.history/versions/VERSION.json` lists those of one, and
`.history/records/NUMBER.json` is a record. Nothing there is ever written twice. What is in force is what lies in the
pack's folder, whoever wrote it. While its files are exchanged, the record of the change lies in `.unfinished`, and
whoever comes next finishes it.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from schemas import CONTENT_BYTES_MAX, UNFINISHED, content_hash
from stores.versions import (
    LISTING_BYTES_MAX,
    RECORD_BYTES_MAX,
    RECORDS_MAX,
    Files,
    HomeError,
    Record,
    checked,
    listing_of,
    overtaken,
    read_listing,
    read_record,
    sha256,
    written,
)

HISTORY = ".history"

LOCK_S = 10.0
"""How long a change waits for another one under way."""
_LOCK_POLL_S = 0.02


class FolderHome:
    """The versions of the pack in the folder `path`; `read` gives its files as they lie there."""

    def __init__(self, path: Path, read: Callable[[Path], Files]) -> None:
        self._path = path
        self._read = read
        self._history = path / HISTORY

    @property
    def name(self) -> str:
        return f"`{self._path}`"

    def active(self) -> Files:
        return self._read(self._path)

    def finish(self) -> bool:
        """Finishes a change that was interrupted, and tells whether there was one."""
        if not (self._path / UNFINISHED).exists():
            return False
        with self._changing():
            return True

    def records(self) -> tuple[Record, ...]:
        found: list[Record] = []
        while len(found) < RECORDS_MAX:
            path = self._record_path(len(found) + 1)
            try:
                raw = _read_bytes(path, RECORD_BYTES_MAX)
            except FileNotFoundError:
                break
            except OSError as error:
                raise _unreadable(path, error) from error
            found.append(read_record(raw, len(found) + 1, f"`{path}`"))
        return tuple(found)

    def files(self, version: str) -> Files:
        path = self._history / "versions" / f"{version}.json"
        try:
            listing = read_listing(_read_bytes(path, LISTING_BYTES_MAX), f"`{path}`")
            files, size = {}, 0
            for name, digest in listing.files.items():
                path = self._file_path(digest, path)
                files[name] = _read_bytes(path, CONTENT_BYTES_MAX - size)
                size += len(files[name])
        except OSError as error:
            raise _unreadable(path, error) from error
        return checked(version, files, f"`{self._history}`")

    def commit(self, record: Record, files: Files) -> None:
        with self._changing():
            before = self._read(self._path)
            found = content_hash(before)
            if found != record.before or record.number != len(self.records()) + 1:
                raise overtaken(self.name, record.before, found)
            self._keep(found, before)
            self._keep(record.after, files)
            if not record.changes:
                _write_once(self._record_path(record.number), written(record))
                _sync_folder(self._history / "records")
                return
            self._lying(before, files)
            _write(self._path / UNFINISHED, written(record))
            _sync_folder(self._path)
            self._finish(record)

    def _finish(self, record: Record) -> None:
        """Does what is left of a change that was begun, and may do it again."""
        after = self.files(record.after)
        before = {} if record.before is None else self.files(record.before)
        lying = self._lying(before, after)
        _write_once(self._record_path(record.number), written(record))
        _sync_folder(self._history / "records")
        for name, raw in sorted(lying.items()):
            path = (self._path / name).resolve()
            if name not in after:
                path.unlink(missing_ok=True)
            elif raw != after[name]:
                _write(path, after[name])
                _sync_folder(path.parent)
        _sync_folder(self._path)
        (self._path / UNFINISHED).unlink()
        _sync_folder(self._path)

    def _lying(self, before: Files, after: Files) -> dict[str, bytes | None]:
        """What lies in the folder of the files of two versions. Raises HomeError where it is of neither."""
        lying: dict[str, bytes | None] = {}
        for name in before.keys() | after.keys():
            path = self._path / name
            if not path.resolve().is_relative_to(self._path.resolve()):
                raise HomeError(f"expected a file inside the pack, got `{path}`, a link that leads elsewhere")
            lying[name] = _read_bytes(path, CONTENT_BYTES_MAX) if path.is_file() else None
            if lying[name] not in (before.get(name), after.get(name)):
                raise HomeError(
                    f"expected `{path}` as in one of the two versions, got another one, which would be lost: move it"
                    " away, and give the command again"
                )
        return lying

    def _keep(self, version: str, files: Files) -> None:
        """Keeps the files of a version; those that are kept already are left alone."""
        listing = listing_of(files)
        for name, digest in listing.files.items():
            _write_once(self._file_path(digest, self._history), files[name])
        _sync_folder(self._history / "files")
        versions = self._history / "versions"
        _write_once(versions / f"{version}.json", msgspec.json.format(msgspec.json.encode(listing)) + b"\n")
        _sync_folder(versions)

    def _record_path(self, number: int) -> Path:
        return self._history / "records" / f"{number:06}.json"

    def _file_path(self, digest: str, named_in: Path) -> Path:
        if len(digest) != len(sha256(b"")) or not digest.isalnum():
            raise HomeError(f"expected SHA-256 digests in `{named_in}`, got {digest[:80]!r}")
        return self._history / "files" / digest

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Lets nobody else change the pack, and finishes first what somebody left half done."""
        lock = self._history / "lock"
        try:
            for folder in ("files", "versions", "records"):
                (self._history / folder).mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if not _locked(descriptor):
                    raise HomeError(
                        f"expected `{self._path}` to be changed by nobody else, but `{lock}` was held for"
                        f" {LOCK_S:.0f} s: give the command again"
                    )
                self._take_up()
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise HomeError(
                f"expected to write in `{self._path}`, got `{error.filename or lock}`: {error.strerror}"
            ) from error

    def _take_up(self) -> None:
        path = self._path / UNFINISHED
        if not path.exists():
            return
        raw = _read_bytes(path, RECORD_BYTES_MAX)
        try:
            number = msgspec.json.decode(raw, type=Record).number
        except msgspec.MsgspecError as error:
            raise HomeError(f"expected the record of a change in `{path}`, got: {error}; delete it") from error
        self._finish(read_record(raw, number, f"`{path}`"))


def _locked(descriptor: int) -> bool:
    deadline_s = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_LOCK_POLL_S)
        else:
            return True


def _read_bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise HomeError(f"expected at most {most:,} bytes in `{path}`, got more")
    return raw


def _write_once(path: Path, raw: bytes) -> None:
    """Makes the file where it is missing, whole or not at all."""
    if not path.exists():
        _write(path, raw)


def _write(path: Path, raw: bytes) -> None:
    """Puts these bytes at `path`, all at once, with the permissions of the file that was there.

    They are on the disk when this returns; the name is once its folder is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    with unfinished.open("wb") as file:
        file.write(raw)
        if path.exists():
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _sync_folder(path: Path) -> None:
    """Makes the names in a folder last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> HomeError:
    return HomeError(f"expected to read `{path}`: {error.strerror}; restore it from a backup")
