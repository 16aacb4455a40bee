"""`riskgate features`: what a pack counts, over which time, and which rules read it."""

import json
import sys
from pathlib import Path

import click

from riskgate.exits import EXIT_FINDINGS


@click.command(name="features")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(pack: Path, form: str) -> None:
    """List the features of the pack in the folder PACK: what each is, of which type, over which time, and who reads it.

    Exits 0, or 3 with the findings where the pack has errors.
    """
    from riskgate.catalogue import rows_of, table_of
    from rules import load
    from rules.findings import render

    loaded = load(pack)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        sys.exit(EXIT_FINDINGS)
    rows = rows_of(loaded.pack)
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False) if form == "json" else table_of(rows))
