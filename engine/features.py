"""From a pack's features to windows: which aggregates, which events enter them, and what the windows answer."""

import hashlib
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.tables import FeatureForms
from rules import Condition, Feature, Pack
from rules.syntax import Node
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

    def forms(self, read: Set[str]) -> FeatureForms:
        """How the features that anybody reads are to be read."""
        plan = self.plan
        numbers = {name: number for number, name in enumerate(self.names)}
        wanted = {numbers[name] for name in read}
        return FeatureForms(
            numbers,
            floats=frozenset(wanted.intersection(plan.floats)),
            truths=frozenset(number for number in wanted if plan.aggregates[number].kind == "is_new"),
            texts={number: field for number, field in plan.texts.items() if number in wanted},
        )

    def bits_of_types(self) -> NDArray[np.uint64]:
        """For each code of TYPE_CODES, a word with the bit of every filter that takes the type."""
        bits = [
            sum(1 << number for number, each in enumerate(self.filters) if name in each.events) for name in TYPE_CODES
        ]
        return np.array(bits, dtype=np.uint64)


def feature_plan(pack: Pack) -> FeaturePlan:
    """The plan for all features of the pack, read by a rule or not."""
    filters: dict[tuple[frozenset[str], Node | None], Filter] = {}
    for feature in pack.features.values():
        filters.setdefault(_key_of(feature), Filter(feature.events, feature.where))
    numbers = {key: number for number, key in enumerate(filters)}
    aggregates = [_aggregate(feature, numbers[_key_of(feature)]) for feature in pack.features.values()]
    return FeaturePlan(plan_of(aggregates, VALUE_FIELDS), tuple(pack.features), tuple(filters.values()))


def signature_of(pack: Pack) -> str:
    """16 hexadecimal digits of what an engine must have in common with another one to take over its records.

    These are the columns that windows read, which events enter them, how far they reach back, and the detectors. Rules
    and their thresholds may differ, and so may windows that read no other columns.
    """
    features = feature_plan(pack)
    plan = features.plan
    filters = [
        (sorted(each.events), None if each.where is None else repr(each.where.tree)) for each in features.filters
    ]
    detectors = [
        (name, spec.kind, spec.by, spec.of, sorted(spec.options.items())) for name, spec in pack.detectors.items()
    ]
    common = (plan.ids, plan.values, sorted(set(plan.texts.values())), plan.reach_ms, pack.timing, filters, detectors)
    return hashlib.sha256(repr(common).encode()).hexdigest()[:16]


def _key_of(feature: Feature) -> tuple[frozenset[str], Node | None]:
    """What makes a filter: conditions that mean the same are one, however they are written."""
    return feature.events, None if feature.where is None else feature.where.tree


def _aggregate(feature: Feature, number: int) -> Aggregate:
    return Aggregate(
        kind=feature.aggregate,
        by=feature.by,
        over_ms=feature.over_ms,
        of=feature.field,
        delay_ms=feature.delay_ms,
        filter=number,
    )
