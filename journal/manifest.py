"""The manifest: what a state directory belongs to, and the key that its ids are hashed with."""

import fcntl
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from journal.errors import ELSEWHERE, RESTORE, StateError, unreadable, unwritable
from journal.files import OWNER_ONLY, OWNER_ONLY_FOLDER, sync_folder, write_at
from journal.frames import FORMAT

MANIFEST = "manifest.json"
SEGMENTS_FOLDER = "segments"
SLOTS_FOLDER = "slots"

_UNFINISHED = "manifest.json.tmp"
_HARMLESS = {_UNFINISHED, "lost+found"}
"""What an empty directory may hold: the leftover of an interrupted creation, and the folder that each ext4 disk has."""

_BYTES_MAX = 65_536


class Identity(msgspec.Struct, frozen=True):
    """What a directory and the run that wants it must agree on: a pack's name, and a digest of all its state is for."""

    pack: str
    signature: str


class _Form(msgspec.Struct, frozen=True):
    format: int


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key in hex. `checksum` is that of the same content with 0 in its place."""

    format: int
    pack: str
    signature: str
    hash_key: str
    checksum: int = 0

    def checked(self) -> "_Content":
        bare = msgspec.structs.replace(self, checksum=0)
        return msgspec.structs.replace(self, checksum=zlib.crc32(msgspec.json.encode(bare)))


class Manifest(NamedTuple):
    format: int
    identity: Identity
    hash_key: bytes


def open_manifest(folder: Path, identity: Identity, new_key: Callable[[], bytes]) -> Manifest:
    """Makes the directory if it is missing or empty. Raises StateError if it is not one of this pack's."""
    try:
        folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        if MANIFEST not in names:
            _refuse_strangers(folder, names)
            sync_folder(folder.parent)
            _create(folder, identity, new_key)
        sync_folder(folder)  # also of a manifest whose maker was killed before its name was lasting
    except (FileExistsError, NotADirectoryError) as error:
        raise StateError(
            f"expected a state directory, got the file `{folder}`; name a directory: --state OTHER"
        ) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    return read_manifest_of(folder, identity)


def read_manifest_of(folder: Path, identity: Identity) -> Manifest:
    """Raises StateError if there is none, or none of this format and of this identity."""
    manifest = read_manifest(folder)
    _compare(folder / MANIFEST, manifest.identity, identity)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Raises StateError if there is none, or none of this format."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            raw = file.read(_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StateError(
            f"expected a state directory, got `{folder}` without `{MANIFEST}`; name one that --state has made,"
            " or restore the file from a backup"
        ) from error
    except OSError as error:
        raise unreadable("the manifest of a state directory", path, error) from error
    try:
        form = msgspec.json.decode(raw, type=_Form).format
        content = msgspec.json.decode(raw, type=_Content) if form == FORMAT else None
    except ValueError as error:  # msgspec's are such
        raise StateError(f"expected a manifest in `{path}`, got: {error}; {RESTORE}") from error
    if content is None:
        age = "an older" if form < FORMAT else "a newer"
        raise StateError(
            f"expected format {FORMAT}, got {form} in `{path}`: {age} riskgate wrote it; go on with that one,"
            f" or {ELSEWHERE}"
        )
    if content != content.checked():
        raise StateError(f"expected a manifest in `{path}`, got one that is damaged; {RESTORE}")
    return Manifest(form, Identity(content.pack, content.signature), bytes.fromhex(content.hash_key))


def _refuse_strangers(folder: Path, names: set[str]) -> None:
    for made in (SEGMENTS_FOLDER, SLOTS_FOLDER):  # a creation that was interrupted left them empty
        if made in names and not any((folder / made).iterdir()):
            names.discard(made)
    strangers = sorted(names - _HARMLESS)
    if strangers and not (folder / MANIFEST).exists():  # which another process may have made meanwhile
        raise StateError(
            f"expected a directory that is empty or has a `{MANIFEST}`, got `{folder}` with `{strangers[0]}`;"
            f" name another directory: --state OTHER, or restore `{MANIFEST}` from a backup"
        )


def _create(folder: Path, identity: Identity, new_key: Callable[[], bytes]) -> None:
    """Whole or not at all, and once if several processes do it at the same time: a lock lets them take turns."""
    for made in (SEGMENTS_FOLDER, SLOTS_FOLDER):
        (folder / made).mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
    unfinished = folder / _UNFINISHED
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if (folder / MANIFEST).exists():
            unfinished.unlink(missing_ok=True)
            return
        content = _Content(FORMAT, identity.pack, identity.signature, new_key().hex()).checked()
        os.ftruncate(descriptor, 0)
        raw = msgspec.json.format(msgspec.json.encode(content)) + b"\n"
        write_at(descriptor, [raw], len(raw), 0)
        os.fsync(descriptor)
        unfinished.rename(folder / MANIFEST)
    finally:
        os.close(descriptor)


def _compare(path: Path, held: Identity, wanted: Identity) -> None:
    if held.pack != wanted.pack:
        raise StateError(
            f"expected the state of pack `{wanted.pack}`, got that of pack `{held.pack}` in `{path}`;"
            f" run that pack, or {ELSEWHERE}"
        )
    if held.signature != wanted.signature:
        raise StateError(
            f"expected state for what the features and detectors of pack `{held.pack}` read now"
            f" ({wanted.signature}), got state for what they read before ({held.signature}) in `{path}`;"
            f" go back to those features and detectors, or {ELSEWHERE}"
        )
