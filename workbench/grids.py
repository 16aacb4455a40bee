"""Grids: which values of a rule's params a sweep tries, as a command line names them.

`NAME=3..8` are all whole numbers from 3 to 8, `NAME=10m..1h/10m` durations by steps, `NAME=0.9,0.99` single values;
parts with commas between them are tried together. Values have the type of the rule's own; a bare number where that is
money is in the pack's currency.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from rules import Literal, Rule
from rules.findings import Ledger, did_you_mean, quoted
from rules.literals import literal, money_of, written
from rules.sources import Source
from rules.trees import Scalar

VALUES_MAX = 10_000
"""So many values of one param are tried at most."""

VARIANTS_MAX = 10_000
"""So many variants are tried at most."""

_SPEC = re.compile(r"([^=]+)=(.+)", re.DOTALL)
_STEP = re.compile(r"(?P<first>.+?)\.\.(?P<last>.+?)(?:/(?P<step>.+))?", re.DOTALL)


class GridError(Exception):
    """Values that cannot be tried; the text says why."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The different values of one param, in the order in which they are tried."""

    param: str
    values: tuple[Literal, ...]


Variant = tuple[Literal, ...]
"""A value for each axis."""


def axes_of(rule: Rule, specs: Sequence[str], currency: str) -> tuple[Axis, ...]:
    """The axes that `specs` such as `max_n=3..8` name, for params of the rule. Raises GridError."""
    axes = tuple(_axis(rule, spec, currency) for spec in specs)
    names = [axis.param for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise GridError(f"the param `{name}` is given twice: put its values into one, with commas between them")
    return axes


def _axis(rule: Rule, spec: str, currency: str) -> Axis:
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise GridError(f"expected a param and its values such as `max_n=3..8` or `max_n=3,5,8`, got {quoted(spec)}")
    name = found[1]
    if name not in rule.params:
        known = ", ".join(f"`{each}`" for each in rule.params) or "none"
        hint = did_you_mean(name, rule.params)
        raise GridError(f"the rule `{rule.id}` has no param `{name}`: {hint or f'it has {known}'}")
    reader = _Reader(name, rule.params[name], currency)
    values: dict[Literal, None] = {}
    for part in found[2].split(","):
        values |= dict.fromkeys(reader.part(part.strip()))
        if len(values) > VALUES_MAX:
            raise GridError(f"expected at most {VALUES_MAX:,} values of `{name}`, got more: take a larger step")
    return Axis(name, tuple(values))


class _Reader:
    """Reads values of one param, of the type that its `own` value has."""

    def __init__(self, name: str, own: Literal, currency: str) -> None:
        self._name, self._own, self._currency = name, own, currency

    def part(self, text: str) -> Sequence[Literal]:
        """The values of one part: a single one, or a range."""
        span = None if self._own.type in ("text", "bool") else _STEP.fullmatch(text)
        if span is None:
            return [self._value(text)]
        first, last = self._number(span["first"]), self._number(span["last"])
        if span["step"] is not None:
            step = self._number(span["step"])
        elif self._own.type == "number" and first == int(first) and last == int(last):
            step = Decimal(1)
        else:
            raise GridError(f"`{self._name}={text}` needs a step, such as `{text}/{self._step_like(first, last)}`")
        if step <= 0 or last < first:
            raise GridError(f"expected a range upwards by a step above 0 for `{self._name}`, got {quoted(text)}")
        count = int((last - first) // step) + 1
        if count > VALUES_MAX:
            raise GridError(
                f"expected at most {VALUES_MAX:,} values of `{self._name}`, got {count:,}: take larger steps"
            )
        return [self._literal(first + number * step) for number in range(count)]

    def _value(self, text: str) -> Literal:
        """A value in the type of the rule's own."""
        ledger = Ledger()
        style = '"' if self._own.type == "text" else ""
        found = literal(Scalar(text, style, Source("--param", text), 0, len(text)), self._currency, ledger)
        if found is None:
            raise GridError(f"`{self._name}`: {ledger.findings[0].message}")
        if self._own.type == "money" and found.type == "number" and not isinstance(found.value, str):
            minor = money_of(found.value, self._currency)
            found = found if minor is None else Literal(minor, "money")
        if found.type != self._own.type:
            own = written(self._own, self._currency)
            raise GridError(f"expected a {self._own.type} such as `{own}` for `{self._name}`, got {quoted(text)}")
        return found

    def _number(self, text: str) -> Decimal:
        """A value as a number in its own unit, exactly as written."""
        found = self._value(text.strip())
        return Decimal(text.strip()) if found.type == "number" else Decimal(found.value)

    def _literal(self, number: Decimal) -> Literal:
        whole = number == number.to_integral_value()
        return Literal(int(number) if whole else float(number), self._own.type)

    def _step_like(self, first: Decimal, last: Decimal) -> str:
        """A tenth of the range as an example of a step."""
        tenth = abs(last - first) / 10
        if self._own.type == "number":
            return f"{float(tenth):.3g}"
        return written(Literal(max(1, round(tenth)), self._own.type), self._currency)


def grid_of(axes: Sequence[Axis], count: int | None, seed: int) -> list[Variant]:
    """All combinations of the axes' values, the last axis changing first; or `count` different ones of them at random.

    Those are in the grid's order, too; `count` is at most VARIANTS_MAX. Raises GridError where there are too many.
    """
    total = prod(len(axis.values) for axis in axes)
    if count is None and total > VARIANTS_MAX:
        raise GridError(
            f"expected at most {VARIANTS_MAX:,} variants, got {total:,}: take larger steps, or `--random N` of them"
        )
    if count is None or count >= total:
        return [_variant(axes, number) for number in range(total)]
    draw, chosen = random.Random(seed), set[int]()
    while len(chosen) < count:
        chosen.add(draw.randrange(total))
    return [_variant(axes, number) for number in sorted(chosen)]


def _variant(axes: Sequence[Axis], number: int) -> Variant:
    values = []
    for axis in reversed(axes):
        number, at = divmod(number, len(axis.values))
        values.append(axis.values[at])
    return tuple(reversed(values))
