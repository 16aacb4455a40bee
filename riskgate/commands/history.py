"""`riskgate history`: its arguments. `riskgate.histories` does the work."""

from pathlib import Path
from typing import Literal

import click

from riskgate.commands.options import PACK


@click.command(name="history")
@click.argument("pack", type=PACK)
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(pack: Path, form: Literal["pretty", "json"]) -> None:
    """Show who put which version of the folder PACK in force, when and why, and what the backtests said."""
    from riskgate.histories import show_history

    click.get_current_context().exit(show_history(pack, form))
