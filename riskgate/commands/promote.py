"""`riskgate promote`: its arguments. `riskgate.promoting` does the work."""

from pathlib import Path
from typing import Literal

import click

from riskgate.commands.options import FILE, WHO, WHY
from riskgate.commands.places import STORE, PackType


@click.command(name="promote")
@click.argument("pack", type=PackType())
@click.argument("rule")
@click.option("--to", type=click.Choice(["shadow", "live"]), required=True, help="From off to shadow, or on to live.")
@click.option("--backtest", "report", type=FILE, required=True, help="What `riskgate backtest --json` wrote.")
@WHY
@WHO
@STORE
def command(
    pack: Path | str, rule: str, to: Literal["shadow", "live"], report: Path, why: str, who: str, store_url: str | None
) -> None:
    """Raise the mode of RULE in PACK, a folder or store:NAME: from off to shadow, or from shadow to live.

    \b
    riskgate backtest PACK --data events.parquet --labels labels.csv --json report.json
    riskgate promote PACK game.card_drip --to live --backtest report.json --why "caught 12 of 14 in May"

    The rule needs tests on both sides, all tests of the pack must pass, and the backtest must have measured the rule as
    it is now. What changes is shown and recorded in PACK/.history, and with --store in the store. Exits 0 where it was
    done, 3 where the rule is not ready or the pack has errors, 1 for all else.
    """
    from riskgate.promoting import Signed, promote

    click.get_current_context().exit(promote(pack, rule, to, report, Signed(who, why, store_url)))
