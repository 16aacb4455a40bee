"""`riskgate diff`: its arguments. `riskgate.comparing` does the work."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskgate.commands.options import OUT, past_events

if TYPE_CHECKING:
    from riskgate.past import Past


@click.command(name="diff")
@click.argument("a")
@click.argument("b")
@click.option("--overlay", metavar="NAME", help="Compare the rules as overlays/NAME.yml of each pack makes them.")
@past_events
@click.option("--json", "json_file", type=OUT, help="Write the whole comparison there as JSON.")
@click.option("--html", "html_file", type=OUT, help="Write a page with plots there, which needs no network.")
def command(a: str, b: str, overlay: str | None, past: "Past", json_file: Path | None, html_file: Path | None) -> None:
    """Show which decisions on past events change from the pack A to the pack B, and what that costs.

    A and B are folders, or FOLDER@REVISION of git, such as my-pack@main or my-pack@HEAD~3.

    \b
    riskgate diff my-pack@main my-pack --data events.parquet --labels labels.csv

    Each pack decides the same events with windows of its own. Exits 0, or 3 where a pack has errors.
    """
    from riskgate.comparing import compare

    click.get_current_context().exit(compare(a, b, overlay, past, json_file, html_file))
