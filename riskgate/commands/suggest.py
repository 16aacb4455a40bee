"""`riskgate suggest`: its arguments. `riskgate.suggesting` does the work."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskgate.commands.options import OUT, PACK, DurationType, past_events

if TYPE_CHECKING:
    from riskgate.past import Past


@click.command(name="suggest")
@click.argument("pack", type=PACK)
@click.option(
    "--holdout",
    "holdout_ms",
    type=DurationType(),
    required=True,
    help="How much at the end only checks what is found before it.",
)
@click.option("--overlay", metavar="NAME", help="Look at the rules as overlays/NAME.yml of the pack makes them.")
@past_events
@click.option("--json", "json_file", type=OUT, help="Write all suggestions there as JSON.")
def command(pack: Path, holdout_ms: int, overlay: str | None, past: "Past", json_file: Path | None) -> None:
    """Tell which live rules of the folder PACK can go, and which threshold would catch most of what they miss.

    A rule can go if no fraud is decided weaker without it and no good transaction stronger, given the rules that stay.
    Thresholds are tried on all features, scores and fields; the best catches the most money of missed fraud, less the
    money of good transactions that it would stop. Its rule is printed, to be pasted. Exits 0, or 3 where the pack has
    errors.
    """
    from riskgate.suggesting import suggest

    click.get_current_context().exit(suggest(pack, overlay, past, holdout_ms, json_file))
