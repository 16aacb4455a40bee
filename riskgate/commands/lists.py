"""`riskgate lists`: its arguments. `riskgate.listing` does the work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from riskgate.commands.options import PACK, WHO, LineType, MomentType

TEXT_MAX = 256
"""A value and a reason have at most so many characters."""


_HOMES = (
    click.option("--pack", metavar="DIR", type=PACK, help="The lists in the files of this pack."),
    click.option(
        "--store",
        metavar="URL",
        envvar="RISKGATE_STORE",
        help="The lists of this store: redis://HOST:6379/0. What is there is added to the pack's own.",
    ),
)
_AUTHORS = (
    WHO,
    click.option("--why", type=LineType(TEXT_MAX), required=True, help="The reason, such as the number of a case."),
)


def _with(options: tuple[Callable[..., Any], ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def given(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return given


def _one_home(pack: Path | None, store: str | None) -> tuple[Path | None, str | None]:
    """Exactly one of both; a pack that was typed goes before a store that only the environment names."""
    source = click.get_current_context().get_parameter_source("store")
    if pack is not None and source == ParameterSource.ENVIRONMENT:
        return pack, None
    if (pack is None) == (store is None):
        raise click.UsageError(f"expected one of --pack and --store, got {'none' if pack is None else 'both'}")
    return pack, store


@click.group(name="lists")
def command() -> None:
    """Show and change what the lists of a pack hold, in its files or in a store.

    Entries of a store come on top of the pack's own; where both have a value, the store's expiry counts. Each change
    names who made it and why, and `riskgate lists changes` shows all of them. A running flow uses what has changed from
    its next batch on, or once it has read its pack again.
    """


@command.command(name="show")
@click.argument("list_name", metavar="[NAME]", required=False)
@_with(_HOMES)
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def show(list_name: str | None, pack: Path | None, store: str | None, form: str) -> None:
    """Show the entries of the list NAME, or how many entries each list has."""
    from riskgate.listing import show_lists

    click.get_current_context().exit(show_lists(*_one_home(pack, store), list_name, as_json=form == "json"))


@command.command(name="add")
@click.argument("list_name", metavar="NAME")
@click.argument("value", type=LineType(TEXT_MAX))
@_with(_HOMES)
@click.option(
    "--expires",
    "expires_ms",
    metavar="TIME",
    type=MomentType(),
    help="Until when it counts, in the time of events; for ever without it.",
)
@_with(_AUTHORS)
def add(
    list_name: str, value: str, pack: Path | None, store: str | None, expires_ms: int | None, who: str, why: str
) -> None:
    """Put VALUE on the list NAME, or replace its entry there."""
    from riskgate.listing import add_entry

    click.get_current_context().exit(add_entry(*_one_home(pack, store), list_name, value, expires_ms, who, why))


@command.command(name="remove")
@click.argument("list_name", metavar="NAME")
@click.argument("value", type=LineType(TEXT_MAX))
@_with(_HOMES)
@_with(_AUTHORS)
def remove(list_name: str, value: str, pack: Path | None, store: str | None, who: str, why: str) -> None:
    """Take VALUE off the list NAME. Exits 1 where it is not on it."""
    from riskgate.listing import remove_entry

    click.get_current_context().exit(remove_entry(*_one_home(pack, store), list_name, value, who, why))


@command.command(name="changes")
@click.argument("list_name", metavar="[NAME]", required=False)
@_with(_HOMES)
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def changes(list_name: str | None, pack: Path | None, store: str | None, form: str) -> None:
    """Show who changed the list NAME, or any list, when, how and why."""
    from riskgate.listing import show_changes

    click.get_current_context().exit(show_changes(*_one_home(pack, store), list_name, as_json=form == "json"))
