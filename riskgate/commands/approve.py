"""`riskgate approve`: its arguments. `riskgate.promoting` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import WHO, WHY
from riskgate.commands.places import STORE, PackType


@click.command(name="approve")
@click.argument("pack", type=PackType())
@click.argument("number", type=click.IntRange(1))
@WHY
@WHO
@STORE
def command(pack: Path | str, number: int, why: str, who: str, store_url: str | None) -> None:
    """Put the proposal NUMBER of PACK, a folder or store:NAME, in force, as somebody else than who made it.

    Where pack.yml says `approval: second_person`, `riskgate promote --to live` makes a proposal; `riskgate history`
    shows which wait. It holds as long as the pack is what it was then. Exits 0 where it was done, 3 where the proposed
    pack has errors, 1 for all else.
    """
    from riskgate.promoting import Signed, approve

    click.get_current_context().exit(approve(pack, number, Signed(who, why, store_url)))
