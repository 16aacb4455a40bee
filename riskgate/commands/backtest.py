"""`riskgate backtest`: its arguments. `riskgate.backtesting` does the work."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskgate.commands.options import OUT, PACK, past_events

if TYPE_CHECKING:
    from riskgate.past import Past


@click.command(name="backtest")
@click.argument("pack", type=PACK)
@click.option("--overlay", metavar="NAME", help="Measure the rules as overlays/NAME.yml of the pack makes them.")
@past_events
@click.option("--json", "json_file", type=OUT, help="Write the whole report there as JSON.")
@click.option("--html", "html_file", type=OUT, help="Write a page with plots there, which needs no network.")
def command(pack: Path, overlay: str | None, past: "Past", json_file: Path | None, html_file: Path | None) -> None:
    """Show what each rule of the folder PACK, whatever its mode, would have done on past events.

    Windows begin empty at the start of the data and have all of it, also where --from and --to measure only a part.
    Chargebacks and feedback among the events are labels; those in --labels come on top. A label counts if it was known
    at the end of the data. Exits 0, or 3 where the pack has errors.
    """
    from riskgate.backtesting import backtest

    click.get_current_context().exit(backtest(pack, overlay, past, json_file, html_file))
