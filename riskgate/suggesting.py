"""The work of `riskgate suggest`: print which rules can go, and which threshold would catch what is missed."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from riskgate.backtesting import share
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import Past, PastError, pack_of, progress
from riskgate.printing import Printer, write_json
from riskgate.tuning import data_lines
from workbench.documents import grouped
from workbench.holdout import part_text
from workbench.suggestions import Lost, Missed, Removal, Suggestions, suggestions_of

ROWS_MAX = 24
"""So many rules are printed that can go, and so many that stay."""


def suggest(folder: Path, overlay: str | None, past: Past, holdout_ms: int, json_file: Path | None) -> int:
    """Returns the exit code."""
    pack = pack_of(folder, overlay)
    if pack is None:
        return EXIT_FINDINGS
    try:
        split = past.split(pack, holdout_ms)
    except PastError as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    with progress("trying thresholds") as step:
        found = suggestions_of(split, past.name, step)
    write_json(found, json_file)
    notes = data_lines(past, split)
    if pack.detectors:
        notes.append("scores are as measured with all rules: where blocking rules go, detectors learn otherwise")
    _print(found, notes)
    return EXIT_FINE


def _print(found: Suggestions, notes: Sequence[str]) -> None:
    """Prints what is suggested on standard output, the rule to paste last; without a terminal without control codes."""
    out = Printer()
    out.say(f"{found.pack} on {found.data}: {found.live:,} live rules")
    out.say(f"  first period, in which all is found: {part_text(found.first)}")
    out.say(f"  held out, to check it: {part_text(found.last)}")
    for note in notes:
        out.say(f"  {note}")
    out.say("")
    going = [each for each in found.going if each.hits]
    out.say(f"{len(going):,} of them can go: given the rules that stay, nothing is lost in either period")
    if going:
        lost = f"{_in_line(found.lost_first)} in the first period, {_in_line(found.lost_last)} held out"
        out.say(f"what is decided otherwise without them: {lost}")
        out.table(_removals("rules that can go, in this order", going))
    idle = [each.rule for each in found.going if not each.hits]
    if idle:
        out.say(f"never hit in either period, which says nothing of what may come: {', '.join(idle)}")
    if found.staying:
        out.table(_removals("rules that stay, and what is decided otherwise without each of them", found.staying))
    for each in found.kept:
        out.say(f"not looked at: {each.rule}: {each.why}")
    out.say("")
    out.say(f"missed in the first period: {_missed(found.missed_first, found.currency)}")
    out.say(f"missed in the period held out: {_missed(found.missed_last, found.currency)}")
    if not found.thresholds:
        out.say(
            f"no threshold on one of {found.inputs:,} inputs would catch more money of it than it would stop good money"
        )
        return
    out.table(_thresholds(found))
    best = next((each for each in found.thresholds if each.holds), None)
    if best is None:
        out.say("none of them gains anything in the period held out: there is no rule to paste")
        return
    out.say("the first that gains in the period held out, too, as a rule in shadow mode:")
    click.echo(best.rule, nl=False)


def _missed(missed: Missed, currency: str) -> str:
    return f"{missed.fraud:,} of {missed.of:,} fraud, {grouped(missed.money)} {currency}"


def _removals(title: str, removals: Sequence[Removal]) -> Table:
    shown = removals[:ROWS_MAX]
    thinned = f"; {len(shown):,} of {len(removals):,} are shown, and all in --json" * (len(shown) < len(removals))
    table = Table(box=SIMPLE_HEAD, title=f"{title}{thinned}", title_justify="left", title_style="bold")
    for name in ("rule", "then", "hits", "in the first period", "held out"):
        table.add_column(name, justify="right" if name == "hits" else "left")
    for each in shown:
        table.add_row(each.rule, each.then, f"{each.hits:,}", _lost(each.first), _lost(each.last))
    return table


def _in_line(lost: Lost) -> str:
    return _lost(lost).replace("\n", ", ")


def _lost(lost: Lost) -> str:
    """What is lost and gained, in a few words."""
    told = (
        (lost.fraud_freed, lost.fraud_freed_money, "fraud decided weaker"),
        (lost.good_stopped, lost.good_stopped_money, "good stopped"),
        (lost.good_freed, lost.good_freed_money, "good freed"),
        (lost.fraud_stopped, lost.fraud_stopped_money, "fraud stopped"),
    )
    parts = [f"{count:,} {what} ({grouped(money)})" for count, money, what in told if count]
    parts += [f"{lost.unknown:,} unknown"] * bool(lost.unknown)
    return "\n".join(parts) or "nothing"


def _thresholds(found: Suggestions) -> Table:
    table = Table(
        box=SIMPLE_HEAD,
        title=f"thresholds that would catch it, the best of each of {found.inputs:,} inputs",
        title_justify="left",
        title_style="bold",
    )
    for name in (
        "condition",
        "period",
        "hits",
        "a day",
        "precision",
        "of what is missed",
        "caught",
        "good stopped",
        "net",
    ):
        table.add_column(name, justify="left" if name in ("condition", "period") else "right")
    for each in found.thresholds:
        for period, caught in (("first", each.first), ("held out", each.last)):
            table.add_row(
                each.condition if period == "first" else "" if each.holds else "  does not hold",
                period,
                f"{caught.hits:,}",
                f"{caught.alerts_a_day:,.1f}",
                share(caught.precision),
                share(caught.recall),
                grouped(caught.money_caught),
                grouped(caught.good_money_stopped),
                grouped(caught.net_money),
            )
    return table
