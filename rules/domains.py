"""What the inputs of conditions can be: bounds of fields, features and scores, and texts that never come."""

from collections.abc import Mapping
from dataclasses import dataclass

from rules.bounds import QUANTITY_MAX
from rules.fields import PLACE_FIELDS
from rules.intervals import ANY, NOT_NEGATIVE, Interval
from rules.models import Feature
from rules.syntax import CARRIED, Input
from schemas import AMOUNT_MAX, EXPONENTS

_NOT_NEGATIVE = ("count", "sum", "mean", "std", "distinct", "rate", "speed")
"""Aggregates of what is never negative."""

_OF_ITS_VALUES = ("first", "last", "min", "max", "median", "percentile")
"""Aggregates that lie between the least and the largest of the values that they are of."""

_HALF_ROUND_KM = 20_016
"""No place of a sphere with the earth's radius is further from another one, by half a kilometre."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What events of some types can bring: `events` are the types, `features` those of the pack.

    `rated` are the currencies other than the pack's that amounts are converted from.
    """

    currency: str
    events: frozenset[str]
    features: Mapping[str, Feature]
    rated: frozenset[str] = frozenset()

    @property
    def currencies(self) -> frozenset[str]:
        """Those of which an amount can be."""
        return self.rated | {self.currency}

    def interval(self, read: Input) -> Interval:
        """Bounds of a number, of money in minor units, or of a duration in milliseconds."""
        match read.kind:
            case "field":
                return self._field(read.name)
            case "score":
                return Interval(0.0, 1.0) if read.name.endswith(".quantile") else ANY
            case "feature":
                return self._feature(self.features[read.name])
        return ANY

    def _field(self, name: str) -> Interval:
        if name == "amount":
            return Interval(0, AMOUNT_MAX * 10 ** EXPONENTS[self.currency])
        if name in PLACE_FIELDS:
            return Interval(-PLACE_FIELDS[name], PLACE_FIELDS[name])
        return Interval(0, QUANTITY_MAX) if name == "quantity" else ANY

    def _feature(self, feature: Feature) -> Interval:
        match feature.aggregate:
            case "age" | "gap":
                return Interval(0, feature.over_ms - 1)
            case "distinct" if feature.field in feature.by:
                return Interval(0, 1)
            case "top_share":
                return Interval(0, 1)
            case "distance":
                return Interval(0, _HALF_ROUND_KM)
            case aggregate if aggregate in _OF_ITS_VALUES and feature.field is not None:
                return self._field(feature.field)
        return NOT_NEGATIVE if feature.aggregate in _NOT_NEGATIVE else ANY

    def texts(self, read: Input) -> frozenset[str] | None:
        """The only texts that can come, where they are known."""
        return self.events if read.kind == "field" and read.name == "type" else None

    def excluded(self, read: Input) -> frozenset[str]:
        """Texts that never come: an empty field is refused, and what is carried along may be anything."""
        return frozenset() if read.kind in CARRIED else frozenset(("",))
