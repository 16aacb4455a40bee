"""Missed fraud: which threshold on a single input would catch most of what the live rules let through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rules import Input, Literal, Pack
from rules.fields import STORED_FIELDS
from rules.literals import UNITS_MS, number_problem, written
from rules.scopes import SCORE_PARTS, feature_input, score_input
from rules.shapes import NAME
from rules.syntax import CARRIED, inputs_of
from schemas import EXPONENTS
from workbench.curves import values_of
from workbench.evaluation import Places, title_of
from workbench.feature_table import silent_features
from workbench.measurement import View

DIGITS_MAX = 17
"""So many digits tell any two floats apart."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition on one input, for these types of event: it is at least `least`, or at most; or it is, or is not, so.

    `upward`: at least, or is so. `value` is None for an input that is true or false.
    """

    read: Input
    upward: bool
    value: Literal | None
    events: tuple[str, ...]

    @property
    def condition(self) -> str:
        """As a rule says it, whose param is `least` or `most`."""
        name = title_of(self.read)
        if self.value is None:
            return name if self.upward else f"not {name}"
        return f"{name} >= params.least" if self.upward else f"{name} <= params.most"

    def text(self, currency: str) -> str:
        """The same with the value in it."""
        value = "" if self.value is None else written(self.value, currency)
        return self.condition.replace("params.least", value).replace("params.most", value)


def inputs_to_try(view: View) -> list[Input]:
    """All fields, features and scores with a value that can be compared, and what else rules read, in this order.

    Features of sequences are left out: no condition can name them.
    """
    pack, table = view.evaluation.pack, view.table
    silent = silent_features(pack, table)
    named = [name for name in pack.features if NAME.fullmatch(name) and name not in silent]
    features = [feature_input(pack.features[name]) for name in named]
    scores = [score_input(name, part) for name in pack.detectors for part in SCORE_PARTS]
    fields = [each.input for name, each in STORED_FIELDS.items() if name in table.account.fields]
    carried = [read for rule in pack.rules for read in inputs_of(rule.when.tree) if read.kind in CARRIED]
    every = dict.fromkeys((*fields, *features, *scores, *carried))
    return [read for read in every if read.type != "text" and table.series(read) is not None]


class Ground:
    """The events of a view that the live rules let through: there a threshold catches what is missed.

    Fraud and good transactions of the types `events` are looked at.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._let = view.evaluation.actions == 0
        self._types = view.table.events["field.type"]
        known = view.truth.fraud | view.truth.good
        self.events = tuple(sorted(self._types.filter(known).unique().to_list()))

    @cached_property
    def missed(self) -> Places:
        """Where fraud was let through."""
        return np.flatnonzero(self._let & self.view.truth.fraud)

    def events_with(self, read: Input) -> tuple[str, ...]:
        """The types of event that can have a value for the input."""
        needed = [read.name] if read.kind == "field" else []
        if read.kind == "feature":
            needed = list(self.view.evaluation.pack.features[read.name].by)
        return tuple(name for name in self.events if all(name in STORED_FIELDS[each].events for each in needed))

    def caught(self, threshold: Threshold) -> Places:
        """Where the threshold hits what the live rules let through."""
        values, known = values_of(self.view, threshold.read)
        limit = 1.0 if threshold.upward else 0.0
        if threshold.value is not None and not isinstance(threshold.value.value, str):
            limit = float(threshold.value.value)
        hit = values >= limit if threshold.upward else values <= limit
        return np.flatnonzero(hit & known & self._let & self._among(threshold.events))

    def best(self, read: Input, *, upward: bool) -> Threshold | None:
        """The threshold that catches the most money of missed fraud net of good money; None where none gains any.

        It divides the events that have a value. Of equally good ones it is the strictest, and its value the shortest
        one that divides them alike.
        """
        events = self.events_with(read)
        values, known = values_of(self.view, read)
        truth = self.view.truth
        pool = np.flatnonzero(known & self._let & (truth.fraud | truth.good) & self._among(events))
        order = np.argsort(-values[pool] if upward else values[pool], kind="stable")
        ordered, pool = values[pool][order], pool[order]
        ends = np.flatnonzero(np.diff(ordered))
        if not len(ends):
            return None
        money = self.view.amount_minor[pool]
        net = np.cumsum(np.where(truth.fraud[pool], money, -money))[ends]
        at = int(np.argmax(net))
        if net[at] <= 0:
            return None
        inner, outer = float(ordered[ends[at]]), float(ordered[ends[at] + 1])
        return Threshold(read, upward, _literal(read, inner, outer, self.view.evaluation.pack), events)

    def _among(self, events: Sequence[str]) -> NDArray[np.bool_]:
        return self._types.is_in(list(events)).to_numpy()


def _literal(read: Input, inner: float, outer: float, pack: Pack) -> Literal | None:
    """A short value from the last one that is caught, `inner`, to before the first that is not."""
    match read.type:
        case "bool":
            return None
        case "duration":
            return Literal(_round_duration(round(inner), round(outer)), "duration")
        case "money":
            unit = 10 ** EXPONENTS[pack.currency]
            value = shortest(inner / unit, outer / unit) * unit
            return Literal(int(value.to_integral_value(ROUND_FLOOR if inner > outer else ROUND_CEILING)), "money")
    value = shortest(inner, outer)
    whole = value == value.to_integral_value() and number_problem(int(value)) is None
    return Literal(int(value) if whole else float(value), "number")


def shortest(inner: float, outer: float) -> Decimal:
    """The decimal with the fewest digits from `inner` to before `outer`."""
    last = Decimal(repr(inner))
    for value in _rounded(last, ROUND_FLOOR if inner > outer else ROUND_CEILING):
        if (float(value) > outer) if inner > outer else (float(value) < outer):
            return value
    return last


def _rounded(value: Decimal, rounding: str) -> Iterator[Decimal]:
    """A decimal with ever more of its digits, from none on."""
    first = value.quantize(Decimal(1).scaleb(value.adjusted() + 1), rounding)
    yield Decimal(0) if first == 0 else first
    for digits in range(DIGITS_MAX):
        yield value.quantize(Decimal(1).scaleb(value.adjusted() - digits), rounding)


def _round_duration(inner_ms: int, outer_ms: int) -> int:
    """The duration in the largest unit from `inner_ms` to before `outer_ms`."""
    for unit in ("d", "h", "m", "s"):
        size = UNITS_MS[unit]
        if inner_ms > outer_ms and inner_ms // size * size > outer_ms:
            return inner_ms // size * size
        if inner_ms < outer_ms and -(-inner_ms // size) * size < outer_ms:
            return -(-inner_ms // size) * size
    return inner_ms
