"""Printing reports: lines and tables on standard output, without control codes where that is no terminal; and JSON."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

TABLE_WIDTH = 160
"""Columns of a table at least: in a narrower one figures are cut off, while a narrower terminal only breaks lines."""


class Printer:
    """Standard output of a command that prints tables."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        width = max(console.width, TABLE_WIDTH) if console.is_terminal else TABLE_WIDTH
        self._console = Console(highlight=False, width=width)

    def say(self, line: str) -> None:
        """A line as it is, however long."""
        self._console.print(line, soft_wrap=True, markup=False)

    def table(self, table: Table) -> None:
        self._console.print(table)


def write_json(report: msgspec.Struct, file: Path | None) -> None:
    """Writes the whole report there for programs, if a file is asked for."""
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
