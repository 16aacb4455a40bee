"""The account at the end of the demo: what was planted, what was caught, what was stopped by mistake, and how fast."""

from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from schemas import major_text
from simulator import KINDS, Outcome, Scores

_RULES_SHOWN = 5


class Speed(NamedTuple):
    """How fast a run was. A latency is that of an event: from its batch coming in to its decision going out."""

    events: int
    elapsed_s: float
    latency_p50_ms: float
    latency_p99_ms: float
    latency_p999_ms: float


def print_summary(console: Console, scores: Scores, speed: Speed, currency: str) -> None:
    """Prints the tables; without a terminal they hold no control codes."""
    console.print(_frauds(scores, currency))
    honest = scores.honest
    console.print(
        f"[bold]Stopped by mistake[/]: {honest.stopped:,} of {honest.total:,} honest transactions "
        f"({_share(honest.stopped, honest.total, 2)}): {honest.transactions['block']:,} blocked, "
        f"{honest.transactions['step_up']:,} stepped up, {_money(honest.stopped_minor, currency)}. "
        f"{honest.transactions['review']:,} more were let through for review.",
        highlight=False,
    )
    for rule, count in scores.mistakes.most_common(_RULES_SHOWN):
        console.print(f"  {count:>6,}  {rule}", highlight=False)
    console.print(
        f"\n[bold]Speed[/]: {speed.events:,} events in {speed.elapsed_s:.1f} s, "
        f"{speed.events / speed.elapsed_s:,.0f} events/s. From batch in to decision out: "
        f"p50 {speed.latency_p50_ms:.2f} ms, p99 {speed.latency_p99_ms:.2f} ms, p99.9 {speed.latency_p999_ms:.2f} ms.",
        highlight=False,
    )


def _frauds(scores: Scores, currency: str) -> Table:
    table = Table(
        box=SIMPLE_HEAD,
        title="Planted fraud, and what was stopped of it",
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    table.add_column("kind")
    for column in ("cases caught", "transactions", "blocked", "stepped up", "reviewed", "stopped", "money", "stopped"):
        table.add_column(column, justify="right")
    total = Outcome()
    for kind in KINDS:
        outcome = scores.fraud[kind]
        planted, caught = scores.cases(kind)
        table.add_row(kind.replace("_", " "), f"{caught} of {planted}", *_figures(outcome, currency))
        total.transactions.update(outcome.transactions)
        total.money_minor.update(outcome.money_minor)
    table.add_section()
    planted, caught = (sum(counts) for counts in zip(*map(scores.cases, KINDS), strict=True))
    table.add_row("all", f"{caught} of {planted}", *_figures(total, currency))
    return table


def _figures(outcome: Outcome, currency: str) -> tuple[str, ...]:
    return (
        f"{outcome.total:,}",
        f"{outcome.transactions['block']:,}",
        f"{outcome.transactions['step_up']:,}",
        f"{outcome.transactions['review']:,}",
        _share(outcome.stopped, outcome.total),
        _money(outcome.total_minor, currency),
        _share(outcome.stopped_minor, outcome.total_minor),
    )


def _share(part: int, whole: int, places: int = 1) -> str:
    return f"{part / whole:.{places}%}" if whole else "-"


def _money(minor: int, currency: str) -> str:
    return f"{float(major_text(minor, currency)):,.0f} {currency}"
