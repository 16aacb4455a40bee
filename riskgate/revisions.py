"""Packs as they are in a folder, or as they were in a revision of git, which is read without a checkout."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

import rules
from rules import Finding, Pack
from rules.findings import render

FOLDER_BYTES_MAX = 128 << 20
"""More than a pack and its lists may have."""

FILES_MAX = 10_000
GIT_TIMEOUT_S = 60

_FILE, _EXECUTABLE = "100644", "100755"


class RevisionError(Exception):
    """A revision that cannot be read; the text says why."""


class _Blob(NamedTuple):
    path: PurePosixPath
    id: str
    size: int


def pack_at(place: str, overlay: str | None) -> Pack | None:
    """The pack in the folder `place`, or in `FOLDER@REVISION` of git; a folder of that very name is preferred.

    None where it has errors, which are then on standard error. Raises RevisionError.
    """
    folder, at, revision = place.rpartition("@")
    if Path(place).is_dir():
        return _load(Path(place), place, overlay)
    if not at or not revision:
        raise RevisionError(f"expected a folder, or FOLDER@REVISION of git, got `{place}`")
    with TemporaryDirectory(prefix="riskgate-") as temporary:
        _extract(folder or ".", revision, Path(temporary))
        return _load(Path(temporary), place, overlay)


def _load(folder: Path, place: str, overlay: str | None) -> Pack | None:
    loaded = rules.load(folder, overlay)
    if loaded.pack is None:
        click.echo(render([_placed(each, folder, place) for each in loaded.findings]), err=True)
    return loaded.pack


def _placed(finding: Finding, folder: Path, place: str) -> Finding:
    """The finding with its file named as the user named the folder."""
    file = place + finding.place.file.removeprefix(str(folder))
    return replace(finding, place=replace(finding.place, file=file))


def _extract(folder: str, revision: str, target: Path) -> None:
    """Writes the files that the folder had in the revision."""
    near = Path(folder).absolute()
    while not near.is_dir():
        near = near.parent
    inside = Path(folder).absolute().relative_to(near).as_posix()
    named = f"{revision}:./{inside}"
    tree = _git(near, f"read `{folder}@{revision}`", "rev-parse", "--verify", "--quiet", "--end-of-options", named)
    blobs = _blobs(near, f"{folder}@{revision}", tree.decode().strip())
    contents = _git(
        near, f"read `{folder}@{revision}`", "cat-file", "--batch", given="".join(f"{each.id}\n" for each in blobs)
    )
    start = 0
    for blob in blobs:
        start = contents.index(b"\n", start) + 1
        path = target / blob.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[start : start + blob.size])
        start += blob.size + 1


def _blobs(near: Path, place: str, tree: str) -> list[_Blob]:
    """The files of a tree, which must be plain ones and not too many."""
    listed = _git(near, f"read `{place}`", "ls-tree", "-r", "-l", "-z", "--full-tree", tree)
    blobs = []
    for line in listed.decode(errors="surrogateescape").split("\0")[:-1]:
        described, _, name = line.partition("\t")
        mode, _, blob, size = described.split()
        path = PurePosixPath(name)
        if mode not in (_FILE, _EXECUTABLE) or path.is_absolute() or ".." in path.parts:
            raise RevisionError(
                f"expected a pack of plain files in `{place}`, got `{name}`, which is a link or a module"
            )
        blobs.append(_Blob(path, blob, int(size)))
    total = sum(each.size for each in blobs)
    if len(blobs) > FILES_MAX or total > FOLDER_BYTES_MAX:
        raise RevisionError(
            f"expected a pack of at most {FILES_MAX:,} files with {FOLDER_BYTES_MAX:,} bytes in `{place}`,"
            f" got {len(blobs):,} with {total:,}"
        )
    return blobs


def _git(folder: Path, what: str, *arguments: str, given: str = "") -> bytes:
    """What git says; raises RevisionError where it cannot do what is to be done."""
    command: Sequence[str] = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(command, input=given.encode(), capture_output=True, check=False, timeout=GIT_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"git cannot {what}: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[0] if said else "there is no such revision, or no such folder in it"
        raise RevisionError(f"git cannot {what}: {reason}")
    return done.stdout
