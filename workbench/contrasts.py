"""Differences: what a comparison of two packs found, as one document with a version, for people and programs.

Figures are given as in `workbench.reports`. The first pack is `before`, the second `after`.
"""

import msgspec
import numpy as np

from schemas import ACTIONS, major_text
from workbench.comparison import Cause, Comparison, Hit, Side, differences
from workbench.evaluation import Outcome, Places
from workbench.feature_table import Account
from workbench.measurement import Proportion
from workbench.reports import Decided, Labels, Period, decided_of, labels_of

VERSION = 1
"""Of the document: raised when a field changes its meaning or goes."""

CAUSES_MAX = 20
"""So many causes of each change are described: the most frequent ones."""

EXAMPLES_MAX = 5
"""So many events of each cause are named: the first ones."""


class PackSide(msgspec.Struct, frozen=True):
    """One of the packs: how it was `given`, its version, and what it decides. `account` is of the data as it read it.

    `caught` is the money of fraud that it does not allow, `good_stopped` that of good transactions.
    """

    given: str
    pack: str
    decisions: list[Decided]
    precision: Proportion | None
    recall: Proportion | None
    caught: str
    good_stopped: str
    account: Account


class Example(msgspec.Struct, frozen=True):
    """An event with another decision. `fraud` is None where that is not known, `amount` where it has none.

    `id` is its transaction id, or the id of an event that moves no money. `rules_before` and `rules_after` are all live
    rules that hit it.
    """

    id: str
    type: str
    timestamp_ms: int
    user_id: str
    amount: str | None
    fraud: bool | None
    rules_before: list[str]
    rules_after: list[str]


class Reason(msgspec.Struct, frozen=True):
    """Events with another decision because `lost` hits count no more and `gained` ones do.

    Both are empty where a pack judges no such events, or gives one that came again no decision of its own.
    """

    lost: list[Hit]
    gained: list[Hit]
    events: int
    fraud: int
    good: int
    examples: list[Example]


class Turn(msgspec.Struct, frozen=True):
    """Events whose decision goes from one action to another; `none` is no decision.

    `money` is theirs in the packs' currency, `fraud_money` and `good_money` that of those known to be fraud or good.
    `reasons` are the most frequent of `reasons_total`. `trend` counts the events by day of the period, `fraud_trend`
    those of fraud.
    """

    before: str
    after: str
    events: int
    users: int
    fraud: int
    good: int
    young: int
    money: str
    fraud_money: str
    good_money: str
    trend: list[int]
    fraud_trend: list[int]
    reasons_total: int
    reasons: list[Reason]


class RuleSide(msgspec.Struct, frozen=True):
    """A rule in one of the packs; `hits` is None where nothing of what it reads was measured."""

    mode: str
    then: str
    hits: int | None


class Flow(msgspec.Struct, frozen=True):
    """Hits that come or go: events, and of them fraud and good, with their money."""

    events: int
    fraud: int
    good: int
    fraud_money: str
    good_money: str


class RuleDifference(msgspec.Struct, frozen=True):
    """A rule in both packs, whatever its mode; a side is None where that pack does not have it.

    `changed` says what is different about it, see `comparison.differences`. `come` are hits that only the second pack
    has, `go` those that only the first one has; both are None where a side was not measured, as rules are not
    that wait for what does not come. A rule that a pack does not have hits nothing in it.
    """

    rule: str
    before: RuleSide | None
    after: RuleSide | None
    changed: list[str]
    come: Flow | None
    go: Flow | None


class Difference(msgspec.Struct, frozen=True):
    """A whole comparison. `changed` events of `users` have another decision; `waiting` rules are not compared."""

    version: int
    data: str
    currency: str
    period: Period
    labels: Labels
    before: PackSide
    after: PackSide
    changed: int
    users: int
    turns: list[Turn]
    waiting: list[str]
    rules: list[RuleDifference]


def difference_of(
    comparison: Comparison, data: str, given: tuple[str, str], accounts: tuple[Account, Account], maturity_ms: int
) -> Difference:
    """The document of a comparison; `data` says what it is of, `given` how the packs were named."""
    ground, sides = comparison.ground, (comparison.before, comparison.after)
    before, after = (_side(comparison, *each) for each in zip(sides, given, accounts, strict=True))
    return Difference(
        version=VERSION,
        data=data,
        currency=comparison.currency,
        period=Period(ground.start_ms, ground.end_ms, ground.days, len(ground.table)),
        labels=labels_of(ground.truth, maturity_ms),
        before=before,
        after=after,
        changed=len(comparison.changed),
        users=ground.users(comparison.changed),
        turns=[_turn(comparison, *each) for each in comparison.turns()],
        waiting=[name for name in comparison.rule_ids() if _waits(comparison, name)],
        rules=[_rule(comparison, rule_id) for rule_id in comparison.rule_ids()],
    )


