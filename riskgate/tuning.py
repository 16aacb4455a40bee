"""The work of `riskgate tune`: try params of a rule on past events, print what is best and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from riskgate.backtesting import account_lines, days, share
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import Past, PastError, pack_of, progress
from riskgate.printing import Printer, write_json
from rules import Pack
from rules.literals import duration_text, minor_of
from workbench.choices import Limits
from workbench.documents import grouped
from workbench.grids import GridError, axes_of, grid_of
from workbench.holdout import Split
from workbench.rule_edits import EditError
from workbench.tuning import Measured, Question, Side, Tuning, TuningError, rule_to_tune, tuning_of
from workbench.tuning_pages import question_lines, tuning_page, verdict_lines

ROWS_MAX = 24
"""So many variants of a frontier are printed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks. `good_money` is an amount, and whether it is by day."""

    rule: str
    specs: tuple[str, ...]
    count: int | None
    seed: int
    objective: str
    alerts_a_day: float | None
    good_money: tuple[Decimal, bool] | None
    holdout_ms: int


def tune(
    folder: Path, overlay: str | None, past: Past, asked: Asked, json_file: Path | None, html_file: Path | None
) -> int:
    """Returns the exit code."""
    pack = pack_of(folder, overlay)
    if pack is None:
        return EXIT_FINDINGS
    try:
        tuning, notes = _tuned(pack, past, asked)
    except (PastError, GridError, TuningError, EditError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    write_json(tuning, json_file)
    if html_file is not None:
        html_file.write_text(tuning_page(tuning, notes), encoding="utf-8")
    _print(tuning, notes)
    return EXIT_FINE if tuning.chosen is not None else EXIT_USAGE


def _tuned(pack: Pack, past: Past, asked: Asked) -> tuple[Tuning, list[str]]:
    """What was found, and lines on the data."""
    rule = rule_to_tune(pack, asked.rule)
    axes = axes_of(rule, asked.specs, pack.currency)
    variants = grid_of(axes, asked.count, asked.seed)
    most, by_day = asked.good_money or (None, True)
    good_minor = None if most is None else minor_of(most, pack.currency)
    if most is not None and good_minor is None:
        raise GridError(f"{most} is no amount of {pack.currency}")
    split = past.split(pack, asked.holdout_ms)
    limits = Limits(asked.alerts_a_day, good_minor, 1.0 if by_day else split.first.span_days)
    question = Question(rule, axes, variants, asked.seed, asked.objective, limits, past.name)
    with progress("trying the variants") as step:
        return tuning_of(split, question, step), data_lines(past, split)


def data_lines(past: Past, split: Split) -> list[str]:
    """What is to be known of the data and its labels."""
    lines, delay_ms = account_lines(split.first.table.account), split.last.truth.delay_ms
    if past.maturity_ms:
        maturity = duration_text(past.maturity_ms)
        lines.append(f"labels are mature after {maturity}: younger transactions are in neither period")
    if delay_ms is not None and delay_ms > past.maturity_ms:
        lines.append(
            f"95% of the frauds held out were known within {days(delay_ms)}, which is longer than the maturity: "
            "some that count as good are not known yet"
        )
    return lines


def _print(tuning: Tuning, notes: Sequence[str]) -> None:
    """Prints what was found on standard output, the diff last; without a terminal it holds no control codes."""
    out = Printer()
    out.say(f"{tuning.rule} ({tuning.then}, {tuning.mode}) of {tuning.pack} on {tuning.data}")
    for line in (*question_lines(tuning), *notes):
        out.say(f"  {line}")
    out.table(_frontier(tuning))
    if tuning.chosen is None:
        out.say(_nearest(tuning))
        return
    out.table(_sides(tuning.now, tuning.chosen))
    for line in verdict_lines(tuning, tuning.chosen):
        out.say(line)
    if tuning.diff:
        out.say("the change, which `git apply` in the pack's folder applies:")
        click.echo(tuning.diff, nl=False)


_HEADS = ("hits", "a day", "precision", "recall", "caught", "good stopped", "net", "net given others")


def _table(title: str, *heads: str) -> Table:
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for name in (*heads, *_HEADS):
        table.add_column(name, justify="right" if name in _HEADS else "left")
    return table


def _cells(each: Measured) -> tuple[str, ...]:
    return (
        f"{each.hits:,}",
        f"{each.alerts_a_day:,.1f}",
        share(each.precision),
        share(each.recall),
        grouped(each.money_caught),
        grouped(each.good_money_stopped),
        grouped(each.net_money),
        grouped(each.added_net_money),
    )


def _frontier(tuning: Tuning) -> Table:
    """The variants on the frontier, thinned where there are many, with the chosen one and the rule as it is."""
    names, chosen = list(tuning.now.params), None if tuning.chosen is None else tuning.chosen.params
    tried = sorted(tuning.tried, key=lambda each: (Decimal(each.measured.cost), Decimal(each.measured.gain)))
    frontier = [each for each in tried if each.frontier]
    step = max(1, -(-len(frontier) // ROWS_MAX))
    told = {id(each) for each in frontier[::step]}
    shown = [each for each in tried if id(each) in told or each.params in (chosen, tuning.now.params)]
    thinned = f"; {len(told):,} of them are shown, and all in --json and --html" if step > 1 else ""
    count = f"{len(frontier):,} of {len(tuning.tried):,} variants"
    table = _table(f"frontier in the first period: {count}{thinned}", *names)
    table.add_column("")
    for each in shown:
        said = ["chosen"] * (each.params == chosen) + ["as it is"] * (each.params == tuning.now.params)
        table.add_row(*(each.params[name] for name in names), *_cells(each.measured), ", ".join(said))
    return table


def _sides(now: Side, chosen: Side) -> Table:
    table = _table("chosen, and held out", "", "period")
    for name, side in (("as it is", now), ("chosen", chosen)):
        table.add_row(name, "first", *_cells(side.first))
        table.add_row("", "held out", *_cells(side.last))
    return table


def _nearest(tuning: Tuning) -> str:
    fewest = min(tuning.tried, key=lambda each: each.measured.hits)
    params = ", ".join(f"{name}: {value}" for name, value in fewest.params.items())
    return (
        f"no variant is within the limits: with {params}, the one with the fewest hits, it makes "
        f"{fewest.measured.alerts_a_day:,.1f} alerts a day and stops {grouped(fewest.measured.good_money_stopped)} "
        f"{tuning.currency} of good money"
    )
