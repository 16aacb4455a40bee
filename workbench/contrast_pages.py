"""The page of a comparison of two packs; see `workbench.documents`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from workbench.contrasts import Difference, Example, Flow, Reason, RuleDifference, RuleSide, Turn
from workbench.documents import cards, document, grouped, heads, notes_section
from workbench.measurement import DAY_MS
from workbench.pages import UNMEASURED, head, plot_section, share_text
from workbench.plots import Trend, trend_plot

PLOTS_MAX = 12
"""So many changes have a plot of their own: the most frequent ones."""


def difference_page(difference: Difference, notes: Sequence[str]) -> str:
    """The page of a comparison; `notes` are lines on the data and the labels."""
    before, after = difference.before, difference.after
    title = f"{before.pack} against {after.pack}"
    parts = [
        head(title, difference.data, difference.period),
        f"<p>A is {escape(before.given)}, {escape(before.pack)}; B is {escape(after.given)}, {escape(after.pack)}.</p>",
        _cards(difference),
        notes_section(notes),
        _decisions(difference),
        _turns(difference),
        _trends(difference),
        *(_reasons(turn, difference.currency) for turn in difference.turns),
        _rules(difference),
    ]
    return document(title, parts)


def _cards(difference: Difference) -> str:
    before, after, currency = difference.before, difference.after, difference.currency
    told = [(f"{difference.changed:,}", f"events with another decision, of {difference.users:,} users")]
    if before.precision is not None or after.precision is not None:
        told += [
            (_both(share_text(before.precision), share_text(after.precision)), "precision of what is not allowed"),
            (_both(share_text(before.recall), share_text(after.recall)), "recall of fraud"),
            (_both(grouped(before.caught), grouped(after.caught)), f"{currency} of fraud caught"),
            (_both(grouped(before.good_stopped), grouped(after.good_stopped)), f"{currency} of good money stopped"),
        ]
    return cards(told)


def _both(before: str, after: str) -> str:
    return f"{before} → {after}"


def _decisions(difference: Difference) -> str:
    currency = difference.currency
    names = heads(
        "action", "A", "B", "fraud A", "fraud B", "good A", "good B", f"fraud {currency} A", f"fraud {currency} B",
        f"good {currency} A", f"good {currency} B",
    )  # fmt: skip
    rows = []
    for one, other in zip(difference.before.decisions, difference.after.decisions, strict=True):
        cells = (
            f"{one.events:,}", f"{other.events:,}", f"{one.fraud:,}", f"{other.fraud:,}", f"{one.good:,}",
            f"{other.good:,}", grouped(one.fraud_money), grouped(other.fraud_money), grouped(one.good_money),
            grouped(other.good_money),
        )  # fmt: skip
        rows.append(f'<tr><td class="{one.action}">{one.action}</td>{_cells(cells)}</tr>')
    return f'<section><h2>Decisions</h2><div class="wide"><table>{names}{"".join(rows)}</table></div></section>'


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"<td>{text}</td>" for text in texts)


def _turns(difference: Difference) -> str:
    currency = difference.currency
    if not difference.turns:
        return "<section><h2>What changes</h2><p>Every event has the same decision in both.</p></section>"
    names = heads(
        "from A to B",
        "events",
        "users",
        "fraud",
        "good",
        "too young",
        currency,
        f"fraud {currency}",
        f"good {currency}",
    )
    rows = "".join(
        f'<tr><td><span class="{turn.before}">{turn.before}</span> to <span class="{turn.after}">{turn.after}</span>'
        f"</td>{_cells(_figures(turn))}</tr>"
        for turn in difference.turns
    )
    said = "<p><i>none</i> stands for no decision of its own.</p>" if _has_none(difference) else ""
    return f'<section><h2>What changes</h2>{said}<div class="wide"><table>{names}{rows}</table></div></section>'


def _has_none(difference: Difference) -> bool:
    return any("none" in (turn.before, turn.after) for turn in difference.turns)


def _figures(turn: Turn) -> tuple[str, ...]:
    counts = (turn.events, turn.users, turn.fraud, turn.good, turn.young)
    return (*(f"{each:,}" for each in counts), *map(grouped, (turn.money, turn.fraud_money, turn.good_money)))


def _trends(difference: Difference) -> str:
    shown = difference.turns[:PLOTS_MAX]
    if not shown:
        return ""
    first = difference.period.from_ms // DAY_MS
    trends = [Trend(f"{turn.before} to {turn.after}", first, turn.trend, turn.fraud_trend) for turn in shown]
    said = "Events with another decision by day, in UTC; those of mature fraud in the darker colour."
    if len(shown) < len(difference.turns):
        said += f" Shown are {len(shown)} of {len(difference.turns)} changes."
    return plot_section("Changes by day", said, trend_plot, trends)


def _reasons(turn: Turn, currency: str) -> str:
    rows = "".join(_reason(each, currency) for each in turn.reasons)
    rest = turn.reasons_total - len(turn.reasons)
    more = f"<p>and {rest:,} rarer reasons</p>" if rest else ""
    names = heads("events", "fraud", "good", "hits that go (-) and come (+)", "examples")
    return (
        f"<section><h2>{turn.before} to {turn.after}: why</h2>"
        f'<div class="wide"><table class="left">{names}{rows}</table></div>{more}</section>'
    )


def _reason(reason: Reason, currency: str) -> str:
    hits = [f'- {escape(hit.rule)} <span class="{hit.then}">{hit.then}</span>' for hit in reason.lost]
    hits += [f'+ {escape(hit.rule)} <span class="{hit.then}">{hit.then}</span>' for hit in reason.gained]
    examples = "".join(f"<small>{escape(example_text(each, currency))}</small>" for each in reason.examples)
    counts = f"<td>{reason.events:,}</td><td>{reason.fraud:,}</td><td>{reason.good:,}</td>"
    return f"<tr>{counts}<td>{'<br>'.join(hits) or 'no decision'}</td><td>{examples}</td></tr>"


def example_text(example: Example, currency: str) -> str:
    """An event in a line: what it is, whose, when, for how much, and what is known of it."""
    parts = [example.user_id, moment_text(example.timestamp_ms)]
    parts += [f"{grouped(example.amount)} {currency}"] if example.amount is not None else [example.type]
    parts += [] if example.fraud is None else ["fraud" if example.fraud else "good"]
    return f"{example.id} ({', '.join(parts)})"


def moment_text(time_ms: int) -> str:
    """A time in UTC to the second."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rules(difference: Difference) -> str:
    currency = difference.currency
    names = heads(
        "rule", "A", "hits", "B", "hits", "come", "fraud", "good", f"fraud {currency}", "go", "fraud", "good",
        f"fraud {currency}",
    )  # fmt: skip
    rows = "".join(map(_rule, difference.rules))
    said = "Hits of each rule, whatever its mode. What comes is hit in B alone, what goes in A alone."
    return f'<section><h2>Rules</h2><p>{said}</p><div class="wide"><table>{names}{rows}</table></div></section>'


def _rule(rule: RuleDifference) -> str:
    changed = f"<small>{escape(', '.join(rule.changed))}</small>" if rule.changed else ""
    flows = "".join(map(_flow, (rule.come, rule.go)))
    return f"<tr><td>{escape(rule.rule)}{changed}</td>{_rule_side(rule.before)}{_rule_side(rule.after)}{flows}</tr>"


def _rule_side(side: RuleSide | None) -> str:
    if side is None:
        return "<td></td><td></td>"
    hits = f'<span class="unmeasured">{UNMEASURED}</span>' if side.hits is None else f"{side.hits:,}"
    return f'<td class="{side.mode}">{side.mode}<small>{side.then}</small></td><td>{hits}</td>'


def _flow(flow: Flow | None) -> str:
    if flow is None:
        return "<td></td>" * 4
    return _cells((f"{flow.events:,}", f"{flow.fraud:,}", f"{flow.good:,}", grouped(flow.fraud_money)))
