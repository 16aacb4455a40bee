"""`riskgate shadow-report`: its arguments. `riskgate.trying` does the work."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskgate.commands.options import FILE, OUT, past_events

if TYPE_CHECKING:
    from riskgate.past import Past


@click.command(name="shadow-report")
@click.argument("pack")
@click.option("--overlay", metavar="NAME", help="Take the rules as overlays/NAME.yml of the pack makes them.")
@click.option("--decisions", "decisions_file", type=FILE, help="The decisions that were given, one a line.")
@click.option("--decisions-topic", metavar="TOPIC", help="The topic they went to, at the brokers of --kafka.")
@past_events
@click.option("--json", "json_file", type=OUT, help="Write the whole report there as JSON.")
@click.option("--html", "html_file", type=OUT, help="Write a page with plots there, which needs no network.")
def command(
    pack: str,
    overlay: str | None,
    decisions_file: Path | None,
    decisions_topic: str | None,
    past: "Past",
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Compare the shadow and the live rules of PACK by the decisions that were really given on past events.

    PACK is a folder, or FOLDER@REVISION of git. Hits are those that the decisions name; nothing is evaluated again.

    \b
    riskgate shadow-report my-pack --decisions decisions.ndjson --data events.ndjson --labels labels.csv
    riskgate shadow-report my-pack --kafka HOST:9092 --topic transactions --decisions-topic decisions

    Exits 0, or 3 where the pack has errors.
    """
    if (decisions_file is None) == (decisions_topic is None):
        raise click.UsageError("expected either --decisions or --decisions-topic")
    if decisions_topic is not None and isinstance(past.data, Path):
        raise click.UsageError("expected --kafka with --decisions-topic, got --data")
    from riskgate.trying import report_trial

    source = decisions_file or decisions_topic or ""
    click.get_current_context().exit(report_trial(pack, overlay, source, past, json_file, html_file))
