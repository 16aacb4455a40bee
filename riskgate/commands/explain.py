"""`riskgate explain`: its arguments. `riskgate.explaining` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import FILE, MAP, OUT, PACK


@click.command(name="explain")
@click.argument("event_id", metavar="ID")
@click.option("--pack", required=True, metavar="DIR", type=PACK, help="The pack of rules to decide by.")
@click.option("--overlay", metavar="NAME", help="Decide as overlays/NAME.yml of the pack makes its rules.")
@click.option("--data", type=FILE, help="Events in a .ndjson, .jsonl, .csv or .parquet file.")
@MAP
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="In place of --data: what a run keeps in its state directory, also while it runs. That has no whole events.",
)
@click.option("--json", "json_file", type=OUT, help="Write the whole explanation there as JSON.")
def command(
    event_id: str,
    pack: Path,
    overlay: str | None,
    data: Path | None,
    map_file: Path | None,
    state: Path | None,
    json_file: Path | None,
) -> None:
    """Say why the event with the id ID is decided as it is, in the midst of past events, or was, by a run's state.

    Shows the rules that hit, would have, or lacked a value; the values they saw; the events that made each count; and
    the smallest changes of one value or one param that would have led to another decision. Windows begin empty at the
    start of the data. Exits 0, 1 where no event with the id gets a decision, or 3 where the pack has errors.
    """
    from riskgate.explaining import explain_past, explain_state

    if (data is None) == (state is None):
        raise click.UsageError(f"expected one of --data and --state, got {'none' if data is None else 'both'}")
    if state is not None and map_file is not None:
        raise click.UsageError("expected --map with --data, got it with --state")
    exit_with = click.get_current_context().exit
    if data is not None:
        exit_with(explain_past(event_id, pack, overlay, data, map_file, json_file))
    elif state is not None:
        exit_with(explain_state(event_id, pack, overlay, state, json_file))
