"""The manifest: what a state directory belongs to, and the key that its ids are hashed with."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from journal.errors import ELSEWHERE, MAKE_ROOM, RESTORE, WRITABLE, StateError, unusable
from journal.files import OWNER_ONLY, OWNER_ONLY_FOLDER, sync_folder
from journal.frames import FORMAT

HASH_KEY_BYTES = 16

SEGMENTS_FOLDER = "segments"
SLOTS_FOLDER = "slots"

_NAME = "manifest.json"
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
    format: int
    pack: str
    signature: str
    hash_key: str


class Manifest(NamedTuple):
    format: int
    identity: Identity
    hash_key: bytes


def open_manifest(folder: Path, identity: Identity, new_key: Callable[[], bytes]) -> Manifest:
    """Makes the directory if it is missing or empty. Raises StateError if it is not one of this pack's."""
    try:
        if not folder.exists():
            folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            sync_folder(folder.parent)
        names = {path.name for path in folder.iterdir()}
        if _NAME not in names:
            _refuse_strangers(folder, names)
            _create(folder, identity, new_key)
    except OSError as error:
        raise unusable(WRITABLE, folder, error, MAKE_ROOM) from error
    manifest = read_manifest(folder)
    _compare(folder / _NAME, manifest.identity, identity)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Raises StateError if there is none, or none of this format."""
    path = folder / _NAME
    try:
        with path.open("rb") as file:
            raw = file.read(_BYTES_MAX)
    except OSError as error:
        raise unusable(
            "the manifest of a state directory", path, error, "name a directory that --state made"
        ) from error
    try:
        form = msgspec.json.decode(raw, type=_Form).format
        if form != FORMAT:
            age = "an older" if form < FORMAT else "a newer"
            raise StateError(
                f"expected format {FORMAT}, got {form} in `{path}`: {age} riskgate wrote it; go on with that one,"
                f" or {ELSEWHERE}"
            )
        content = msgspec.json.decode(raw, type=_Content)
        hash_key = bytes.fromhex(content.hash_key)
    except ValueError as error:  # of msgspec as well
        raise StateError(f"expected the JSON of a manifest in `{path}`, got: {error}; {RESTORE}") from error
    if len(hash_key) != HASH_KEY_BYTES:
        raise StateError(f"expected {HASH_KEY_BYTES} bytes of `hash_key` in `{path}`, got {len(hash_key)}; {RESTORE}")
    return Manifest(form, Identity(content.pack, content.signature), hash_key)


def _refuse_strangers(folder: Path, names: set[str]) -> None:
    for made in (SEGMENTS_FOLDER, SLOTS_FOLDER):  # a creation that was interrupted left them empty
        if made in names and not any((folder / made).iterdir()):
            names.discard(made)
    strangers = sorted(names - _HARMLESS)
    if strangers and not (folder / _NAME).exists():  # which another process may have made meanwhile
        raise StateError(
            f"expected a directory that is empty or has a `{_NAME}`, got `{folder}` with `{strangers[0]}`;"
            f" name another directory: --state OTHER, or restore `{_NAME}` from a backup"
        )


def _create(folder: Path, identity: Identity, new_key: Callable[[], bytes]) -> None:
    """Whole or not at all, and once if several processes do it at the same time: a lock lets them take turns."""
    for made in (SEGMENTS_FOLDER, SLOTS_FOLDER):
        (folder / made).mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
    unfinished = folder / _UNFINISHED
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if (folder / _NAME).exists():
            unfinished.unlink(missing_ok=True)
            return
        content = _Content(FORMAT, identity.pack, identity.signature, new_key().hex())
        os.ftruncate(descriptor, 0)
        os.write(descriptor, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        os.fsync(descriptor)
        unfinished.rename(folder / _NAME)
        sync_folder(folder)
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
