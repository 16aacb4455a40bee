"""From a pack's features to windows: which aggregates, which events enter them, and what the windows answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules import Condition, Pack
from schemas import STRUCTS
from windows import Aggregate, Plan, plan_of

VALUE_FIELDS = ("amount", "quantity")
"""The fields that windows keep as numbers; they keep the ids of all others."""

TYPE_CODES: dict[str, int] = {name: code for code, name in enumerate(STRUCTS)}
"""A small number for each type of event, for tables over the types."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events enter a window: those of these types that pass the condition, if there is one."""

    events: frozenset[str]
    where: Condition | None


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """The windows' plan for a pack. `names` are its features in the order of the plan's aggregates."""

    plan: Plan
    names: tuple[str, ...]
    filters: tuple[Filter, ...]

    @property
    def guarded(self) -> tuple[tuple[int, Condition], ...]:
        """The filters that have a condition, with their number."""
        return tuple((number, each.where) for number, each in enumerate(self.filters) if each.where is not None)

    def bits_of_types(self) -> NDArray[np.uint64]:
        """For each code of TYPE_CODES, a word with the bit of every filter that takes the type."""
        bits = [
            sum(1 << number for number, each in enumerate(self.filters) if name in each.events) for name in TYPE_CODES
        ]
        return np.array(bits, dtype=np.uint64)


def feature_plan(pack: Pack) -> FeaturePlan:
    """The plan for all features of the pack, read by a rule or not."""
    names = tuple(pack.features)
    filters = list(dict.fromkeys(Filter(pack.features[name].events, pack.features[name].where) for name in names))
    return FeaturePlan(
        plan_of([_aggregate(pack, name, filters) for name in names], VALUE_FIELDS), names, tuple(filters)
    )


def _aggregate(pack: Pack, name: str, filters: Sequence[Filter]) -> Aggregate:
    feature = pack.features[name]
    return Aggregate(
        kind=feature.aggregate,
        by=feature.by,
        over_ms=feature.over_ms,
        of=feature.field,
        delay_ms=feature.delay_ms,
        filter=filters.index(Filter(feature.events, feature.where)),
    )


def type_table(judged: Iterable[frozenset[str]]) -> NDArray[np.bool_]:
    """A table [sets, types]: whether each set of types has the type of each code."""
    rows = [[name in events for name in TYPE_CODES] for events in judged]
    return np.array(rows, dtype=np.bool_).reshape(len(rows), len(TYPE_CODES))
