"""Pages: a report as one HTML file with its plots in it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape
from typing import TypeVar

from workbench.curves import distribution_of, overlap_of, thresholds_of, tradeoff_of
from workbench.documents import cards, document, grouped, heads, notes_section
from workbench.measurement import DAY_MS, Proportion, View
from workbench.plots import Trend, distribution_plot, overlap_plot, tradeoff_plot, trend_plot
from workbench.reports import Period, Report, RuleReport, day_text

PLOTS_MAX = 24
"""So many rules have a plot of their own: those with the most hits."""

INPUTS_MAX = 18
"""So many inputs have a plot of their own: the first that rules compare with a number."""

UNMEASURED = "UNMEASURED"

Found = TypeVar("Found")


def page_of(report: Report, view: View, notes: Sequence[str], progress: Callable[[float], None]) -> str:
    """The page of a report on the view; `notes` are lines on the data and the labels."""
    return _page("Backtest", (_trends, _tradeoffs, _distributions, _overlaps), report, view, notes, progress)


def trial_page(report: Report, view: View, notes: Sequence[str], progress: Callable[[float], None]) -> str:
    """The same of decisions that were given, which do not tell what the rules' inputs were."""
    return _page("Shadow report", (_trends, _overlaps), report, view, notes, progress)


def _page(
    kind: str,
    plots: Sequence[Callable[[Report, View], str]],
    report: Report,
    view: View,
    notes: Sequence[str],
    progress: Callable[[float], None],
) -> str:
    title = f"{kind} of {report.pack}"
    parts = [
        head(title, report.data, report.period),
        _cards(report),
        notes_section(notes),
        _decisions(report),
        _rules(report),
    ]
    for number, plot in enumerate(plots, 1):
        parts.append(plot(report, view))
        progress(number / len(plots))
    return document(title, parts)