def _waits(comparison: Comparison, rule_id: str) -> bool:
    outcomes = (side.outcome(rule_id) for side in (comparison.before, comparison.after))
    return any(outcome is not None and outcome.rule.absence is not None for outcome in outcomes)


def _side(comparison: Comparison, side: Side, given: str, account: Account) -> PackSide:
    ground, stopped = comparison.ground, side.stopped
    return PackSide(
        given,
        side.pack.version,
        decided_of(comparison.currency, (ground, side.actions)),
        ground.precision(stopped),
        ground.recall(stopped, side.actions < len(ACTIONS)),
        major_text(ground.fraud_minor(stopped), comparison.currency),
        major_text(ground.good_minor(stopped), comparison.currency),
        account,
    )


def _turn(comparison: Comparison, before: str, after: str, places: Places) -> Turn:
    ground, causes = comparison.ground, comparison.causes(places)
    change = ground.change(before, after, places)

    def money(minor: int) -> str:
        return major_text(minor, comparison.currency)

    return Turn(
        before,
        after,
        change.events,
        ground.users(places),
        change.fraud,
        change.good,
        int(np.count_nonzero(ground.truth.young[places])),
        money(int(ground.amount_minor[places].sum())),
        money(change.fraud_minor),
        money(change.good_minor),
        ground.by_day(places),
        ground.by_day(places[ground.truth.fraud[places]]),
        len(causes),
        [_reason(comparison, cause) for cause in causes[:CAUSES_MAX]],
    )


def _reason(comparison: Comparison, cause: Cause) -> Reason:
    return Reason(
        list(cause.lost),
        list(cause.gained),
        len(cause.places),
        comparison.ground.count_fraud(cause.places),
        comparison.ground.count_good(cause.places),
        [_example(comparison, place) for place in cause.places[:EXAMPLES_MAX].tolist()],
    )


def _example(comparison: Comparison, place: int) -> Example:
    truth, row = comparison.ground.truth, comparison.ground.table.events.row(place, named=True)
    return Example(
        id=row.get("field.transaction_id") or row["field.event_id"],
        type=row["field.type"],
        timestamp_ms=row["timestamp_ms"],
        user_id=row["field.user_id"],
        amount=None if row["amount_minor"] is None else major_text(row["amount_minor"], comparison.currency),
        fraud=True if truth.fraud[place] else False if truth.good[place] else None,
        rules_before=comparison.before.rules_at(place),
        rules_after=comparison.after.rules_at(place),
    )


def _rule(comparison: Comparison, rule_id: str) -> RuleDifference:
    before, after = comparison.before, comparison.after
    old, new = before.outcome(rule_id), after.outcome(rule_id)
    come = go = None
    if _measured(old) and _measured(new):
        nothing = np.empty(0, dtype=np.intp)
        one = nothing if old is None else before.hits(old)
        other = nothing if new is None else after.hits(new)
        come = _flow(comparison, np.setdiff1d(other, one, assume_unique=True))
        go = _flow(comparison, np.setdiff1d(one, other, assume_unique=True))
    changed = differences(before.pack, after.pack, rule_id) if old is not None and new is not None else []
    return RuleDifference(rule_id, _rule_side(old), _rule_side(new), changed, come, go)


def _rule_side(outcome: Outcome | None) -> RuleSide | None:
    if outcome is None:
        return None
    return RuleSide(outcome.rule.mode, outcome.rule.then, len(outcome.hits) if _measured(outcome) else None)


def _measured(outcome: Outcome | None) -> bool:
    """Whether the hits say anything: a rule that is not there hits nothing, one that waits is not compared."""
    return outcome is None or (outcome.measured and outcome.rule.absence is None)


def _flow(comparison: Comparison, places: Places) -> Flow:
    ground = comparison.ground
    return Flow(
        len(places),
        ground.count_fraud(places),
        ground.count_good(places),
        major_text(ground.fraud_minor(places), comparison.currency),
        major_text(ground.good_minor(places), comparison.currency),
    )
