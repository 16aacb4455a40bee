"""`riskgate approve`: its arguments. `riskgate.promoting` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import PACK, WHO, WHY


@click.command(name="approve")
@click.argument("pack", type=PACK)
@click.argument("number", type=click.IntRange(1))
@WHY
@WHO
def command(pack: Path, number: int, why: str, who: str) -> None:
    """Put the proposal NUMBER of the folder PACK in force, as somebody else than who made it.

    Where pack.yml says `approval: second_person`, `riskgate promote --to live` makes a proposal; `riskgate history`
    shows which wait. It holds as long as the pack is what it was then. Exits 0 where it was done, 3 where the proposed
    pack has errors, 1 for all else.
    """
    from riskgate.promoting import approve

    click.get_current_context().exit(approve(pack, number, who, why))
