"""`riskgate rollback`: its arguments. `riskgate.promoting` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import WHO, WHY, LineType
from riskgate.commands.places import STORE, PackType


@click.command(name="rollback")
@click.argument("pack", type=PackType())
@click.option("--to", metavar="VERSION", type=LineType(64), help="A version that `riskgate history` names.")
@WHY
@WHO
@STORE
def command(pack: Path | str, to: str | None, why: str, who: str, store_url: str | None) -> None:
    """Take PACK, a folder or store:NAME, back to the version before the last change, or to one that was ever in force.

    All files of the pack become what they were, edits since then included; what they are now is kept and can be gone
    back to. Exits 0 where it was done, 3 where that version has errors, 1 for all else.
    """
    from riskgate.promoting import Signed, roll_back

    click.get_current_context().exit(roll_back(pack, to, Signed(who, why, store_url)))
