"""Pages of tunings: what was tried, what it gains and costs, and what was chosen, as one HTML file."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from workbench.choices import OBJECTIVES
from workbench.documents import cards, document, grouped, heads, notes_section
from workbench.holdout import Part, part_text
from workbench.measurement import Proportion
from workbench.plots import Course, Frontier, Point, frontier_plot
from workbench.tuning import Measured, Side, Tuning

POINTS_MAX = 2_000
"""So many variants within the limits, and so many beyond, are drawn as points; the line has the whole frontier."""

ROWS_MAX = 60
"""So many variants of a frontier have a row."""

ROOM = 1.5
"""So much further than the costs in question a plot goes."""


def question_lines(tuning: Tuning) -> list[str]:
    """What was asked, and on what it was measured, line by line."""
    limits = []
    if tuning.max_alerts_a_day is not None:
        limits.append(f"at most {tuning.max_alerts_a_day:g} alerts a day")
    if tuning.max_good_money is not None:
        amount, _, daily = tuning.max_good_money.partition("/")
        span = "a day" if daily else "in the first period"
        limits.append(f"at most {grouped(amount)} {tuning.currency} of good money {span}")
    drawn = "" if tuning.seed is None else f", drawn from {tuning.grid:,} with seed {tuning.seed}"
    lines = [
        f"chosen in the first period, {part_text(tuning.first)}",
        f"held out, without a say in the choice: {part_text(tuning.last)}",
        f"objective {tuning.objective}: {OBJECTIVES[tuning.objective].of}",
        f"{len(tuning.tried):,} variants, with the rule as it is{drawn}",
    ]
    if limits:
        lines.append(f"limits: {'; '.join(limits)}")
    if tuning.unmeasured:
        lines.append(f"the rule reads what no event of one period has: {', '.join(tuning.unmeasured)}")
    return lines


def verdict_lines(tuning: Tuning, chosen: Side) -> list[str]:
    """What is to be said of the choice: what the period held out says of it, and what else to look at."""
    lines = []
    first, last, now = chosen.first.score, chosen.last.score, tuning.now.last.score
    if chosen == tuning.now:
        lines.append("nothing that was tried is better than the rule as it is: there is nothing to change")
    else:
        gained = Decimal(last) - Decimal(now)
        word = "better than" if gained > 0 else "no better than" if gained == 0 else "WORSE than"
        told = f"{grouped(last)} against {grouped(now)} {_unit(tuning)}"
        lines.append(f"held out, the choice is {word} the rule as it is: {told}")
    lines.append(
        f"by day: {_by_day(first, tuning.first)} {_unit(tuning)} in the first period, "
        f"{_by_day(last, tuning.last)} held out"
    )
    if not chosen.within_last:
        lines.append(
            f"held out, the choice does NOT keep the limits: {chosen.last.alerts_a_day:,.1f} alerts a day, "
            f"{grouped(chosen.last.good_money_stopped)} {tuning.currency} of good money stopped, "
            f"{_by_day(chosen.last.good_money_stopped, tuning.last)} a day"
        )
    lines += [f"`{name}` is at the end of what was tried: a better value may lie beyond" for name in tuning.at_end]
    if tuning.broken:
        lines.append(f"tests of the rule that no longer hold with it, so change them too: {', '.join(tuning.broken)}")
    return lines


def _unit(tuning: Tuning) -> str:
    return f"{tuning.currency} net" if OBJECTIVES[tuning.objective].money else "fraud"


def _by_day(figure: str, part: Part) -> str:
    return f"{Decimal(figure) / Decimal(part.days):,.2f}"


def tuning_page(tuning: Tuning, notes: Sequence[str]) -> str:
    """The page of a tuning; `notes` are lines on the data."""
    name = f"Tuning of {tuning.rule}"
    lead = (
        f"<h1>{escape(name)}</h1>\n<p>{escape(tuning.then)}, {escape(tuning.mode)}, in {escape(tuning.pack)}, "
        f"on {escape(tuning.data)}</p>"
    )
    parts = [lead, _cards(tuning), _list("What was asked", question_lines(tuning)), notes_section(notes)]
    if tuning.chosen is not None:
        parts += [
            _list("What is to be said of it", verdict_lines(tuning, tuning.chosen)),
            _sides(tuning, tuning.chosen),
        ]
    parts += [_plots(tuning), _frontier(tuning)]
    if tuning.diff:
        parts.append(f"<section><h2>The change</h2><pre>{escape(tuning.diff)}</pre></section>")
    return document(name, parts)


def _list(title: str, lines: Sequence[str]) -> str:
    shown = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section><h2>{title}</h2><ul>{shown}</ul></section>"


def _cards(tuning: Tuning) -> str:
    if tuning.chosen is None:
        return cards([("none", "of the variants is within the limits")])
    chosen, last = tuning.chosen.params, tuning.chosen.last
    return cards(
        [
            *((value, f"{name}, now {tuning.now.params[name]}") for name, value in chosen.items()),
            (grouped(last.score), f"{_unit(tuning)}, held out; as it is {grouped(tuning.now.last.score)}"),
            (f"{last.alerts_a_day:,.1f}", f"alerts a day, held out; as it is {tuning.now.last.alerts_a_day:,.1f}"),
        ]
    )


_HEADS = ("hits", "a day", "precision", "recall", "caught", "good stopped", "net", "net given others")


def _cells(each: Measured) -> str:
    figures = (
        f"{each.hits:,}", f"{each.alerts_a_day:,.1f}", _share(each.precision), _share(each.recall),
        grouped(each.money_caught), grouped(each.good_money_stopped), grouped(each.net_money),
        grouped(each.added_net_money),
    )  # fmt: skip
    return "".join(f"<td>{figure}</td>" for figure in figures)


def _share(share: Proportion | None) -> str:
    return "-" if share is None else f"{share.value:.1%}<small>{share.low:.1%} to {share.high:.1%}</small>"


def _sides(tuning: Tuning, chosen: Side) -> str:
    rows = "".join(
        f"<tr><td>{name}<small>{period}</small></td>{_cells(measured)}</tr>"
        for name, side in (("as it is", tuning.now), ("chosen", chosen))
        for period, measured in (("first period", side.first), ("held out", side.last))
    )
    return (
        "<section><h2>Chosen, and held out</h2><p>Shares with intervals of 95%. The choice was made in the first "
        f'period alone.</p><div class="wide"><table>{heads("", *_HEADS)}{rows}</table></div></section>'
    )


def _frontier(tuning: Tuning) -> str:
    frontier = sorted((each for each in tuning.tried if each.frontier), key=lambda each: Decimal(each.measured.cost))
    step = max(1, -(-len(frontier) // ROWS_MAX))
    told = [each for at, each in enumerate(frontier) if at % step == 0 or each.params == _chosen(tuning)]
    thinned = f" {len(told):,} of {len(frontier):,} are shown." if len(told) < len(frontier) else ""
    names = list(tuning.now.params)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(each.params[name])}</td>' for name in names)}{_cells(each.measured)}"
        f"<td>{'chosen' if each.params == _chosen(tuning) else ''}</td></tr>"
        for each in told
    )
    return (
        f"<section><h2>Frontier</h2><p>Within the limits, no other variant has more {_names(tuning)[1]} for the same "
        f"{_names(tuning)[0]} or less, in the first period.{thinned}</p>"
        f'<div class="wide"><table>{heads(*names, *_HEADS, "")}{rows}'
        "</table></div></section>"
    )


def _chosen(tuning: Tuning) -> dict[str, str] | None:
    return None if tuning.chosen is None else tuning.chosen.params


def _names(tuning: Tuning) -> tuple[str, str]:
    """What is drawn to the right, and what upwards."""
    gain, cost = OBJECTIVES[tuning.objective].names
    return cost, gain


def _point(each: Measured) -> Point:
    return float(each.cost), float(each.gain)


def _plots(tuning: Tuning) -> str:
    tried = tuning.tried
    reach = _reach(tuning)
    near = [each for each in tried if float(each.measured.cost) <= reach]
    line = sorted(_point(each.measured) for each in near if each.frontier)
    within = [_point(each.measured) for each in near if each.within]
    beyond = [_point(each.measured) for each in near if not each.within]
    marks = [("as it is", _point(tuning.now.first))]
    if tuning.chosen is not None and tuning.chosen != tuning.now:
        marks.append(("chosen", _point(tuning.chosen.first)))
    beyond, within = (points[:: max(1, -(-len(points) // POINTS_MAX))] for points in (beyond, within))
    count = len(beyond) + len(within)
    names = _names(tuning)
    if OBJECTIVES[tuning.objective].money:
        names = (f"{names[0]}, {tuning.currency}", f"{names[1]}, {tuning.currency}")
    drawn = frontier_plot(Frontier(names, beyond, within, line, marks), _course(tuning))
    far = len(tried) - len(near)
    told = f" {far:,} variants cost too much to be drawn." * (far > 0) + f" {count:,} of the others are dots." * (
        count < len(near)
    )
    return f"<section><h2>What was tried</h2><p>All in the first period.{told}</p>{drawn}</section>"


def _reach(tuning: Tuning) -> float:
    """Up to which cost variants are drawn: those in question, where others cost many times as much.

    In question is what is within the limits, and costs no more than any of that gains; and what is marked.
    """
    within = [_point(each.measured) for each in tuning.tried if each.within]
    marked = [_point(each.first)[0] for each in (tuning.now, tuning.chosen) if each is not None]
    costs = [cost for cost, _ in within]
    if OBJECTIVES[tuning.objective].money:
        most = max((gain for _, gain in within), default=0.0)
        costs = [min(cost, most) for cost in costs]
    return ROOM * max([*costs, *marked])


def _course(tuning: Tuning) -> Course | None:
    """How good each value is, where only one param was varied."""
    if len(tuning.now.params) > 1:
        return None
    (name,) = tuning.now.params
    texts = [each.params[name] for each in tuning.tried]
    scores = [float(each.measured.score) for each in tuning.tried]
    marks = [("as it is", texts.index(tuning.now.params[name]))]
    if tuning.chosen is not None and tuning.chosen != tuning.now:
        marks.append(("chosen", texts.index(tuning.chosen.params[name])))
    return Course(name, f"{_unit(tuning)} in the first period", texts, scores, marks)
