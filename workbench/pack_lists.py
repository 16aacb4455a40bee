"""The lists of a pack as its own files, with the promises that a store's lists have."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp

import msgspec

from rules import NEVER, ListSpec, Pack
from rules.expiry import expiry_ms
from rules.findings import Ledger, render
from rules.list_files import rows_of, with_entry, without_entry
from rules.lists import parse_entries
from stores import LIST_CHANGES_MAX, ListChange, ListEntry

CHANGES_FILE = Path(".history", "lists.ndjson")
"""Where a pack's folder keeps what was changed, one a line; no loader and no watch reads it."""

_decode_change = msgspec.json.Decoder(ListChange).decode


class ListFileError(Exception):
    """A list file that cannot be changed so; the text says why."""


class PackLists:
    """The list files of a pack. One change at a time: another process waits. Each file is exchanged as a whole.

    Raises ListFileError where a file has findings, and KeyError for a list that the pack does not have.
    """

    def __init__(self, pack: Pack) -> None:
        self._folder = pack.path
        self._specs: Mapping[str, ListSpec] = pack.lists

    @property
    def name(self) -> str:
        return f"the pack `{self._folder}`"

    def list_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._specs))

    def list_entries(self, name: str) -> tuple[ListEntry, ...]:
        rows = rows_of(self._read(name))
        entries = [ListEntry(row.value, _expires_ms(row.expires_at), row.added_by, row.reason) for row in rows]
        return tuple(sorted(entries))

    def add_to_list(self, name: str, entry: ListEntry, at_ms: int) -> None:
        expires_at = "" if entry.expires_ms == NEVER else _rfc3339(entry.expires_ms)
        change = ListChange(at_ms, name, entry.value, "added", entry.added_by, entry.reason, entry.expires_ms)
        self._edit(change, lambda text: with_entry(text, entry.value, entry.added_by, entry.reason, expires_at))

    def remove_from_list(self, name: str, value: str, who: str, why: str, at_ms: int) -> bool:
        change = ListChange(at_ms, name, value, "removed", who, why, None)
        return self._edit(change, lambda text: without_entry(text, value))

    def list_changes(self) -> tuple[ListChange, ...]:
        path = self._folder / CHANGES_FILE
        lines = path.read_bytes().splitlines() if path.exists() else []
        try:
            return tuple(map(_decode_change, lines[-LIST_CHANGES_MAX:]))
        except msgspec.MsgspecError as error:
            raise ListFileError(
                f"riskgate: error: expected a change of a list in each line of `{path}`: {error}"
            ) from error

    def _edit(self, change: ListChange, edited: Callable[[str], str | None]) -> bool:
        """Whether there was anything to change; the record of it is there before the file is."""
        with self._alone():
            before = self._read(change.name)
            after = edited(before)
            if after is None:
                return False
            path = self._path(change.name)
            _sound(path, after.encode())
            self._note(change)
            _exchange(path, after.encode())
        return True

    def _path(self, name: str) -> Path:
        return self._folder / self._specs[name].file

    def _read(self, name: str) -> str:
        raw = self._path(name).read_bytes()
        _sound(self._path(name), raw)
        return raw.decode()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes lists of this pack meanwhile."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _note(self, change: ListChange) -> None:
        path = self._folder / CHANGES_FILE
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(msgspec.json.encode(change) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _sound(path: Path, raw: bytes) -> None:
    ledger = Ledger()
    if parse_entries(str(path), raw, ledger) is None:
        raise ListFileError(render(ledger.findings))


def _exchange(path: Path, raw: bytes) -> None:
    """Puts a whole new file in the place of the old one, with its permissions."""
    target = path.resolve()
    descriptor, half = mkstemp(prefix=".half-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        Path(half).replace(target)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


def _expires_ms(text: str) -> int:
    return expiry_ms(text) if text else NEVER


def _rfc3339(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{time_ms % 1_000:03}Z" if time_ms % 1_000 else f"{moment}Z"
