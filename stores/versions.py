"""Versions of packs: the files of each, and the records of who put which in force, when and why.

A home keeps both. The version that is in force follows from the records, or from the files that lie in a folder.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, Protocol

import msgspec

from schemas import CONTENT_BYTES_MAX, CONTENT_FILES_MAX, content_hash

RECORDS_MAX = 100_000
RECORD_BYTES_MAX = 64 << 10
LISTING_BYTES_MAX = 1 << 20

Files = Mapping[str, bytes]
"""The bytes of a pack's files by their names in it."""

Action = Literal["promote", "rollback", "publish", "propose", "approve"]


class HomeError(Exception):
    """Versions that cannot be read or written; the text says where and what to do."""


class OvertakenError(HomeError):
    """Somebody else changed the pack meanwhile: nothing was changed."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest said of a rule; `content` is the hash of all that its hits depend on. Money is decimal text."""

    pack: str
    content: str
    data: str
    from_ms: int
    to_ms: int
    judged: int
    hits: int
    hits_per_judged: float
    users: int
    alerts_a_day: float
    currency: str
    precision: float | None = None
    recall: float | None = None
    money_caught: str | None = None
    good_money_stopped: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One change of what is in force, from the version `before` to the version `after`. Records count from 1.

    `before` is None where nothing was in force. `along` has what the backtest said of other live rules that changed.
    A promotion names the rule, its modes and what a backtest said of it. A proposal changes nothing yet: an approval
    does, which names its number as `proposal`.
    """

    number: int
    action: Action
    before: str | None
    after: str
    who: str
    why: str
    at_ms: int
    rule: str | None = None
    from_mode: str | None = None
    to_mode: str | None = None
    backtest: Measured | None = None
    along: dict[str, Measured] = {}
    proposal: int | None = None

    @property
    def changes(self) -> bool:
        """Whether it put another version in force."""
        return self.action != "propose"


class Home(Protocol):
    """Keeps the versions of one pack, and which is in force. All methods raise HomeError."""

    @property
    def name(self) -> str:
        """Which home this is, for messages; never holds a secret."""

    def active(self) -> Files | None:
        """The files that are in force, None where none ever were."""

    def records(self) -> tuple[Record, ...]:
        """All records in their order."""

    def files(self, version: str) -> Files:
        """The files of a version that a record names."""

    def commit(self, record: Record, files: Files) -> None:
        """Adds the record, and puts `files`, the version `record.after`, in force: all of it, or nothing.

        A proposal puts nothing in force: its files are kept. Raises OvertakenError where `record.before` is not what is
        in force, or the record's number is not the next one.
        """


class Listing(msgspec.Struct, frozen=True):
    """The files of a version: for each name the SHA-256 of its bytes, in hex."""

    files: dict[str, str]


def listing_of(files: Files) -> Listing:
    """Raises HomeError for files that are too many, too large, or named as no file of a pack may be."""
    _check_names(files)
    if sum(map(len, files.values())) > CONTENT_BYTES_MAX:
        raise HomeError(f"expected files of at most {CONTENT_BYTES_MAX:,} bytes together, got more")
    return Listing({name: sha256(raw) for name, raw in sorted(files.items())})


def read_listing(raw: bytes, place: str) -> Listing:
    """What `listing_of` wrote; nothing of it is trusted. Raises HomeError."""
    try:
        listing = msgspec.json.decode(raw, type=Listing)
    except msgspec.MsgspecError as error:
        raise HomeError(
            f"expected the files of a version in {place}, got: {error}; restore it from a backup"
        ) from error
    _check_names(listing.files)
    return listing


def checked(version: str, files: Files, place: str) -> Files:
    """The files, once they are what their version says. Raises HomeError."""
    if content_hash(files) != version:
        raise HomeError(
            f"expected the version {version} in {place}, got other bytes: it is damaged; restore it from a backup"
        )
    return files


def read_record(raw: bytes, number: int, place: str) -> Record:
    """Raises HomeError."""
    try:
        record = msgspec.json.decode(raw, type=Record)
    except msgspec.MsgspecError as error:
        raise HomeError(f"expected a record in {place}, got: {error}; restore it from a backup") from error
    if record.number != number:
        raise HomeError(f"expected record {number} in {place}, got {record.number}; restore it from a backup")
    return record


def written(record: Record) -> bytes:
    """The record as it is kept. Raises HomeError where it is too large, or there are too many."""
    raw = msgspec.json.format(msgspec.json.encode(record)) + b"\n"
    if record.number > RECORDS_MAX or len(raw) > RECORD_BYTES_MAX:
        raise HomeError(
            f"expected at most {RECORDS_MAX:,} records of {RECORD_BYTES_MAX:,} bytes each, got record"
            f" {record.number:,} of {len(raw):,}"
        )
    return raw


def overtaken(name: str, before: str | None, now: str | None) -> OvertakenError:
    return OvertakenError(
        f"somebody else changed {name} meanwhile, from {before or 'nothing'} to {now or 'nothing'}: nothing was"
        " changed by you; look at it, and give the command again"
    )


def version_in_force(records: Sequence[Record]) -> str | None:
    """What the records put in force last."""
    return next((record.after for record in reversed(records) if record.changes), None)


def versions_in_force(records: Iterable[Record]) -> set[str]:
    """All versions that were in force at some time."""
    changes = [record for record in records if record.changes]
    return {version for record in changes for version in (record.before, record.after) if version is not None}


def version_before(records: Sequence[Record]) -> str | None:
    """The version to go back to: as it was before the last change that was not taken back. None if there is none."""
    trail: list[str] = []
    for record in records:
        if not record.changes:
            continue
        if record.action == "rollback" and record.after in trail:
            while trail[-1] != record.after:
                trail.pop()
            continue
        for version in (record.before, record.after):
            if version is not None and trail[-1:] != [version]:
                trail.append(version)
    return trail[-2] if len(trail) > 1 else None


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _check_names(names: Iterable[str]) -> None:
    every = list(names)
    if not 0 < len(every) <= CONTENT_FILES_MAX:
        raise HomeError(f"expected 1 to {CONTENT_FILES_MAX} files, got {len(every):,}")
    for name in every:
        path = PurePosixPath(name)
        is_plain = str(path) == name and not path.is_absolute() and name.isprintable() and len(name) <= 255
        if not is_plain or any(part == ".." or part.startswith(".") for part in path.parts):
            raise HomeError(f"expected the name of a file inside a pack, got {name[:80]!r}")
