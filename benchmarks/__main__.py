"""`python -m benchmarks`: measure, or compare what was measured."""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from benchmarks import results
from benchmarks.hardware import commit, describe, doubt
from benchmarks.suite import QUICK, Extent, Suite, shown, steps
from benchmarks.workload import Scale, write_lines

PLAIN_WIDTH = 120


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Little of everything, to see that it works; nothing is kept.")
@click.pass_context
def main(context: click.Context, quick: bool) -> None:
    """Measure riskgate on workload W: in process, and from Kafka to Kafka with the broker KAFKA_BOOTSTRAP.

    Takes about five minutes on two cores, prints a table and writes JSON to benchmarks/results.
    """
    if context.invoked_subcommand is not None:
        return
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    if not bootstrap:
        raise click.UsageError("expected a broker in KAFKA_BOOTSTRAP: run it with `make bench`, which starts one")
    extent = QUICK if quick else Extent()
    taken, hardware, doubtful = datetime.now(UTC), describe(), doubt()
    if doubtful:
        click.echo(doubtful, err=True)
    with (
        tempfile.TemporaryDirectory(prefix="riskgate-bench-") as folder,
        shown(steps(extent), Console(stderr=True)) as step,
    ):
        values = Suite(extent, bootstrap, Path(folder), step).run()
    measured = results.Results(taken, commit(), hardware, values)
    console = _console()
    results.show(measured, console)
    if doubtful:
        console.print(f"when this began, {doubtful}", soft_wrap=True)
    if quick:
        console.print("quick: far too little was measured for these figures to mean anything")
    else:
        console.print(f"written to {results.save(measured)}", soft_wrap=True)


@main.command()
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare(before: Path, after: Path) -> None:
    """Print how many times as much AFTER is as BEFORE: two files of results, best from one machine and one hour."""
    results.compare(results.read(before), results.read(after), _console())


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--events", default=Scale.events, show_default=True)
@click.option("--users", default=Scale.users, show_default=True)
@click.option("--gap-ms", default=Scale.gap_ms, show_default=True, help="Mean time between events.")
@click.option("--seed", default=Scale.seed, show_default=True)
def workload(file: Path, events: int, users: int, gap_ms: float, seed: int) -> None:
    """Write workload W to FILE, one event a line."""
    scale = Scale(events, users, gap_ms, seed)
    with (
        file.open("wb") as out,
        click.progressbar(write_lines(scale), events, label=file.name, update_min_steps=events // 100) as lines,
    ):
        for line in lines:
            out.write(line + b"\n")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)


if __name__ == "__main__":
    sys.exit(main())
