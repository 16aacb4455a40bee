"""`riskgate lint`: every static check of a pack."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from rules import Finding, load
from rules.findings import render

WARNINGS_EXIT = 2
FINDINGS_EXIT = 3


@click.command(name="lint")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--strict", is_flag=True, help="Exit 2 where there are warnings.")
@click.option("--overlay", metavar="NAME", help="Check the rules as overlays/NAME.yml of the pack makes them.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(pack: Path, strict: bool, overlay: str | None, form: str) -> None:
    """Check the rule pack in the folder PACK, and show everything that is wrong with it.

    Exits 0 where nothing is, 2 where there are only warnings and --strict is given, 3 where there are errors.
    """
    loaded = load(pack, overlay, as_of_ms=time.time_ns() // 1_000_000)
    errors = sum(finding.severity == "error" for finding in loaded.findings)
    warnings = len(loaded.findings) - errors
    if form == "json":
        click.echo(_json(loaded.findings))
    else:
        if loaded.findings:
            click.echo(render(loaded.findings, color=sys.stdout.isatty()) + "\n")
        held = f"{_count(len(loaded.pack.rules), 'rule')}, " if loaded.pack else ""
        click.echo(f"{pack}: {held}{_count(errors, 'error')}, {_count(warnings, 'warning')}")
    if errors:
        sys.exit(FINDINGS_EXIT)
    if warnings and strict:
        sys.exit(WARNINGS_EXIT)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _json(findings: Sequence[Finding]) -> str:
    """One object a finding: what `Finding` has, with its place flat and without the excerpt."""
    rows = []
    for finding in findings:
        row = asdict(finding)
        place = row.pop("place")
        del row["excerpt"], row["start"]
        rows.append(row | place)
    return json.dumps(rows, indent=2, ensure_ascii=False)
