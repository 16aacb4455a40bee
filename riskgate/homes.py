"""Where the versions of a pack are."""

from pathlib import Path

import click

from rules.contents import Contents, ContentsError, read_contents
from stores import FolderHome, HomeError


def home_of(folder: Path) -> FolderHome:
    """The home of the versions of the pack in the folder, once what was interrupted is finished. Raises HomeError."""
    home = FolderHome(folder, lambda path: contents_of(path).files)
    if home.finish():
        click.echo(f"riskgate: finished a change of `{folder}` that was interrupted", err=True)
    return home


def contents_of(folder: Path) -> Contents:
    """What lies in the folder. Raises HomeError."""
    try:
        return read_contents(folder)
    except ContentsError as error:
        raise HomeError(str(error)) from error
