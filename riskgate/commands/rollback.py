"""`riskgate rollback`: its arguments. `riskgate.promoting` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import PACK, WHO, WHY, LineType


@click.command(name="rollback")
@click.argument("pack", type=PACK)
@click.option("--to", metavar="VERSION", type=LineType(64), help="A version that `riskgate history` names.")
@WHY
@WHO
def command(pack: Path, to: str | None, why: str, who: str) -> None:
    """Take the folder PACK back to the version before the last promotion, or to one that was in force at any time.

    All files of the pack become what they were, edits since then included; what they are now is kept and can be gone
    back to. Exits 0 where it was done, 3 where that version has errors, 1 for all else.
    """
    from riskgate.promoting import roll_back

    click.get_current_context().exit(roll_back(pack, to, who, why))
