"""`riskgate lint`: its arguments. `riskgate.linting` prints what `rules.load` finds."""

import sys
from pathlib import Path
from typing import get_args

import click

from riskgate.clock import clock_ms
from riskgate.exits import EXIT_FINDINGS, EXIT_WARNINGS
from riskgate.linting import Form, count_errors, report
from rules import load


@click.command(name="lint")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--strict", is_flag=True, help="Exit 2 where there are warnings.")
@click.option("--overlay", metavar="NAME", help="Check the rules as overlays/NAME.yml of the pack makes them.")
@click.option("--format", "form", type=click.Choice(get_args(Form)), default="pretty", show_default=True)
def command(pack: Path, strict: bool, overlay: str | None, form: Form) -> None:
    """Check the rule pack in the folder PACK, and show everything that is wrong with it.

    Exits 0 where nothing is, 2 where there are only warnings and --strict is given, 3 where there are errors.
    """
    loaded = load(pack, overlay, as_of_ms=clock_ms())
    told = report(pack, loaded, form, strict=strict, color=sys.stdout.isatty())
    if told:
        click.echo(told)
    if count_errors(loaded.findings):
        sys.exit(EXIT_FINDINGS)
    if loaded.findings and strict:
        sys.exit(EXIT_WARNINGS)
