"""Printing reports on standard output: lines and tables, without control codes where that is no terminal."""

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 160
"""Columns of a table where no terminal says how wide it is."""


class Printer:
    """Standard output of a command that prints tables."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=PIPE_WIDTH)

    def say(self, line: str) -> None:
        """A line as it is, however long."""
        self._console.print(line, soft_wrap=True, markup=False)

    def table(self, table: Table) -> None:
        self._console.print(table)
