"""`riskgate state`: its argument. `riskgate.holdings` does the work."""

from pathlib import Path

import click


@click.command(name="state")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def command(directory: Path) -> None:
    """Show what the state directory DIR holds, without taking it: also while a run writes to it.

    Exits 0, or 1 if DIR is none or cannot be read.
    """
    from riskgate.holdings import show

    click.get_current_context().exit(show(directory))
