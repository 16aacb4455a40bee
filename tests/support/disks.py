"""Disks that are full or read-only: real mounts where the user may mount, limits and permissions elsewhere."""

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NOBODY = 65_534


class SmallDisk(NamedTuple):
    """`code` is the error at its end; `grow` gives it more room."""

    code: int
    grow: Callable[[], None]


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """At `folder` there is room for `size` bytes, or for files of `size` bytes at most."""
    if _mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", folder):
        try:
            yield SmallDisk(errno.ENOSPC, lambda: _must_mount("-o", "remount,size=64M", folder))
        finally:
            _unmount(folder)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield SmallDisk(errno.EFBIG, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Refusal(NamedTuple):
    """The error of whoever would write, and at which file it comes first."""

    code: int
    path: Path


@contextmanager
def read_only(folder: Path, first_written: Path) -> Iterator[Refusal]:
    """Nothing in `folder` can be written; whoever may read it meets the refusal at `first_written`."""
    if _mount("--bind", folder, folder):
        try:
            _must_mount("-o", "remount,bind,ro", folder)
            yield Refusal(errno.EROFS, first_written)
        finally:
            _unmount(folder)
    elif os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield Refusal(errno.EACCES, folder)
        finally:
            os.seteuid(0)
    else:
        paths = [folder, *folder.rglob("*")]
        modes = {path: path.stat().st_mode for path in paths}
        for path in paths:
            path.chmod(modes[path] & ~0o222)
        try:
            yield Refusal(errno.EACCES, first_written)
        finally:
            for path, mode in modes.items():
                path.chmod(mode)


def _mount(*arguments: str | Path) -> bool:
    """False where the user may not mount or there is no such program."""
    try:
        return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _must_mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)
