"""Plots: the figures of a backtest's page, as SVG that stands by itself. Times are in UTC, shares in percent."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from workbench.curves import Distribution, Floats, Tradeoff
from workbench.measurement import DAY_MS

FRAUD, GOOD, ALL, MARK = "#c2410c", "#2563a8", "#9aa8b8", "#1f2933"
COLUMNS = 3
WIDTH = 11.0
ROW_HEIGHT = 2.3

TITLE_MAX = 42
"""A longer title of a plot would run into its neighbour."""

DAYS_NAMED = 4
VALUES_NAMED, SHORT = 7, 6
"""So many values of a param are named, if they are short."""
HALF = 0.5
NEAR_TOP = 0.9
NAMES_HIGH, NAMES_WIDE = 8, 3
"""So many names fit into a plot."""

SHARE_SHOWN = 0.01
"""Smaller shares are not written into the table of overlaps."""


class Trend(NamedTuple):
    """The hits of one rule by day, from `first_day` on, days counted from 1970-01-01, and those on fraud."""

    rule: str
    first_day: int
    hits: Sequence[int]
    fraud: Sequence[int]


def trend_plot(trends: Sequence[Trend]) -> str:
    """The hits of each rule by day."""
    with _styled("trend"):
        figure, axes = _grid(len(trends))
        for ax, trend in zip(axes, trends, strict=True):
            days = trend.first_day + np.arange(len(trend.hits))
            ax.bar(days, trend.hits, width=0.9, align="edge", color=ALL, label="all")
            ax.bar(days, trend.fraud, width=0.9, align="edge", color=FRAUD, label="fraud")
            _name(ax, trend.rule)
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            ticks = np.unique(np.linspace(0, len(days) - 1, DAYS_NAMED).round()).astype(int) + trend.first_day
            ax.set_xticks(ticks + 0.5, [_day(tick) for tick in ticks.tolist()])
        _legend(figure, axes)
        return _svg(figure)


def tradeoff_plot(tradeoffs: Sequence[Tradeoff]) -> str:
    """Precision over recall for all thresholds of each input, with a mark where rules have theirs."""
    with _styled("tradeoff"):
        figure, axes = _grid(len(tradeoffs))
        for ax, each in zip(axes, tradeoffs, strict=True):
            ax.plot(each.recall, each.precision, color=GOOD, linewidth=1.6)
            ax.axhline(each.base, color=ALL, linewidth=0.8, linestyle=(0, (3, 3)))
            ax.plot([mark[2] for mark in each.marks], [mark[1] for mark in each.marks], "o", color=MARK, ms=4.5)
            for name, precision, recall in _named(each.marks):
                right, below = recall < HALF, precision > NEAR_TOP
                ax.annotate(
                    name,
                    (recall, precision),
                    xytext=(5 if right else -5, -10 if below else 4),
                    textcoords="offset points",
                    horizontalalignment="left" if right else "right",
                    fontsize=7.5,
                )
            _name(ax, f"{each.title}, {'large' if each.upward else 'small'} values first")
            ax.set_xlim(0, 1.02)
            ax.set_ylim(0, 1.05)
            ax.set_xlabel("recall")
            ax.set_ylabel("precision")
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        return _svg(figure)


def distribution_plot(distributions: Sequence[Distribution]) -> str:
    """Each input over fraud and over good transactions, with the thresholds that rules have."""
    with _styled("distribution"):
        figure, axes = _grid(len(distributions))
        for ax, each in zip(axes, distributions, strict=True):
            for shares, colour, name in ((each.good, GOOD, "good"), (each.fraud, FRAUD, "fraud")):
                ax.stairs(shares, each.edges, color=colour, fill=True, alpha=0.35)
                ax.stairs(shares, each.edges, color=colour, linewidth=1.3, label=name)
            for _, value in each.thresholds:
                ax.axvline(value, color=MARK, linewidth=0.9, linestyle=(0, (2, 2)))
            _name(ax, each.title)
            if each.unit:
                ax.set_xlabel(each.unit)
            ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            ax.yaxis.set_major_locator(MaxNLocator(4))
            ax.xaxis.set_major_locator(MaxNLocator(6))
        _legend(figure, axes)
        return _svg(figure)


Point = tuple[float, float]
"""What a variant costs, and what it gains."""


class Frontier(NamedTuple):
    """Variants of a rule: those `beyond` the limits, those `within`, and the `line` of the best for each cost.

    `marks` are variants with a name. `names` say what is drawn to the right and upwards.
    """

    names: tuple[str, str]
    beyond: Sequence[Point]
    within: Sequence[Point]
    line: Sequence[Point]
    marks: Sequence[tuple[str, Point]]


class Course(NamedTuple):
    """How good each value of one param is, in the order of the `values`; `marks` are places of some, with a name."""

    param: str
    title: str
    values: Sequence[str]
    scores: Sequence[float]
    marks: Sequence[tuple[str, int]]


def frontier_plot(frontier: Frontier, course: Course | None) -> str:
    """What variants cost and gain, and beside it, where one param was varied, how good each of its values is."""
    with _styled("frontier"):
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        ax = figure.add_subplot(1, 1 if course is None else 2, 1)
        for points, colour, name in ((frontier.beyond, ALL, "beyond the limits"), (frontier.within, GOOD, "tried")):
            if points:
                ax.plot(*zip(*points, strict=True), "o", color=colour, ms=3.5, alpha=0.6, label=name)
        if frontier.line:
            ax.plot(*zip(*frontier.line, strict=True), color=GOOD, linewidth=1.4, label="frontier")
        for name, point in frontier.marks:
            _mark(ax, name, point)
        ax.set_xlabel(frontier.names[0])
        ax.set_ylabel(frontier.names[1])
        ax.xaxis.set_major_locator(MaxNLocator(5))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.legend(loc="lower right", fontsize=8)
        _name(ax, "what variants gain and cost")
        if course is not None:
            _draw_course(figure.add_subplot(1, 2, 2), course)
        return _svg(figure)


def _draw_course(ax: Axes, course: Course) -> None:
    """Down to as far below nothing as the best is above: what is far worse is cut off."""
    best, marked = max(course.scores), min(course.scores[at] for _, at in course.marks)
    low = max(min(course.scores), min(marked, 0.0) - abs(best))
    if low < best:
        ax.set_ylim(low - 0.05 * (best - low), best + 0.1 * (best - low))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    places = np.arange(len(course.values))
    ax.plot(places, course.scores, color=GOOD, linewidth=1.4, marker="o", ms=3)
    for name, at in course.marks:
        _mark(ax, name, (float(at), course.scores[at]))
    named = VALUES_NAMED if max(map(len, course.values)) <= SHORT else DAYS_NAMED
    ticks = np.unique(np.linspace(0, len(places) - 1, named).round()).astype(int)
    ax.set_xticks(ticks, [course.values[tick] for tick in ticks.tolist()])
    ax.set_xlabel(course.param)
    _name(ax, course.title)


def _mark(ax: Axes, name: str, point: Point) -> None:
    ax.plot(*point, "o", color=FRAUD if name == "chosen" else MARK, ms=6)
    above = name == "chosen"
    ax.annotate(name, point, xytext=(5, 7 if above else -12), textcoords="offset points", fontsize=8)


def _named(marks: Sequence[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """One name for marks so close that two would run into each other."""
    groups: dict[tuple[int, int], list[tuple[str, float, float]]] = {}
    for rule, precision, recall in marks:
        groups.setdefault((round(precision * NAMES_HIGH), round(recall * NAMES_WIDE)), []).append(
            (rule, precision, recall)
        )
    named = []
    for (rule, precision, recall), *others in groups.values():
        named.append((f"{rule} and {len(others)} more" if others else rule, precision, recall))
    return named


def overlap_plot(rules: Sequence[str], shares: Floats) -> str:
    """How much of the hits of each rule another one hits too."""
    side = 1.6 + 0.36 * len(rules)
    with _styled("overlap"):
        figure = Figure(figsize=(min(WIDTH, side + 3.0), min(WIDTH, side)), layout="constrained")
        ax = figure.add_subplot()
        ax.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1)
        ax.invert_yaxis()
        middles = np.arange(len(rules)) + 0.5
        ax.set_xticks(middles, list(rules), rotation=40, ha="right")
        ax.set_yticks(middles, list(rules))
        ax.tick_params(length=0, labelsize=8)
        ax.set_xlabel("are also hits of this rule")
        ax.set_ylabel("of the hits of this rule ...")
        for row in range(len(rules)):
            for column in range(len(rules)):
                share = float(shares[row, column])
                if row != column and share >= SHARE_SHOWN:
                    colour = "white" if share > 0.6 else "#1f2933"
                    ax.text(column + 0.5, row + 0.5, f"{share:.0%}", ha="center", va="center", fontsize=7, color=colour)
        return _svg(figure)


@contextmanager
def _styled(salt: str) -> Iterator[None]:
    """The style of all plots; ids inside an SVG are made from `salt`, so that several can be in one page."""
    with rc_context(
        {
            "svg.hashsalt": salt,
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 9.0,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#9aa8b8",
            "axes.titlesize": 9.5,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.labelcolor": "#52606d",
            "xtick.color": "#52606d",
            "ytick.color": "#52606d",
            "text.color": "#1f2933",
            "legend.frameon": False,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
        }
    ):
        yield


def _grid(count: int) -> tuple[Figure, list[Axes]]:
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, COLUMNS, number + 1) for number in range(count)]


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all, above them."""
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names), fontsize=8)


def _day(day: int) -> str:
    """A day counted from 1970-01-01, like `31 Jan`."""
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).strftime("%d %b")


def _name(ax: Axes, title: str) -> None:
    ax.set_title(title if len(title) <= TITLE_MAX else f"{title[: TITLE_MAX - 3]}...")


def _svg(figure: Figure) -> str:
    """The figure as an `svg` element without a declaration around it, as wide as the page lets it."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
