"""`python -m benchmarks`: measure, or compare what was measured."""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console

from benchmarks import results
from benchmarks.collection import Values
from benchmarks.hardware import commit, describe, doubt
from benchmarks.long import LONG_QUICK, STEPS, Long, LongExtent
from benchmarks.suite import QUICK, Extent, Suite, shown, steps
from benchmarks.workload import Scale, write_lines, write_long

PLAIN_WIDTH = 120


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Little of everything, to see that it works; nothing is kept.")
@click.pass_context
def main(context: click.Context, quick: bool) -> None:
    """Measure riskgate on workload W: in process, and from Kafka to Kafka with the broker KAFKA_BOOTSTRAP.

    Takes about seven minutes on two cores, prints a table and writes JSON to benchmarks/results.
    """
    if context.invoked_subcommand is not None:
        return
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    if not bootstrap:
        raise click.UsageError("expected a broker in KAFKA_BOOTSTRAP: run it with `make bench`, which starts one")
    extent = QUICK if quick else Extent()
    _measured(lambda folder, step: Suite(extent, bootstrap, folder, step).run(), steps(extent), "", quick)


@main.command()
@click.option("--quick", is_flag=True, help="Little of everything, to see that it works; nothing is kept.")
def long(quick: bool) -> None:
    """Measure what takes long: taking up 10 million events, and 20 million events over 60 days.

    Takes about twelve minutes, 3 GB of memory and 2 GB of disk. Needs no broker.
    """
    extent = LONG_QUICK if quick else LongExtent()
    _measured(lambda folder, step: Long(extent, folder, step).run(), STEPS, "-long", quick)


def _measured(measure: Callable[[Path, Callable[[str], None]], Values], total: int, kind: str, quick: bool) -> None:
    """Measures in so many steps, shows what was found, and writes it down if it means something."""
    taken, hardware, doubtful = datetime.now(UTC), describe(), doubt()
    if doubtful:
        click.echo(doubtful, err=True)
    with (
        tempfile.TemporaryDirectory(prefix="riskgate-bench-") as folder,
        shown(total, Console(stderr=True)) as step,
    ):
        values = measure(Path(folder), step)
    measured = results.Results(taken, commit(), hardware, values)
    console = _console()
    results.show(measured, console)
    if doubtful:
        console.print(f"when this began, {doubtful}", soft_wrap=True)
    if quick:
        console.print("quick: far too little was measured for these figures to mean anything")
    else:
        console.print(f"written to {results.save(measured, kind)}", soft_wrap=True)


@main.command()
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare(before: Path, after: Path) -> None:
    """Print how many times as much AFTER is as BEFORE: two files of results, best from one machine and one hour."""
    results.compare(results.read(before), results.read(after), _console())


@main.command()
@click.argument("file", type=click.File("wb"))
@click.option("--events", default=Scale.events, show_default=True)
@click.option("--users", default=Scale.users, show_default=True)
@click.option("--gap-ms", default=Scale.gap_ms, show_default=True, help="Mean time between events.")
@click.option("--seed", default=Scale.seed, show_default=True)
@click.option("--part", type=click.IntRange(1), help="Draw so many events at a time: a stream that need not be held.")
@click.option("--leaving", default=0, show_default=True, help="How many users go with each part, as others come.")
def workload(file: BinaryIO, events: int, users: int, gap_ms: float, seed: int, part: int | None, leaving: int) -> None:
    """Write workload W to FILE, one event a line; - is standard output."""
    scale = Scale(events, users, gap_ms, seed)
    stream = write_lines(scale) if part is None else write_long(scale, part, leaving)
    bar = click.progressbar(stream, events, label="events", update_min_steps=events // 100, file=sys.stderr)
    with bar as lines:
        for line in lines:
            file.write(line + b"\n")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)


if __name__ == "__main__":
    sys.exit(main())
