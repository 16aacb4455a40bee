"""The work of `riskgate diff`: measure two packs on the same past events, print which decisions change."""

from collections.abc import Iterator
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from riskgate.backtesting import account_lines, label_lines, share
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import Past, PastError
from riskgate.printing import Printer, write_json
from riskgate.revisions import RevisionError, pack_at
from workbench.contrast_pages import difference_page, example_text
from workbench.contrasts import Difference, Flow, Reason, RuleDifference, RuleSide, Turn, difference_of
from workbench.documents import grouped
from workbench.pages import UNMEASURED

REASONS_SHOWN = 5
EXAMPLES_SHOWN = 3


def compare(a: str, b: str, overlay: str | None, past: Past, json_file: Path | None, html_file: Path | None) -> int:
    """Returns the exit code."""
    try:
        packs = [pack_at(place, overlay) for place in (a, b)]
        before, after = packs
        if before is None or after is None:
            return EXIT_FINDINGS
        comparison, accounts = past.comparison(before, after)
    except (PastError, RevisionError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    found = difference_of(comparison, past.name, (a, b), accounts, past.maturity_ms)
    write_json(found, json_file)
    if html_file is not None:
        html_file.write_text(difference_page(found, list(note_lines(found))), encoding="utf-8")
    print_difference(found)
    return EXIT_FINE


def note_lines(found: Difference) -> Iterator[str]:
    """What did not go as the rest, in both packs or in the one that is named, and what precision and recall rest on."""
    one, other = (account_lines(side.account) for side in (found.before, found.after))
    yield from (line for line in one if line in other)
    yield from (f"A: {line}" for line in one if line not in other)
    yield from (f"B: {line}" for line in other if line not in one)
    if found.waiting:
        yield f"decisions on what did not come are not compared: {', '.join(found.waiting)}"
    yield from label_lines(found.labels)


def print_difference(found: Difference) -> None:
    """Prints the comparison on standard output; without a terminal it holds no control codes."""
    out = Printer()
    out.say(f"A  {found.before.given}: {found.before.pack}")
    out.say(f"B  {found.after.given}: {found.after.pack}")
    out.say(f"{found.data}: {found.period.events:,} judged events in {found.period.days:,} days")
    for line in note_lines(found):
        out.say(f"  {line}")
    out.table(_decisions(found))
    for line in _worth(found):
        out.say(line)
    if not found.turns:
        out.say("every event has the same decision in both")
    else:
        out.table(_turns(found))
        for turn in found.turns:
            out.say("")
            for line in _why(turn, found.currency):
                out.say(line)
    shown = [rule for rule in found.rules if _differs(rule)]
    if shown:
        out.table(_rules(shown))
    same = len(found.rules) - len(shown)
    if same:
        out.say(f"{same:,} {'rule is' if same == 1 else 'rules are'} the same in both, with the same hits")


def _table(title: str, *heads: str, left: tuple[str, ...] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for number, name in enumerate(heads):
        table.add_column(name, justify="left" if number == 0 or name in left else "right")
    return table


def _decisions(found: Difference) -> Table:
    table = _table("decisions", "action", "A", "B", "change", "fraud A", "fraud B", "good A", "good B")
    for one, other in zip(found.before.decisions, found.after.decisions, strict=True):
        counts = (one.fraud, other.fraud, one.good, other.good)
        table.add_row(
            one.action, f"{one.events:,}", f"{other.events:,}", f"{other.events - one.events:+,}",
            *(f"{each:,}" for each in counts),
        )  # fmt: skip
    return table


def _worth(found: Difference) -> Iterator[str]:
    """What stopping is worth in each pack; nothing where no label is known."""
    for name, side in (("A", found.before), ("B", found.after)):
        if side.precision is not None or side.recall is not None:
            money = f"caught {grouped(side.caught)}, good stopped {grouped(side.good_stopped)} {found.currency}"
            yield f"{name} stops with precision {share(side.precision)}, recall {share(side.recall)}: {money}"


def _turns(found: Difference) -> Table:
    title = f"{found.changed:,} decisions change, of {found.users:,} users"
    money = (found.currency, f"fraud {found.currency}", f"good {found.currency}")
    table = _table(title, "from A to B", "events", "users", "fraud", "good", "too young", *money)
    for turn in found.turns:
        counts = (turn.events, turn.users, turn.fraud, turn.good, turn.young)
        amounts = map(grouped, (turn.money, turn.fraud_money, turn.good_money))
        table.add_row(f"{turn.before} to {turn.after}", *(f"{each:,}" for each in counts), *amounts)
    return table


def _why(turn: Turn, currency: str) -> Iterator[str]:
    """The reasons of a change with their events."""
    yield f"{turn.before} to {turn.after}, since hits go (-) and come (+):"
    for reason in turn.reasons[:REASONS_SHOWN]:
        yield f"  {reason.events:,}: {_hits(reason)}"
        for example in reason.examples[:EXAMPLES_SHOWN]:
            yield f"    {example_text(example, currency)}"
    rest = turn.reasons_total - min(len(turn.reasons), REASONS_SHOWN)
    if rest:
        yield f"  and {rest:,} rarer reasons"


def _hits(reason: Reason) -> str:
    gone = [f"- {hit.rule} ({hit.then})" for hit in reason.lost]
    come = [f"+ {hit.rule} ({hit.then})" for hit in reason.gained]
    return " ".join([*gone, *come]) or "one of the packs gives no decision"


def _differs(rule: RuleDifference) -> bool:
    """Whether there is anything to tell of a rule."""
    same = rule.before == rule.after and not rule.changed
    return not same or any(flow is not None and flow.events > 0 for flow in (rule.come, rule.go))


def _rules(rules: list[RuleDifference]) -> Table:
    table = _table(
        "rules that differ", "rule", "A", "hits A", "B", "hits B", "come", "fraud", "good", "go", "fraud", "good",
        "what changed", left=("A", "B", "what changed"),
    )  # fmt: skip
    for rule in rules:
        table.add_row(
            rule.rule, *_side(rule.before), *_side(rule.after), *_flow(rule.come), *_flow(rule.go),
            ", ".join(rule.changed),
        )  # fmt: skip
    return table


def _side(side: RuleSide | None) -> tuple[str, str]:
    if side is None:
        return "not there", "-"
    return f"{side.mode} {side.then}", UNMEASURED if side.hits is None else f"{side.hits:,}"


def _flow(flow: Flow | None) -> tuple[str, ...]:
    if flow is None:
        return "-", "-", "-"
    return f"{flow.events:,}", f"{flow.fraud:,}", f"{flow.good:,}"
