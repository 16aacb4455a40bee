"""Where a run has its pack from: a folder, or the version that is in force in a store."""

import os
from collections.abc import Hashable
from itertools import islice
from pathlib import Path
from typing import Protocol

import rules
from rules import Loaded
from rules.contents import ContentsError, load_files
from stores import HomeError, RedisHome, version_in_force

FILES_MAX = 10_000


class PackAwayError(Exception):
    """A pack that cannot be had now; the text says why."""


class PackSource(Protocol):
    """What a run reads its pack from, again when it has changed."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def marks(self) -> Hashable:
        """What is another value whenever the pack may have changed; None where nothing can be told."""

    def read(self) -> Loaded:
        """The pack as it is now, under the run's overlay, without what only proofs find. Raises PackAwayError."""


class FolderSource:
    """The pack that lies in a folder, with its overlay of that name, if one is given."""

    def __init__(self, folder: Path, overlay: str | None) -> None:
        self._folder = folder
        self._overlay = overlay

    @property
    def name(self) -> str:
        return str(self._folder)

    def marks(self) -> Hashable:
        """Name, time, size and number of each file; None if the folder is unreadable."""
        found = []
        try:
            for parent, folders, files in islice(os.walk(self._folder), FILES_MAX):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in files:
                    path = Path(parent, name)
                    told = path.stat()
                    found.append((str(path.relative_to(self._folder)), told.st_mtime_ns, told.st_size, told.st_ino))
                    if len(found) >= FILES_MAX:
                        return frozenset(found)
        except OSError:
            return None
        return frozenset(found)

    def read(self) -> Loaded:
        return rules.load(self._folder, self._overlay, proofs=False)


class StoreSource:
    """The version of a pack that is in force in a store, with its overlay of that name, if one is given."""

    def __init__(self, home: RedisHome, overlay: str | None) -> None:
        self._home = home
        self._overlay = overlay
        self._records = 0
        self._version: str | None = None

    @property
    def name(self) -> str:
        return self._home.pack

    def marks(self) -> Hashable:
        """The version that is in force; None where the store cannot be asked."""
        try:
            return self._ask()
        except HomeError:
            return None

    def read(self) -> Loaded:
        try:
            version = self._ask()
            if version is None:
                raise PackAwayError(
                    f"expected a version in force in {self._home.name}, got none: `riskgate publish` makes the first"
                )
            return load_files(self._home.files(version), self.name, self._overlay, proofs=False)
        except (HomeError, ContentsError) as error:
            raise PackAwayError(str(error)) from error

    def _ask(self) -> str | None:
        """The version that is in force. Only records that are new since the last time are asked for."""
        new = self._home.records(self._records)
        self._records += len(new)
        self._version = version_in_force(new) or self._version
        return self._version
