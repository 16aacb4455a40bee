"""Where the versions of a pack are, and where the pack is that is at hand."""

from dataclasses import dataclass
from pathlib import Path

import click
from msgspec.structs import replace

from rules.contents import Contents, ContentsError, load_files, read_contents
from stores import (
    Files,
    FolderHome,
    Home,
    HomeError,
    Record,
    RedisHome,
    StoreUrlError,
    open_home,
    versions_in_force,
)

STORE = "store:"
"""What the name of a pack begins with that is in a store."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a command works: on the pack in a folder, on its versions in a store, or on both."""

    own: FolderHome | None
    folder: Path | None
    shared: RedisHome | None

    @property
    def home(self) -> Home:
        """Where it is known which version is in force. Raises HomeError where there is none."""
        found = self.shared or self.own
        if found is None:
            raise HomeError(f"expected --store with `{STORE}NAME`")
        return found

    @property
    def place(self) -> str:
        """What a user types for it."""
        return str(self.folder) if self.shared is None else f"{self.folder or self.shared.pack} --store URL"

    def base(self) -> Contents | None:
        """What is in force. Raises HomeError."""
        if self.shared is None:
            return self.draft()
        files = self.shared.active()
        return None if files is None else loaded(files, self.shared.pack)

    def draft(self) -> Contents:
        """What is at hand: what lies in the folder, or what is in force. Raises HomeError."""
        if self.folder is not None:
            return contents_of(self.folder)
        found = self.base()
        if found is None:
            raise HomeError(f"expected a version in force in {self.home.name}, got none: {PUBLISH}")
        return found

    def require_known(self, draft: Contents, base: str) -> None:
        """That the folder was made from the version in force, so that nobody's change is lost. Raises HomeError."""
        if self.own is None or self.shared is None or base in (draft.version, *versions_in_force(self.own.records())):
            return
        last = next(record for record in reversed(self.shared.records()) if record.after == base)
        raise HomeError(
            f"expected `{self.folder}` to be made from {base}, which `{last.who}` has put in force in"
            f" {self.shared.name}, but it never was that: `riskgate rollback {self.place} --to {base}` brings it there,"
            f" and keeps what is there now as {draft.version}"
        )

    def follow(self, record: Record, files: Files) -> None:
        """Brings the folder to what was put in force in the store, if there are both. Raises HomeError."""
        if self.own is None or self.folder is None or self.shared is None:
            return
        action = "promote" if record.action == "approve" else record.action
        try:
            number, before = len(self.own.records()) + 1, contents_of(self.folder).version
            self.own.commit(replace(record, number=number, action=action, before=before, proposal=None), files)
        except HomeError as error:
            raise HomeError(
                f"{self.shared.name} has made the change, but the folder has not: {error}. Once it can,"
                f" `riskgate rollback {self.place} --to {record.after}` brings it there"
            ) from error


PUBLISH = "`riskgate publish PACK --store URL` makes the first"


def seat_of(pack: Path | str, store_url: str | None) -> Seat:
    """Where to work on a pack: a folder, or `store:NAME`. What was interrupted in the folder is finished.

    Raises HomeError, and UsageError for what the command line cannot mean.
    """
    try:
        if isinstance(pack, str):
            if store_url is None:
                raise click.UsageError(f"expected --store with `{pack}`")
            return Seat(None, None, open_home(store_url, pack.removeprefix(STORE)))
        own = FolderHome(pack, lambda path: contents_of(path).files)
        if own.finish():
            click.echo(f"riskgate: finished a change of `{pack}` that was interrupted", err=True)
        if store_url is None:
            return Seat(own, pack, None)
        head = contents_of(pack).loaded.pack
        if head is None:
            raise HomeError(
                f"expected a pack without errors, got one that `riskgate lint {pack}` finds errors in: mend it, or"
                f" name the pack as `{STORE}NAME`"
            )
        return Seat(own, pack, open_home(store_url, head.name))
    except StoreUrlError as error:
        raise click.UsageError(str(error)) from error


def contents_of(folder: Path) -> Contents:
    """What lies in the folder. Raises HomeError."""
    try:
        return read_contents(folder)
    except ContentsError as error:
        raise HomeError(str(error)) from error


def loaded(files: Files, name: str) -> Contents:
    """The pack that these files make. Raises HomeError."""
    try:
        return Contents(load_files(files, name), files)
    except ContentsError as error:
        raise HomeError(str(error)) from error
