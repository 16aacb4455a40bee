"""Axes: the numbers that one value may be, in their order and without gaps."""

import math
import struct
from dataclasses import dataclass
from typing import Literal

from rules import Input, ValueType

Kind = Literal["field", "feature", "score", "attribute", "profile", "param", "list"]

WHOLE_MAX = 2**62
"""An integer without a bound goes up to this."""


@dataclass(frozen=True)
class Axis:
    """A number that a search moves along: from `low` to `high`, by integers if `whole`, else by every float."""

    kind: Kind
    name: str
    type: ValueType
    whole: bool
    old: int | float | None
    low: int | float
    high: int | float
    ranging: Input | str
    rules: frozenset[int]
    """The numbers of the rules whose condition reads it."""


class Line:
    """The values of an axis by numbers that follow each other: an integer is its own, a float has the place of its bits
    among all floats.
    """

    def __init__(self, axis: Axis) -> None:
        self._whole = axis.whole
        self._low, self._high = self._place(axis.low), self._place(axis.high)
        start = axis.old if axis.old is not None else axis.low if math.isfinite(axis.low) else 0
        self.start = self._place(start)

    def end(self, direction: int) -> int:
        """The last place of the axis."""
        return max(self._high, self.start) if direction > 0 else min(self._low, self.start)

    def value(self, place: int) -> int | float:
        return place if self._whole else _float_at(place)

    def _place(self, value: int | float) -> int:
        if self._whole:
            return int(value) if math.isfinite(value) else WHOLE_MAX if value > 0 else -WHOLE_MAX
        most = math.nextafter(math.inf, 0.0)
        return _place_of(min(max(float(value), -most), most))


def _place_of(value: float) -> int:
    """Floats in their order: neighbours have numbers that follow each other, and 0.0 is 0."""
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits + 2**63)


def _float_at(place: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", abs(place)))[0]
    return value if place >= 0 else -value
