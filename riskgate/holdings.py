"""The work of `riskgate state`: whose a state directory is, and what each slot of it holds."""

import time
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from journal import SlotContents, StateError, inspect
from riskgate.exits import EXIT_FAILED, EXIT_FINE

_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def show(directory: Path) -> int:
    """Returns the exit code."""
    try:
        contents = inspect(directory)
    except StateError as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_FAILED
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column in ("slot", "segments", "bytes"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("last written", justify="right", no_wrap=True)
    table.add_column("run", no_wrap=True)
    now_s = time.time()
    for slot in contents.slots:
        table.add_row(*_figures(slot, now_s))
    click.echo(f"format {contents.format}, pack {contents.identity.pack}, signature {contents.identity.signature}")
    Console(highlight=False, soft_wrap=True).print(table)
    return EXIT_FINE


def _figures(slot: SlotContents, now_s: float) -> tuple[str, ...]:
    age = "never" if slot.written_s is None else _age(now_s - slot.written_s)
    owner = f"process {slot.owner.pid} on {slot.owner.host}" if slot.owner else "none"
    return str(slot.slot), f"{slot.segments:,}", f"{slot.size_bytes:,}", age, owner


def _age(age_s: float) -> str:
    """In the largest unit that it fills."""
    unit, seconds = next((each for each in _UNITS_S if age_s >= each[1]), _UNITS_S[-1])
    return f"{max(age_s, 0) // seconds:.0f} {unit} ago"
