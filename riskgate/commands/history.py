"""`riskgate history`: its arguments. `riskgate.histories` does the work."""

from pathlib import Path
from typing import Literal

import click

from riskgate.commands.places import STORE, PackType


@click.command(name="history")
@click.argument("pack", type=PackType())
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@STORE
def command(pack: Path | str, form: Literal["pretty", "json"], store_url: str | None) -> None:
    """Show who put which version of PACK, a folder or store:NAME, in force, when and why, and on which figures."""
    from riskgate.histories import show_history

    click.get_current_context().exit(show_history(pack, form, store_url))
