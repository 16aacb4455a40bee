"""The account at the end of the demo: what was planted, what was caught, what was stopped by mistake, and how fast."""

from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from schemas import Action, exponent_of
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
    """Prints the account; without a terminal it holds no control codes."""

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    say("\n[bold]Planted fraud[/], and how much of it was blocked or stepped up")
    console.print(_frauds(scores, currency))
    total = _total(scores)
    say(
        f"Of the fraud {_count(total, 'block')} were blocked, {_count(total, 'step_up')} stepped up,"
        f" {_count(total, 'review')} let through for review."
    )
    honest = scores.honest
    say(
        f"\n[bold]Stopped by mistake[/]: {honest.stopped:,} of {honest.total:,} honest transactions"
        f" ({_share(honest.stopped, honest.total, 2)}), {_money(honest.stopped_minor, currency)} {currency}"
    )
    say(
        f"  {_count(honest, 'block')} blocked, {_count(honest, 'step_up')} stepped up; {_count(honest, 'review')} more"
        " were let through for review. The rules behind it:"
    )
    for rule, count in scores.mistakes.most_common(_RULES_SHOWN):
        say(f"  {count:>6,}  {rule}")
    rate = speed.events / speed.elapsed_s
    say(f"\n[bold]Speed[/]: {speed.events:,} events in {speed.elapsed_s:.1f} s, {rate:,.0f} a second")
    say(
        f"  from batch in to decision out: p50 {speed.latency_p50_ms:.2f} ms, p99 {speed.latency_p99_ms:.2f} ms,"
        f" p99.9 {speed.latency_p999_ms:.2f} ms"
    )
    say(
        "\n[dim]The stream is simulated, and the pack was written for frauds of these shapes:"
        "\nthis shows the gate at work, not what it would catch elsewhere.[/]"
    )


def _frauds(scores: Scores, currency: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("kind", no_wrap=True)
    for column in ("cases", "transactions", "", currency, ""):
        table.add_column(column, justify="right", no_wrap=True)
    for kind in KINDS:
        table.add_row(kind.replace("_", " "), *_figures(scores.cases(kind), scores.fraud[kind], currency))
    table.add_section()
    planted, caught = (sum(counts) for counts in zip(*map(scores.cases, KINDS), strict=True))
    table.add_row("all", *_figures((planted, caught), _total(scores), currency))
    return table


def _total(scores: Scores) -> Outcome:
    total = Outcome()
    for outcome in scores.fraud.values():
        total.transactions.update(outcome.transactions)
        total.money_minor.update(outcome.money_minor)
    return total


def _figures(cases: tuple[int, int], outcome: Outcome, currency: str) -> tuple[str, ...]:
    planted, caught = cases
    return (
        f"{caught:,} of {planted:,}",
        f"{outcome.stopped:,} of {outcome.total:,}",
        _share(outcome.stopped, outcome.total),
        f"{_money(outcome.stopped_minor, currency)} of {_money(outcome.total_minor, currency)}",
        _share(outcome.stopped_minor, outcome.total_minor),
    )


def _count(outcome: Outcome, action: Action) -> str:
    return f"{outcome.transactions[action]:,}"


def _share(part: int, whole: int, places: int = 1) -> str:
    return f"{part / whole:.{places}%}" if whole else "-"


def _money(minor: int, currency: str) -> str:
    """In whole major units."""
    return f"{minor / 10 ** exponent_of(currency):,.0f}"
