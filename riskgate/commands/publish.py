"""`riskgate publish`: its arguments. `riskgate.promoting` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import FILE, PACK, WHO, WHY
from riskgate.commands.places import STORE


@click.command(name="publish")
@click.argument("pack", type=PACK)
@click.option(
    "--backtest",
    "report",
    type=FILE,
    help="What `riskgate backtest --json` wrote; needed where a live rule has changed.",
)
@WHY
@WHO
@STORE
def command(pack: Path, report: Path | None, why: str, who: str, store_url: str | None) -> None:
    """Put what lies in the folder PACK in force in the store, where runs of `--pack store:NAME` take it.

    All tests of the pack must pass. Each live rule that is not as it is in force needs tests on both sides and a
    backtest of it as it is now. No rule goes live by this but in the first version: that is what promote is for. Exits
    0 where it was done, 3 where a rule is not ready or the pack has errors, 1 for all else.
    """
    from riskgate.promoting import Signed, publish

    if store_url is None:
        raise click.UsageError("expected --store: a folder is in force as it lies there")
    click.get_current_context().exit(publish(pack, report, Signed(who, why, store_url)))
