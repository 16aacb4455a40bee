"""`riskgate explain`: its arguments. `riskgate.explaining` does the work."""

from pathlib import Path

import click

from riskgate.commands.options import DATA, MAP, OUT, PACK


@click.command(name="explain")
@click.argument("event_id", metavar="ID")
@click.option("--pack", required=True, metavar="DIR", type=PACK, help="The pack of rules to decide by.")
@click.option("--overlay", metavar="NAME", help="Decide as overlays/NAME.yml of the pack makes its rules.")
@DATA
@MAP
@click.option("--json", "json_file", type=OUT, help="Write the whole explanation there as JSON.")
def command(
    event_id: str, pack: Path, overlay: str | None, data: Path, map_file: Path | None, json_file: Path | None
) -> None:
    """Say why the event with the id ID is decided as it is, in the midst of past events.

    Shows the rules that hit, would have, or lacked a value; the values they saw; the events that made each count; and
    the smallest changes of one value or one param that would have led to another decision. Windows begin empty at the
    start of the data. Exits 0, 1 where no event with the id gets a decision, or 3 where the pack has errors.
    """
    from riskgate.explaining import explain_past

    click.get_current_context().exit(explain_past(event_id, pack, overlay, data, map_file, json_file))
