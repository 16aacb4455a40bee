"""Intervals of numbers: what a number computed from others can be, and what a comparison leaves of it.

Bounds are what the evaluators compute with: integers exactly, everything else in float64, where every operation is
monotone. An infinite bound means that there is none.
"""

import math
from typing import NamedTuple

from rules.bounds import INTEGER_MAX
from rules.syntax import Function, Operator

Number = int | float


class Interval(NamedTuple):
    """All numbers from `low` to `high`, both included."""

    low: Number
    high: Number

    def meet(self, other: "Interval") -> "Interval":
        """What both have in common; empty where `low` is above `high`."""
        return Interval(max(self.low, other.low), min(self.high, other.high))

    @property
    def is_empty(self) -> bool:
        return self.low > self.high


ANY = Interval(-math.inf, math.inf)
NOT_NEGATIVE = Interval(0, math.inf)
_SMALLEST = math.ulp(0.0)


def floats(interval: Interval) -> Interval:
    """The interval with its integers brought to float64."""
    return Interval(float(interval.low), float(interval.high))


def computed(operator: Operator, left: Interval, right: Interval, whole_divisor: bool) -> Interval:
    """What the operation can give where it gives something: a division by zero gives nothing."""
    (a, b), (c, d) = floats(left), floats(right)
    match operator:
        case "+":
            return _hull(a + c, b + d)
        case "-":
            return _hull(a - d, b - c)
        case "*":
            return _hull(*(_corner(x * y) for x in (a, b) for y in (c, d)))
    if c < 0.0 < d:
        return ANY
    least = 1.0 if whole_divisor else _SMALLEST
    c, d = least if c == 0.0 else c, -least if d == 0.0 else d
    return ANY if c == 0.0 or d == 0.0 or c > d else _hull(*(_corner(x / y) for x in (a, b) for y in (c, d)))


def _corner(value: float) -> float:
    """Infinite bounds are never reached, so that zero times one, or one by another, is 0 and no bound."""
    return 0.0 if math.isnan(value) else value


def _hull(*values: float) -> Interval:
    return ANY if any(map(math.isnan, values)) else Interval(min(values), max(values))


def called(function: Function, arguments: list[Interval], whole: bool) -> Interval:
    """What `min`, `max`, `abs` or `round` of numbers can give."""
    given = arguments if whole else [floats(each) for each in arguments]
    match function:
        case "min":
            return Interval(min(each.low for each in given), min(each.high for each in given))
        case "max":
            return Interval(max(each.low for each in given), max(each.high for each in given))
        case "abs":
            low, high = given[0]
            least = 0 if low <= 0 <= high else min(abs(low), abs(high))
            return Interval(least, max(abs(low), abs(high)))
    return Interval(*(each if math.isinf(each) else float(round(each)) for each in given[0]))


def most_under(bound: Number, strictly: bool, whole: bool, bound_whole: bool) -> Number:
    """The largest number below `bound`, or up to it: an integer if `whole`; infinity where that cannot be said.

    An integer and a fraction are compared in float64, which cannot tell integers from 2^53 on apart.
    """
    if math.isinf(bound):
        return bound
    if whole == bound_whole and whole:
        return bound - 1 if strictly else bound
    if abs(bound) >= INTEGER_MAX:
        return math.inf if whole != bound_whole else bound
    if whole:
        return math.ceil(bound) - 1 if strictly else math.floor(bound)
    return math.nextafter(float(bound), -math.inf) if strictly else float(bound)


def least_over(bound: Number, strictly: bool, whole: bool, bound_whole: bool) -> Number:
    """The smallest number above `bound`, or from it on, as `most_under`."""
    return -most_under(-bound, strictly, whole, bound_whole)
