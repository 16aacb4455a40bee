"""`riskgate health`: whether the run that owns a state directory makes progress."""

import re
import time
from pathlib import Path

import click

from riskgate.heartbeat import HeartbeatError, last_beat

UNHEALTHY_EXIT = 1
_UNITS_S = {"s": 1, "m": 60, "h": 3_600}


class _Within(click.ParamType[int]):
    """A duration such as `30s`, in seconds."""

    name = "duration"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"([1-9]\d{0,4})([smh])", value, re.ASCII)
        if match is None:
            self.fail(f"expected a duration such as `30s`, `5m` or `1h`, got `{value}`", param, ctx)
        return int(match[1]) * _UNITS_S[match[2]]


@click.command(name="health")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--within",
    metavar="DURATION",
    type=_Within(),
    default="30s",
    show_default=True,
    help="How old its last sign of life may be.",
)
@click.option(
    "--process",
    metavar="I",
    type=click.IntRange(0),
    default=0,
    help="Which process of a cluster; the first without it.",
)
def command(directory: Path, within: int, process: int) -> None:
    """Tell whether the run that owns the state directory DIR makes progress; for probes of containers.

    A run that waits for events makes progress too. Exits 0 where it does, 1 with one line where it does not.
    """
    try:
        beat = last_beat(directory, process)
    except HeartbeatError as error:
        click.echo(f"riskgate: {error}", err=True)
        raise click.exceptions.Exit(UNHEALTHY_EXIT) from error
    age_s = time.time() - beat.time_ms / 1_000
    told = f"run {beat.pid}, {beat.events:,} events, last progress {age_s:,.1f} s ago"
    if abs(age_s) > within:
        click.echo(f"riskgate: {told}, expected within {within} s", err=True)
        raise click.exceptions.Exit(UNHEALTHY_EXIT)
    click.echo(told)
    if beat.pack:
        click.echo(f"decides by {beat.pack}")
    if beat.refused:
        click.echo(f"refuses what its pack is now: {beat.refused}")
    for each in beat.demoted:
        click.echo(f"demoted: {each}")
