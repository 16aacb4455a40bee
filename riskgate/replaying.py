"""The work of `riskgate replay`: decide again, compare, print what differs."""

from collections.abc import Iterator
from pathlib import Path

import click

from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import PastError, history_of, pack_of, progress
from riskgate.printing import write_json
from riskgate.waiting import load_kernels
from workbench.replay import Difference, Lone, Replayed, ReplayError, decisions_in, replay
from workbench.tabular import HistoryError

SHOWN_MAX = 10
"""So many examples of each sort are printed; the JSON has more."""


def replay_past(
    folder: Path,
    overlay: str | None,
    data: Path,
    map_file: Path | None,
    decisions: Path,
    first: int,
    json_file: Path | None,
) -> int:
    """Returns the exit code."""
    pack = pack_of(folder, overlay)
    if pack is None:
        return EXIT_FINDINGS
    try:
        history = history_of(data, map_file)
        load_kernels(pack)
        with progress("deciding again") as step:
            replayed = replay(pack, history, decisions_in(decisions), first, step)
    except (HistoryError, PastError, ReplayError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    write_json(replayed, json_file)
    click.echo("\n".join(_lines(replayed)))
    return EXIT_FINE if replayed.is_same else EXIT_FINDINGS


def _lines(replayed: Replayed) -> Iterator[str]:
    yield f"{replayed.events:,} events of {replayed.data} decided again by {replayed.pack}"
    if replayed.skipped:
        yield f"{replayed.skipped:,} decisions on events before are not compared"
    yield f"identical  {replayed.identical:,}"
    yield f"different  {replayed.different:,}"
    yield f"missing    {replayed.missing:,}  decided now, but not among those that were given"
    yield f"extra      {replayed.extra:,}  given then, but not decided now"
    others = {pack: count for pack, count in replayed.packs.items() if pack != replayed.pack}
    for pack, count in others.items():
        yield f"{count:,} were given by {pack}, another pack than decides now"
    if replayed.by_field:
        yield "fields that differ: " + ", ".join(f"{name} {count:,}" for name, count in replayed.by_field.items())
    for difference in replayed.differences[:SHOWN_MAX]:
        yield from _difference(difference)
    yield from _more(replayed.different)
    for what, examples, count in (
        ("missing", replayed.missing_examples, replayed.missing),
        ("extra", replayed.extra_examples, replayed.extra),
    ):
        yield from (_lone(what, each) for each in examples[:SHOWN_MAX])
        yield from _more(count)


def _difference(difference: Difference) -> Iterator[str]:
    yield f"{difference.id}"
    for name, (was, now) in difference.fields.items():
        if isinstance(was, tuple) and isinstance(now, tuple):
            was, now = tuple(each for each in was if each not in now), tuple(each for each in now if each not in was)
        yield f"  {name}: {_said(was)} then, {_said(now)} now"


def _lone(what: str, lone: Lone) -> str:
    return f"{what}: {lone.id}  {lone.action}"


def _more(count: int) -> Iterator[str]:
    if count > SHOWN_MAX:
        yield f"and {count - SHOWN_MAX:,} more"


def _said(value: object) -> str:
    """A value in words; of a list what the other side does not have, of reasons their sentences."""
    if isinstance(value, tuple):
        return ", ".join(f'"{each["text"]}"' if isinstance(each, dict) else str(each) for each in value) or "nothing"
    return "nothing" if value is None else str(value)
