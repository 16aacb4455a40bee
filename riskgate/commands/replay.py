"""`riskgate replay`: its arguments. `riskgate.replaying` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import DATA, FILE, MAP, OUT, PACK


@click.command(name="replay")
@click.option("--pack", required=True, metavar="DIR", type=PACK, help="The pack of rules to decide by.")
@click.option("--overlay", metavar="NAME", help="Decide as overlays/NAME.yml of the pack makes its rules.")
@DATA
@MAP
@click.option("--decisions", required=True, metavar="F", type=FILE, help="The decisions that were given, one a line.")
@click.option(
    "--from",
    "first",
    metavar="ROW",
    type=click.IntRange(1),
    default=1,
    help="Compare only decisions on events from this row of the data on, counted from 1; those before fill windows.",
)
@click.option("--json", "json_file", type=OUT, help="Write the whole report there as JSON.")
def command(
    pack: Path,
    overlay: str | None,
    data: Path,
    map_file: Path | None,
    decisions: Path,
    first: int,
    json_file: Path | None,
) -> None:
    """Decide past events again, from an empty state, and compare with the decisions that were given then.

    Exits 0 where all are the same in every field but `pack`, 3 where some differ or the pack has errors.
    """
    from riskgate.replaying import replay_past

    click.get_current_context().exit(replay_past(pack, overlay, data, map_file, decisions, first, json_file))
