"""Tuning: a rule's params chosen on one period and measured on the next, as one document for people and programs.

Money is in major units of the pack's currency, as decimal text; times are epoch milliseconds. Params are as a pack
writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import msgspec
import numpy as np

from rules import Literal, Pack, Rule
from rules.findings import did_you_mean
from rules.literals import written
from schemas import major_text
from workbench.choices import OBJECTIVES, Limits, Objective, choice_of
from workbench.feature_table import Progress
from workbench.grids import Axis, Variant
from workbench.holdout import Part, Split
from workbench.measurement import Proportion, View, proportion
from workbench.rule_edits import broken_tests, edited
from workbench.variants import Counts, VariantError, sweep, varied

VERSION = 1
"""Of the document: raised when a field changes its meaning or goes."""


class TuningError(Exception):
    """A rule that cannot be tuned; the text says why."""


class Measured(msgspec.Struct, frozen=True):
    """What a variant does in one period: on its own, and `added` where it changes what the other live rules decide.

    `net_money` is `money_caught` less `good_money_stopped`. Figures of fraud and good are of mature transactions.
    `gain`, `cost` and `score` are what the objective makes of it: money, or counts.
    """

    hits: int
    alerts_a_day: float
    fraud: int
    good: int
    precision: Proportion | None
    recall: Proportion | None
    money_caught: str
    good_money_stopped: str
    net_money: str
    added_hits: int
    added_fraud: int
    added_good: int
    added_money_caught: str
    added_good_money_stopped: str
    added_net_money: str
    gain: str
    cost: str
    score: str


class Tried(msgspec.Struct, frozen=True):
    """One variant on the first period; `within` the limits, and on the `frontier` of those that are."""

    params: dict[str, str]
    measured: Measured
    within: bool
    frontier: bool


class Side(msgspec.Struct, frozen=True):
    """One variant on both periods; `within_last`: it keeps the limits in the period held out, too."""

    params: dict[str, str]
    first: Measured
    last: Measured
    within_last: bool


class Tuning(msgspec.Struct, frozen=True):
    """All that a tuning found. The rule as it is now is among the variants `tried`; the periods count what it judges.

    `grid` is how many variants the grid has, `seed` that of the draw where not all of them were tried. `max_good_money`
    is of the first period, or of a day if it ends in `/day`. In one of the periods no event has what is `unmeasured`.
    `chosen` is None where none is within the limits; `diff` is empty where the chosen one is the rule as it is. With
    it, the rule's tests named `broken` no longer hold. `at_end` are params whose chosen value is the least or the
    largest of those tried.
    """

    version: int
    pack: str
    data: str
    rule: str
    then: str
    mode: str
    currency: str
    objective: str
    max_alerts_a_day: float | None
    max_good_money: str | None
    first: Part
    last: Part
    grid: int
    seed: int | None
    now: Side
    chosen: Side | None
    tried: list[Tried]
    unmeasured: list[str]
    at_end: list[str]
    diff: str
    broken: list[str]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: which `variants` of the grid of `axes` to try for the rule, and what is wanted of them.

    `seed` is that of the draw, if they are not the whole grid; `data` says what the events are.
    """

    rule: Rule
    axes: tuple[Axis, ...]
    variants: Sequence[Variant]
    seed: int
    objective: str
    limits: Limits
    data: str


def rule_to_tune(pack: Pack, rule_id: str) -> Rule:
    """The rule with this id. Raises TuningError where there is none, or none that can be tuned."""
    rule = next((each for each in pack.rules if each.id == rule_id), None)
    if rule is None:
        ids = [each.id for each in pack.rules]
        raise TuningError(
            f"the pack has no rule `{rule_id}`: {did_you_mean(rule_id, ids) or f'it has {len(ids)} others'}"
        )
    if rule.absence is not None:
        raise TuningError(f"`{rule_id}` waits for what does not come: its waits are made with its params")
    if rule.then == "allow":
        raise TuningError(f"`{rule_id}` allows: what it hits is let through, and catches nothing")
    return rule


