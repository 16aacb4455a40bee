"""Ranges: how a condition can come out while one of its values ranges over an interval, and all others stay.

What is said is never too little: a way for a condition to come out that is not named is impossible. Where the interval
is one value it may still be too much; the compiled condition says exactly.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from rules.intervals import Interval, called, computed, floats
from rules.syntax import (
    Arithmetic,
    Before,
    Call,
    Compare,
    Has,
    InList,
    Input,
    InTuples,
    Junction,
    Literal,
    Negate,
    Node,
    Not,
    OneOf,
    Read,
    Value,
)

Outcomes = frozenset[bool | None]
"""How a condition may come out: true, false, or None for missing."""

_MISSING: Outcomes = frozenset((None,))
_UNSURE: Outcomes = frozenset((True, False))
_SURE: Mapping[bool, Outcomes] = {True: frozenset((True,)), False: frozenset((False,))}


class Numbers(NamedTuple):
    """What a number can be; None where it is missing for sure. `may_miss`: it can be missing as well."""

    interval: Interval | None
    may_miss: bool


class Ranges:
    """One event's values, of which that of `ranging` is anything in `interval`.

    `ranging` is an input, or the name of a param of the condition's rule. `lists` has the texts that each list holds
    now; `moment_ms` is as of when the event is judged.
    """

    def __init__(
        self,
        values: Mapping[Input, Value | None],
        lists: Mapping[str, Mapping[str, int]],
        moment_ms: int,
        ranging: Input | str,
        interval: Interval,
    ) -> None:
        self._values = values
        self._lists = lists
        self._moment_ms = moment_ms
        self._ranging = ranging
        self._interval = interval

    def outcomes(self, node: Node) -> Outcomes:
        """How a condition may come out."""
        match node:
            case Literal():
                return _SURE[bool(node.value)]
            case Read():
                value = self._values.get(node.input)
                return _MISSING if value is None else _SURE[bool(value)]
            case Has():
                return _SURE[node.input == self._ranging or self._values.get(node.input) is not None]
            case Not():
                return frozenset(None if each is None else not each for each in self.outcomes(node.operand))
            case Junction():
                return self._junction(node)
            case Compare():
                return self._compared(node)
            case OneOf():
                text = self._text(node.operand)
                return _MISSING if text is None else _SURE[text in node.options]
            case InList():
                return self._listed(node)
            case InTuples():
                return self._in_tuples(node)
            case Before():
                return _SURE[self._moment_ms < node.moment_ms]
            case Call():
                return self._begun_or_ended(node)
        raise ValueError(f"expected a condition, got {type(node).__name__}")

    def _junction(self, node: Junction) -> Outcomes:
        """One operand decides by being true in an `or`, or false in an `and`; all others must let it."""
        each = [self.outcomes(operand) for operand in node.operands]
        deciding = node.word == "or"
        letting = not deciding
        found: set[bool | None] = set()
        if any(deciding in one for one in each):
            found.add(deciding)
        if all(letting in one for one in each):
            found.add(letting)
        if any(None in one for one in each) and all(one - {deciding} for one in each):
            found.add(None)
        return frozenset(found)

    def _compared(self, node: Compare) -> Outcomes:
        if node.left.type == "bool":
            pairs = [(one, other) for one in self.outcomes(node.left) for other in self.outcomes(node.right)]
            return frozenset(
                None if None in pair else (pair[0] == pair[1]) == (node.operator == "==") for pair in pairs
            )
        if node.left.type == "text":
            one, other = self._text(node.left), self._text(node.right)
            return _MISSING if one is None or other is None else _SURE[(one == other) == (node.operator == "==")]
        left, right = self._numbers(node.left), self._numbers(node.right)
        if left.interval is None or right.interval is None:
            return _MISSING
        mixed = node.left.whole != node.right.whole
        sides = [floats(each) if mixed else each for each in (left.interval, right.interval)]
        found = _ordered(node.operator, *sides)
        return found | _MISSING if left.may_miss or right.may_miss else found

    def _begun_or_ended(self, node: Call) -> Outcomes:
        """`startswith` or `endswith`."""
        text, part = map(self._text, node.arguments)
        if text is None or part is None:
            return _MISSING
        return _SURE[text.startswith(part) if node.function == "startswith" else text.endswith(part)]

    def _listed(self, node: InList) -> Outcomes:
        text, entries = self._text(node.operand), self._lists.get(node.list.name)
        if text is None or entries is None:
            return _MISSING
        return _SURE[entries.get(text, -1) > self._moment_ms]

    def _in_tuples(self, node: InTuples) -> Outcomes:
        if self._ranging not in node.fields:
            return _SURE[tuple(self._values.get(read) for read in node.fields) in node.tuples]
        place = node.fields.index(self._ranging)
        others = [self._values.get(read) for read in node.fields]
        low, high = self._interval
        fitting = [
            each[place]
            for each in node.tuples
            if [*each[:place], *each[place + 1 :]] == [*others[:place], *others[place + 1 :]]
        ]
        inside = [value for value in fitting if isinstance(value, int | float) and low <= value <= high]
        if not inside:
            return _SURE[False]
        return _SURE[True] if low == high else _UNSURE

    def _text(self, node: Node) -> str | None:
        match node:
            case Literal():
                return str(node.value)
            case Read():
                value = self._values.get(node.input)
                return None if value is None else str(value)
            case Call():
                text = self._text(node.arguments[0])
                return None if text is None else text.lower()
        raise ValueError(f"expected a text, got {type(node).__name__}")

    def _numbers(self, node: Node) -> Numbers:
        match node:
            case Literal(value=int() | float() as value):
                return self._ranged() if node.param == self._ranging else Numbers(Interval(value, value), False)
            case Read():
                return self._read(node)
            case Negate():
                operand = self._numbers(node.operand)
                if operand.interval is None:
                    return operand
                low, high = floats(operand.interval)
                return Numbers(Interval(-high, -low), operand.may_miss)
            case Arithmetic():
                return self._computed(node)
            case Call(function="len"):
                text = self._text(node.arguments[0])
                return Numbers(None, True) if text is None else Numbers(Interval(len(text), len(text)), False)
            case Call():
                return self._called(node)
        raise ValueError(f"expected a number, got {type(node).__name__}")

    def _ranged(self) -> Numbers:
        return Numbers(self._interval, False)

    def _read(self, node: Read) -> Numbers:
        if node.input == self._ranging:
            return self._ranged()
        value = self._values.get(node.input)
        if not isinstance(value, int | float):
            return Numbers(None, True)
        return Numbers(Interval(value, value), False)

    def _computed(self, node: Arithmetic) -> Numbers:
        left, right = self._numbers(node.left), self._numbers(node.right)
        if left.interval is None or right.interval is None:
            return Numbers(None, True)
        divided_by_zero = node.operator == "/" and right.interval.low <= 0 <= right.interval.high
        found = computed(node.operator, left.interval, right.interval, node.right.whole)
        endless = math.isinf(found.low) or math.isinf(found.high)
        return Numbers(found, left.may_miss or right.may_miss or divided_by_zero or endless)

    def _called(self, node: Call) -> Numbers:
        arguments = [self._numbers(each) for each in node.arguments]
        intervals = [each.interval for each in arguments if each.interval is not None]
        if len(intervals) < len(arguments):
            return Numbers(None, True)
        return Numbers(called(node.function, intervals, node.whole), any(each.may_miss for each in arguments))


def _ordered(operator: str, left: Interval, right: Interval) -> Outcomes:
    """How a comparison of numbers can come out."""
    match operator:
        case "<" | ">=":
            holds, fails = left.low < right.high, left.high >= right.low
        case "<=" | ">":
            holds, fails = left.low <= right.high, left.high > right.low
        case _:
            holds = left.low <= right.high and right.low <= left.high
            fails = not (left.low == left.high == right.low == right.high)
    if operator in (">=", ">", "!="):
        holds, fails = fails, holds
    return frozenset(([True] if holds else []) + ([False] if fails else []))
