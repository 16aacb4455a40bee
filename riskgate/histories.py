"""The work of `riskgate history`: show who put which version of a pack in force, when and why."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click
import msgspec

from riskgate.exits import EXIT_FINE, EXIT_USAGE
from riskgate.homes import seat_of
from riskgate.records import line_of, measured_lines, waiting_in, when
from rules.findings import printable
from stores import HomeError, Record, version_in_force


def show_history(pack: Path | str, form: Literal["pretty", "json"], store_url: str | None) -> int:
    """Returns the exit code; `pack` is a folder, or `store:NAME`."""
    try:
        seat = seat_of(pack, store_url)
        records = seat.home.records()
        now = version_in_force(records) if seat.shared else seat.draft().version
    except HomeError as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    if form == "json":
        numbers = [record.number for record in waiting_in(records, now)]
        document = {"in_force": now, "waiting": numbers, "records": [msgspec.to_builtins(record) for record in records]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return EXIT_FINE
    waiting = {record.number for record in waiting_in(records, now)}
    for record in records:
        click.echo("\n".join(_paragraph(record)))
        if record.number in waiting:
            click.echo(f"   waits for a second person: riskgate approve {seat.place} {record.number} --why TEXT")
    click.echo(f"in force: {now or 'nothing'}{_since(records, now)}")
    return EXIT_FINE


def _paragraph(record: Record) -> list[str]:
    lines = [line_of(record), f"   {when(record.at_ms)} by {printable(record.who)}: {printable(record.why)}"]
    return [*lines, *measured_lines(record, "   ")]


def _since(records: Sequence[Record], now: str | None) -> str:
    """How what is in force came to be, where no record says so."""
    if not records:
        return ", and nothing was recorded so far"
    if version_in_force(records) not in (now, None):
        return f", edited by hand since record {records[-1].number}"
    return ""
