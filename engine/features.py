"""From a pack's features to windows: which aggregates, which events enter them, and what the windows answer."""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.tables import FeatureForms
from engine.waits import WaitForm
from rules import Condition, Feature, Filter, Pack
from rules.models import FilterKey
from schemas import STRUCTS
from windows import Aggregate, Plan, plan_of

VALUE_FIELDS = ("amount", "quantity", "geo")
"""The fields that windows keep as numbers, `geo` as a packed place; they keep the ids of all others."""

TYPE_CODES: dict[str, int] = {name: code for code, name in enumerate(STRUCTS)}
"""A small number for each type of event, for tables over the types."""


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """The windows' plan for a pack. `names` are its features in the order of the plan's aggregates."""

    plan: Plan
    names: tuple[str, ...]
    filters: tuple[Filter, ...]
    waits: Mapping[str, WaitForm]
    """By rule: those whose last step is an absence."""

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
            truths=frozenset(number for number in wanted if plan.aggregates[number].kind in ("is_new", "sequence")),
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
    features = pack.features.values()
    absences = {rule.id: rule.absence for rule in pack.rules if rule.absence is not None}
    filters = {each.key: each for feature in features for each in feature.filters}
    numbers = {key: number for number, key in enumerate(filters)}
    aggregates = [_aggregate(feature, numbers) for feature in features]
    plan, names = plan_of(aggregates, VALUE_FIELDS), tuple(pack.features)
    waits = {
        rule: WaitForm(
            names.index(each.feature.name),
            tuple(map(plan.ids.index, each.feature.by)),
            numbers[each.start.key],
            each.within_ms,
        )
        for rule, each in absences.items()
    }
    return FeaturePlan(plan, names, tuple(filters.values()), waits)


def signature_of(pack: Pack) -> str:
    """16 hexadecimal digits of what an engine must have in common with another one to take over its records.

    These are the columns that windows read, which events enter them, how far they reach back, and the detectors. Rules
    and their thresholds may differ, and so may windows that read no other columns.
    """
    features = feature_plan(pack)
    plan = features.plan
    filters = [(sorted(each.events), None if each.tree is None else repr(each.tree)) for each in features.filters]
    detectors = [
        (name, spec.kind, spec.by, spec.of, sorted(spec.options.items())) for name, spec in pack.detectors.items()
    ]
    common = (plan.ids, plan.values, sorted(set(plan.texts.values())), plan.reach_ms, pack.timing, filters, detectors)
    return hashlib.sha256(repr(common).encode()).hexdigest()[:16]


def _aggregate(feature: Feature, numbers: Mapping[FilterKey, int]) -> Aggregate:
    return Aggregate(
        kind="percentile" if feature.aggregate == "median" else feature.aggregate,
        by=feature.by,
        over_ms=feature.over_ms,
        of=feature.field,
        delay_ms=feature.delay_ms,
        filter=0 if feature.steps else numbers[feature.filters[0].key],
        least=feature.min_events,
        against_ms=feature.against_ms,
        share=feature.share,
        steps=tuple(numbers[each.key] for each in feature.steps),
        unless=tuple(numbers[each.key] for each in feature.unless),
        ends=tuple(numbers[each.key] for each in feature.ends),
    )
