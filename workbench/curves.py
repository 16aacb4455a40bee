"""Curves: what the plots of a backtest show, as plain numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules import Input, Literal
from rules.syntax import Compare, Comparison, Node, Read, walk
from schemas import EXPONENTS
from workbench.evaluation import Outcome, title_of
from workbench.feature_table import silent_features
from workbench.measurement import View

POINTS_MAX = 300
"""So many points of a curve are drawn."""

BINS = 40
HOUR_MS = 3_600_000

Floats = NDArray[np.float64]

_TURNED: dict[Comparison, Comparison] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_UPWARD = (">", ">=")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A rule compares an input with a number: `value` is in the input's own unit."""

    rule: str
    read: Input
    operator: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """Precision and recall of a rule that would ask for one input alone, for every threshold, from the strictest on.

    `marks` are the thresholds that rules have, as (rule, precision, recall). Recall is of the mature fraud that has a
    value. `upward`: large values are taken for suspicious.
    """

    title: str
    upward: bool
    precision: Floats
    recall: Floats
    base: float
    marks: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How an input is distributed over fraud and over good transactions: shares by bin, which sum up to 1.

    `edges` are those of the bins, in `unit`; the last bin holds all beyond, too. `thresholds` are what rules ask for.
    """

    title: str
    unit: str
    edges: Floats
    fraud: Floats
    good: Floats
    thresholds: tuple[tuple[str, float], ...]


def thresholds_of(view: View) -> dict[Input, list[Threshold]]:
    """What the pack's rules compare with a number, in the pack's order; without features that say nothing."""
    pack = view.evaluation.pack
    silent = silent_features(pack, view.table)
    found: dict[Input, list[Threshold]] = {}
    for rule in pack.rules:
        for threshold in _compared(rule.id, rule.when.tree):
            if threshold.read.kind == "feature" and threshold.read.name in silent:
                continue
            found.setdefault(threshold.read, []).append(threshold)
    return found


def _compared(rule: str, tree: Node) -> Iterator[Threshold]:
    for node in walk(tree):
        match node:
            case Compare(operator=operator, left=Read(input=read), right=Literal(value=value)):
                pass
            case Compare(operator=operator, left=Literal(value=value), right=Read(input=read)):
                operator = _TURNED.get(operator, operator)
            case _:
                continue
        if operator in _TURNED and read.type != "bool" and isinstance(value, int | float):
            yield Threshold(rule, read, operator, float(value))


def tradeoff_of(view: View, thresholds: Sequence[Threshold]) -> Tradeoff | None:
    """The tradeoff of one input, whose thresholds these are; None where no mature fraud has a value."""
    read = thresholds[0].read
    values, known = values_of(view, read)
    upward = thresholds[0].operator in _UPWARD
    fraud, good = view.truth.fraud & known, view.truth.good & known
    mature = fraud | good
    keys, is_fraud = values[mature] * (-1 if upward else 1), fraud[mature]
    total = int(np.count_nonzero(is_fraud))
    if total == 0:
        return None
    order = np.argsort(keys, kind="stable")
    keys, caught = keys[order], np.cumsum(is_fraud[order])
    ends = np.append(np.flatnonzero(np.diff(keys)), len(keys) - 1)
    precision, recall = caught[ends] / (ends + 1), caught[ends] / total
    drawn = np.unique(np.searchsorted(recall, np.linspace(0, 1, POINTS_MAX)).clip(max=len(ends) - 1))
    marks = []
    for each in thresholds:
        if (each.operator in _UPWARD) != upward:
            continue
        limit = -each.value if upward else each.value
        count = int(np.searchsorted(keys, limit, side="right" if each.operator in (">=", "<=") else "left"))
        if count:
            marks.append((each.rule, float(caught[count - 1] / count), float(caught[count - 1] / total)))
    return Tradeoff(
        title_of(read), upward, precision[drawn], recall[drawn], total / len(keys), tuple(dict.fromkeys(marks))
    )


def distribution_of(view: View, read: Input, thresholds: Sequence[Threshold]) -> Distribution | None:
    """The distribution of one input; None where fraud or good transactions have no value."""
    values, known = values_of(view, read)
    unit, scale = _unit(view, read)
    fraud, good = values[view.truth.fraud & known] * scale, values[view.truth.good & known] * scale
    if not len(fraud) or not len(good):
        return None
    marks = tuple(dict.fromkeys((each.rule, each.value * scale) for each in thresholds))
    low = min(float(fraud.min()), float(good.min()))
    high = max(float(np.quantile(fraud, 0.99)), float(np.quantile(good, 0.99)), *(value for _, value in marks))
    edges = _edges(low, high, whole=read.whole and scale == 1)
    shares = [np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] / len(side) for side in (fraud, good)]
    return Distribution(title_of(read), unit, edges, shares[0], shares[1], marks)


def _edges(low: float, high: float, *, whole: bool) -> Floats:
    if whole and high - low < BINS:
        return np.arange(np.floor(low), np.ceil(high) + 2, dtype=np.float64) - 0.5
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def values_of(view: View, read: Input) -> tuple[Floats, NDArray[np.bool_]]:
    """The values of an input as floats, and where there are any."""
    series = view.table.series(read)
    if series is None:
        return np.zeros(len(view.table)), np.zeros(len(view.table), dtype=np.bool_)
    return series.cast(float).fill_null(0.0).to_numpy(), series.is_not_null().to_numpy()


def _unit(view: View, read: Input) -> tuple[str, float]:
    """The unit that people read an input in, and what its own is of that."""
    currency = view.evaluation.pack.currency
    match read.type:
        case "money":
            return currency, 10.0 ** -EXPONENTS[currency]
        case "duration":
            return "hours", 1 / HOUR_MS
    return "", 1.0


def overlap_of(outcomes: Sequence[Outcome], count: int) -> Floats:
    """How much of the hits of each rule (row) each other (column) has, float64[rules, rules], among `count` events."""
    shares = np.zeros((len(outcomes), len(outcomes)))
    for row, outcome in enumerate(outcomes):
        own = np.zeros(count, dtype=np.bool_)
        own[outcome.hits] = True
        for column, other in enumerate(outcomes):
            shares[column, row] = np.count_nonzero(own[other.hits]) / max(1, len(other.hits))
    return shares
