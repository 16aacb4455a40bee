"""What a shell can complete: the names that a pack gives its rules, lists and overlays, from its files as they are.

A pack with errors is read as far as it is YAML: who completes is often about to mend it.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from rules.trees import Table

NAMES_MAX = 1_000


class NameType(click.ParamType[str]):
    """A name that the pack of the same command line gives, with what lists these names."""

    name = "text"

    def __init__(self, names_in: Callable[[Path], Iterator[str]]) -> None:
        self._names_in = names_in

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        folder = ctx.params.get("pack")
        if not isinstance(folder, Path):
            return []
        fitting = (each for each in self._names_in(folder) if each.startswith(incomplete))
        return [CompletionItem(each) for each in islice(fitting, NAMES_MAX)]


def rules_in(folder: Path) -> Iterator[str]:
    """The ids of its rules, in the order of its files."""
    from rules.trees import Items, Scalar, Table

    for table in _tables(folder):
        items = table.get("rules")
        for item in items.values if isinstance(items, Items) else ():
            identity = item.get("id") if isinstance(item, Table) else None
            if isinstance(identity, Scalar):
                yield identity.value


def lists_in(folder: Path) -> Iterator[str]:
    """The names of its lists."""
    from rules.trees import Table

    for table in _tables(folder):
        lists = table.get("lists")
        yield from (key.value for key, _ in lists.entries) if isinstance(lists, Table) else ()


def overlays_in(folder: Path) -> Iterator[str]:
    """The names of its overlays."""
    yield from sorted(path.stem for path in folder.glob("overlays/*.yml"))


def _tables(folder: Path) -> Iterator["Table"]:
    from rules.bounds import FILE_BYTES_MAX, FILES_MAX
    from rules.findings import Ledger
    from rules.trees import Table, parse_source

    for path in sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml"))[:FILES_MAX]:
        with path.open("rb") as file:
            tree = parse_source(str(path), file.read(FILE_BYTES_MAX + 1), Ledger())
        if isinstance(tree, Table):
            yield tree


COMPLETED: Mapping[str, click.ParamType[str]] = {
    "rule": NameType(rules_in),
    "overlay": NameType(overlays_in),
    "list_name": NameType(lists_in),
}
"""The types of parameters that have these names, in whatever command."""


def completed(command: click.Command) -> click.Command:
    """The command, whose parameters of these names can be completed, and those of its subcommands."""
    for param in command.params:
        if param.name in COMPLETED:
            param.type = COMPLETED[param.name]
    if isinstance(command, click.Group):
        for each in command.commands.values():
            completed(each)
    return command