class _Trial:
    """The rule on one of the periods. `unmeasured` names what it reads and no event there has."""

    def __init__(self, view: View, rule: Rule, objective: Objective) -> None:
        self._view, self._objective = view, objective
        self._outcome = next(each for each in view.evaluation.outcomes if each.rule.id == rule.id)
        self._currency = view.evaluation.pack.currency
        self.unmeasured = self._outcome.unmeasured
        judged = view.judged_by(self._outcome)
        self._fraud = int(np.count_nonzero(view.truth.fraud & judged))
        self._good = int(np.count_nonzero(view.truth.good & judged))

    def counts(self, variants: Sequence[Mapping[str, Literal]], progress: Progress) -> list[Counts]:
        """What each of the variants does."""
        try:
            conditions = [varied(self._outcome.rule, params, self._currency) for params in variants]
        except VariantError as error:
            raise TuningError(str(error)) from error
        return sweep(self._view, self._outcome, conditions, progress)

    def check(self, counts: Sequence[Counts], period: str) -> None:
        """Raises TuningError where these counts say nothing of the rule."""
        rule = self._outcome.rule
        if not self._outcome.judges:
            kinds = ", ".join(sorted(rule.events))
            raise TuningError(f"`{rule.id}` judges none of the events in the {period}: it is about {kinds}")
        if self.unmeasured and not any(each.hits for each in counts):
            lacking = ", ".join(f"`{each}`" for each in self.unmeasured)
            raise TuningError(f"`{rule.id}` is UNMEASURED in the {period}: no event has {lacking}")

    def part(self) -> Part:
        view = self._view
        return Part(view.start_ms, view.end_ms, view.span_days, len(view.table), self._fraud, self._good)

    def measured(self, counts: Counts) -> Measured:
        added_net = counts.deciding_fraud_minor - counts.deciding_good_minor
        return Measured(
            hits=counts.hits,
            alerts_a_day=round(counts.hits / self._view.span_days, 3),
            fraud=counts.fraud,
            good=counts.good,
            precision=proportion(counts.fraud, counts.fraud + counts.good),
            recall=proportion(counts.fraud, self._fraud),
            money_caught=self._money(counts.fraud_minor),
            good_money_stopped=self._money(counts.good_minor),
            net_money=self._money(counts.fraud_minor - counts.good_minor),
            added_hits=counts.deciding,
            added_fraud=counts.deciding_fraud,
            added_good=counts.deciding_good,
            added_money_caught=self._money(counts.deciding_fraud_minor),
            added_good_money_stopped=self._money(counts.deciding_good_minor),
            added_net_money=self._money(added_net),
            gain=self._told(self._objective.gain(counts)),
            cost=self._told(self._objective.cost(counts)),
            score=self._told(self._objective.score(counts)),
        )

    def _told(self, figure: int) -> str:
        """A figure of the objective."""
        return self._money(figure) if self._objective.money else str(figure)

    def _money(self, minor: int) -> str:
        return major_text(minor, self._currency)


def tuning_of(split: Split, question: Question, progress: Progress) -> Tuning:
    """Tries the variants on the first period, chooses there, and measures the choice on the last one.

    Raises TuningError, and EditError where the pack's file cannot be edited.
    """
    pack, rule, limits = split.first.evaluation.pack, question.rule, question.limits
    objective, grid = OBJECTIVES[question.objective], prod(len(axis.values) for axis in question.axes)
    first, last = _Trial(split.first, rule, objective), _Trial(split.last, rule, objective)
    variants, now_at = _variants(question)
    counts = first.counts(variants, progress)
    first.check(counts, "first period")
    choice = choice_of(counts, now_at, split.first.span_days, objective, limits)
    changed = None if choice.best in (None, now_at) else choice.best
    texts = [{name: written(value, pack.currency) for name, value in each.items()} for each in variants]
    sides = [now_at] if choice.best is None else [now_at, choice.best]
    held_out = last.counts([variants[at] for at in sides], lambda _: None)
    last.check(held_out, "period held out")
    now, *chosen = [
        Side(texts[at], first.measured(counts[at]), last.measured(each), limits.keeps(each, split.last.span_days))
        for at, each in zip(sides, held_out, strict=True)
    ]
    frontier = frozenset(choice.frontier)
    edit = None if changed is None else edited(pack, rule.id, texts[changed])
    return Tuning(
        version=VERSION,
        pack=pack.version,
        data=question.data,
        rule=rule.id,
        then=rule.then,
        mode=rule.mode,
        currency=pack.currency,
        objective=question.objective,
        max_alerts_a_day=limits.alerts_a_day,
        max_good_money=_limit_text(limits, pack.currency),
        first=first.part(),
        last=last.part(),
        grid=grid,
        seed=question.seed if len(question.variants) < grid else None,
        now=now,
        chosen=chosen[0] if chosen else None,
        tried=[
            Tried(text, first.measured(each), choice.within[at], at in frontier)
            for at, (text, each) in enumerate(zip(texts, counts, strict=True))
        ],
        unmeasured=list(dict.fromkeys((*first.unmeasured, *last.unmeasured))),
        at_end=[] if changed is None else _at_end(question.axes, variants[changed]),
        diff="" if edit is None else edit.diff(),
        broken=[] if edit is None else [each.case.name for each in broken_tests(pack, edit, rule.id)],
    )


def _variants(question: Question) -> tuple[list[dict[str, Literal]], int]:
    """The variants to try and the place of the rule as it is among them; those of a single number by rising values."""
    names = [axis.param for axis in question.axes]
    now = tuple(question.rule.params[name] for name in names)
    variants = list(question.variants) if now in question.variants else [now, *question.variants]
    if len(names) == 1 and now[0].type not in ("text", "bool"):
        variants.sort(key=lambda each: each[0].value)
    return [dict(zip(names, each, strict=True)) for each in variants], variants.index(now)


def _at_end(axes: Sequence[Axis], chosen: Mapping[str, Literal]) -> list[str]:
    ends = []
    for axis in axes:
        values = [each.value for each in axis.values if not isinstance(each.value, str | bool)]
        if len(values) > 1 and chosen[axis.param].value in (min(values), max(values)):
            ends.append(axis.param)
    return ends


def _limit_text(limits: Limits, currency: str) -> str | None:
    if limits.good_minor is None:
        return None
    return major_text(limits.good_minor, currency) + ("/day" if limits.good_days == 1 else "")