def head(title: str, data: str, period: Period) -> str:
    """The title, and what was measured."""
    first, last = day_text(period.from_ms // DAY_MS), day_text(period.to_ms // DAY_MS)
    return f"<h1>{escape(title)}</h1>\n<p>{escape(data)}: {period.events:,} judged events from {first} to {last}</p>"


def _cards(report: Report) -> str:
    stopped = [each for each in report.decisions if each.action != "allow"]
    told = [(f"{sum(each.events for each in stopped):,}", "events not allowed")]
    if report.precision is not None or report.recall is not None:
        told += [
            (share_text(report.precision), "of them are fraud (precision)"),
            (share_text(report.recall), "of the fraud is among them (recall)"),
            (_total([each.fraud_money for each in stopped]), f"{report.currency} of fraud caught"),
            (_total([each.good_money for each in stopped]), f"{report.currency} of good money stopped"),
        ]
    return cards(told)


def _decisions(report: Report) -> str:
    rows = "".join(
        f'<tr><td class="{each.action}">{each.action}</td><td>{each.events:,}</td><td>{each.fraud:,}</td>'
        f"<td>{each.good:,}</td><td>{grouped(each.fraud_money)}</td><td>{grouped(each.good_money)}</td></tr>"
        for each in report.decisions
    )
    names = heads("action", "events", "fraud", "good", f"fraud {report.currency}", f"good {report.currency}")
    return f"<section><h2>Decisions</h2><table>{names}{rows}</table></section>"


def _rules(report: Report) -> str:
    names = heads(
        "rule", "mode", "then", "hits", "users", "only", "a day", "precision", "recall",
        f"caught {report.currency}", f"good stopped {report.currency}", "decisions that change",
    )  # fmt: skip
    rows = "".join(map(_row, report.rules))
    silent = ", ".join(map(escape, report.unmeasured_features))
    told = f'<p><span class="unmeasured">{UNMEASURED}</span> features: {silent}</p>' if silent else ""
    return (
        "<section><h2>Rules</h2><p>Shares with intervals of 95%. <i>Only</i> are hits where no other live rule hits; "
        "what changes is told given all other rules.</p>"
        f'{told}<div class="wide"><table>{names}{rows}</table></div></section>'
    )


def _row(rule: RuleReport) -> str:
    title = f"<small>{escape(rule.title)}</small>" if rule.title else ""
    lacking = f"<small>no event has {escape(', '.join(rule.unmeasured))}</small>" if rule.unmeasured else ""
    failing = f"<small>failed on {rule.errors:,} events</small>" if rule.errors else ""
    start = (
        f'<tr><td>{escape(rule.rule)}{title}{lacking}{failing}</td><td class="{rule.mode}">{rule.mode}</td>'
        f'<td class="{rule.then}">{rule.then}</td>'
    )
    if rule.hits is None or rule.users is None or rule.only is None or rule.alerts_a_day is None:
        return f'{start}<td class="unmeasured">{UNMEASURED}</td>{"<td></td>" * 8}</tr>'
    cells = (
        f"{rule.hits:,}",
        f"{rule.users:,}",
        f"{rule.only:,}",
        f"{rule.alerts_a_day:,.1f}",
        _with_interval(rule.precision),
        _with_interval(rule.recall),
        grouped(rule.money_caught),
        grouped(rule.good_money_stopped),
        _effect(rule),
    )
    return start + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _effect(rule: RuleReport) -> str:
    if rule.effect is None or not rule.effect.events:
        return "none"
    changes = (f"{each.before} to {each.after} {each.events:,}" for each in rule.effect.changes)
    return f"if {rule.effect.if_}<small>{'<br>'.join(changes)}</small>"


def _trends(report: Report, view: View) -> str:
    shown = _most_hits(report)
    trends = [
        Trend(rule.rule, view.first_day, [day.hits for day in rule.trend], [day.fraud for day in rule.trend])
        for rule in shown
    ]
    said = "Hits of each rule by day, in UTC; those on mature fraud in the darker colour."
    return plot_section("Hits by day", said + _of_all(len(shown), len(report.rules), "rules"), trend_plot, trends)


def _tradeoffs(_: Report, view: View) -> str:
    inputs = list(thresholds_of(view).values())
    found = [each for some in inputs[:INPUTS_MAX] if (each := tradeoff_of(view, some)) is not None]
    said = (
        "What a rule on this input alone would reach, for every threshold, on mature transactions. A dot is where a "
        "rule has its threshold now; the dashed line is the share of fraud in all."
    )
    return plot_section("Precision and recall", said + _of_all(len(found), len(inputs), "inputs"), tradeoff_plot, found)


def _distributions(_: Report, view: View) -> str:
    inputs = thresholds_of(view)
    chosen = list(inputs.items())[:INPUTS_MAX]
    found = [each for read, some in chosen if (each := distribution_of(view, read, some)) is not None]
    said = (
        "Features, scores and amounts over fraud and over good transactions, each adding up to 100%; the last bin has "
        "all beyond it, too. Dashed lines are thresholds of rules."
    )
    return plot_section("Distributions", said + _of_all(len(found), len(inputs), "inputs"), distribution_plot, found)


def _overlaps(report: Report, view: View) -> str:
    names = [rule.rule for rule in _most_hits(report)]
    chosen = [each for each in view.evaluation.outcomes if each.rule.id in names]
    if len(chosen) < 2:
        return ""
    shares = overlap_of(chosen, view.evaluation.count)
    drawn = overlap_plot([each.rule.id for each in chosen], shares)
    return f"<section><h2>Overlap of rules</h2><p>How much of a rule's hits another one has too.</p>{drawn}</section>"


def _most_hits(report: Report) -> list[RuleReport]:
    hitting = sorted((rule for rule in report.rules if rule.hits), key=lambda rule: -(rule.hits or 0))[:PLOTS_MAX]
    return [rule for rule in report.rules if rule in hitting]


def plot_section(title: str, said: str, draw: Callable[[Sequence[Found]], str], found: Sequence[Found]) -> str:
    """A section with the plot that `draw` makes of what was found; `said` is HTML that explains it."""
    drawn = draw(found) if found else "<p>There is nothing to draw.</p>"
    return f"<section><h2>{title}</h2><p>{said}</p>{drawn}</section>"


def _of_all(shown: int, every: int, what: str) -> str:
    return f" Shown are {shown} of {every} {what}." if shown < every else ""


def share_text(share: Proportion | None) -> str:
    """A share in percent; a dash where nothing is known."""
    return "-" if share is None else f"{share.value:.1%}"


def _with_interval(share: Proportion | None) -> str:
    return "-" if share is None else f"{share.value:.1%}<small>{share.low:.1%} to {share.high:.1%}</small>"


def _total(amounts: Sequence[str]) -> str:
    return grouped(str(sum(map(Decimal, amounts))))
