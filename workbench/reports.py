"""Reports: what a backtest found, as one document with a version, for people and programs.

A figure that says nothing is None, never zero: precision without labels, the hits of a rule that reads what no
event has. Money is in major units of the pack's currency, as decimal text; times are epoch milliseconds,
days are in UTC.
"""

from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules import Pack
from schemas import ACTIONS, major_text
from workbench.evaluation import Outcome, Places, evaluate
from workbench.feature_table import Account, FeatureTable, silent_features
from workbench.fingerprints import fingerprint
from workbench.labels import Truth, truth_of
from workbench.measurement import DAY_MS, Change, Ground, Proportion, View
from workbench.waits import WaitView, evaluate_waits

VERSION = 2
"""Of the document: raised when a field changes its meaning or goes."""


class Period(msgspec.Struct, frozen=True):
    """Which events were measured: from `from_ms` until before `to_ms`. Windows had all of the data before."""

    from_ms: int
    to_ms: int
    days: int
    events: int


class Labels(msgspec.Struct, frozen=True):
    """What the precision and the recall rest on. See `labels.Truth`; `fraud`, `good` and `young` count transactions."""

    maturity_ms: int
    given: int
    not_yet_known: int
    of_unknown_transactions: int
    overtaken: int
    fraud: int
    good: int
    young: int
    delay_ms: int | None


class Decided(msgspec.Struct, frozen=True):
    """The decisions with one action: how many, of these fraud and good, and their money."""

    action: str
    events: int
    fraud: int
    good: int
    fraud_money: str
    good_money: str


class Day(msgspec.Struct, frozen=True):
    """One day of a rule's trend; `fraud` counts hits on mature fraud."""

    day: str
    hits: int
    fraud: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes in the decisions if a live rule were `removed`, or another `added`, all other rules as they are."""

    if_: str = msgspec.field(name="if")
    events: int
    changes: list[Change]


class RuleReport(msgspec.Struct, frozen=True):
    """One rule on its own, and given the others.

    `content` is the hash of all that its hits depend on, see `fingerprints`. `judged` events are of a type that it
    judges, or they began waits of its own that were over. On `missing` ones its condition had no outcome, None where
    that is not known; on `errors` its evaluation failed, and it neither hits nor is missing. `unmeasured` names what it
    reads and none of them has. Where it hits nothing for that reason, or judges nothing, `hits` and all that follows is
    None. `hits_per_judged` is their share of the judged events. `only` are hits without any other live rule.
    `money_caught` is that of fraud that it hits, `good_money_stopped` that of good transactions.
    """

    rule: str
    title: str | None
    mode: str
    then: str
    content: str
    judged: int
    missing: int | None
    errors: int
    unmeasured: list[str]
    hits: int | None
    hits_per_judged: float | None
    users: int | None
    only: int | None
    only_fraud: int | None
    fraud: int | None
    good: int | None
    young: int | None
    precision: Proportion | None
    recall: Proportion | None
    money_caught: str | None
    good_money_stopped: str | None
    alerts_a_day: float | None
    trend: list[Day]
    effect: Effect | None


class Report(msgspec.Struct, frozen=True):
    """A whole backtest. `unmeasured_features` say nothing of this data: see `silent_features`."""

    version: int
    pack: str
    data: str
    currency: str
    account: Account
    period: Period
    labels: Labels
    decisions: list[Decided]
    precision: Proportion | None
    recall: Proportion | None
    unmeasured_features: list[str]
    rules: list[RuleReport]


def view_of(
    pack: Pack,
    table: FeatureTable,
    given: pl.DataFrame | None,
    maturity_ms: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> View:
    """What there is to measure: the table's events from `from_ms` until before `to_ms`, all rules evaluated on them.

    Labels `given` come on top of those in the data; what is known is what was known at the end of the data, not of
    the period.
    """
    period = period_of(table.account, from_ms, to_ms)
    chosen = within(table, from_ms, to_ms)
    over = FeatureTable(_within(table.waits, "timer_ms", from_ms, to_ms), table.labels, table.account)
    view = View(chosen, evaluate(pack, chosen), truth_of(chosen, given, maturity_ms), *period)
    view.waits = WaitView(over, evaluate_waits(pack, over), truth_of(over, given, maturity_ms), *period)
    return view


def within(table: FeatureTable, from_ms: int | None, to_ms: int | None) -> FeatureTable:
    """The table's events from `from_ms` until before `to_ms`; what is known of the data stays that of all of it."""
    return FeatureTable(_within(table.events, "timestamp_ms", from_ms, to_ms), table.labels, table.account)


def _within(events: pl.DataFrame, time: str, from_ms: int | None, to_ms: int | None) -> pl.DataFrame:
    """The rows with that time in the period."""
    if from_ms is None and to_ms is None:
        return events
    return events.filter(pl.col(time).is_between(from_ms or 0, to_ms or 2**62, closed="left"))


def period_of(account: Account, from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
    """When what is measured begins and ends."""
    start_ms = max(account.start_ms, account.start_ms if from_ms is None else from_ms)
    end_ms = account.end_ms if to_ms is None else min(to_ms, account.end_ms)
    return start_ms, max(start_ms, end_ms)


def report_of(view: View, data: str, maturity_ms: int) -> Report:
    """The document of a view; `data` says what it is of."""
    evaluation, truth = view.evaluation, view.truth
    pack, account = evaluation.pack, view.table.account
    stopped = np.flatnonzero(evaluation.actions > 0)
    silent = silent_features(pack, view.table)
    return Report(
        version=VERSION,
        pack=pack.version,
        data=data,
        currency=pack.currency,
        account=account,
        period=Period(view.start_ms, view.end_ms, view.days, len(view.table)),
        labels=labels_of(truth, maturity_ms),
        decisions=decided_of(pack.currency, *(_actions(each) for each in (view, view.waits) if each is not None)),
        precision=view.precision(stopped),
        recall=view.recall(stopped, evaluation.decided),
        unmeasured_features=[name for name in pack.features if name in silent],
        rules=[_rule(*view.measuring(outcome)) for outcome in evaluation.outcomes],
    )


def _actions(view: View) -> tuple[View, NDArray[np.int64]]:
    evaluation = view.evaluation
    return view, np.where(evaluation.decided, evaluation.actions, len(ACTIONS))


def labels_of(truth: Truth, maturity_ms: int) -> Labels:
    """What is known of the events of a truth."""
    return Labels(
        maturity_ms,
        truth.given,
        truth.late,
        truth.strange,
        truth.contrary,
        int(truth.fraud.sum()),
        int(truth.good.sum()),
        int(truth.young.sum()),
        truth.delay_ms,
    )


def decided_of(currency: str, *parts: tuple[Ground, NDArray[np.int64]]) -> list[Decided]:
    """The decisions by action, of all parts: events, and waits that were in vain.

    Each part has for its events their places in `schemas.ACTIONS`, or one beyond where there is no decision.
    """
    found = []
    for number, action in enumerate(ACTIONS):
        events = fraud = good = fraud_minor = good_minor = 0
        for ground, actions in parts:
            places = np.flatnonzero(actions == number)
            events += len(places)
            fraud += ground.count_fraud(places)
            good += ground.count_good(places)
            fraud_minor += ground.fraud_minor(places)
            good_minor += ground.good_minor(places)
        money = major_text(fraud_minor, currency), major_text(good_minor, currency)
        found.append(Decided(action, events, fraud, good, *money))
    return found


def _rule(view: View, outcome: Outcome) -> RuleReport:
    rule, hits = outcome.rule, outcome.hits
    measured = outcome.measured
    labelled = measured and view.truth.labelled
    only = view.evaluation.only(outcome)
    return RuleReport(
        rule=rule.id,
        title=rule.title,
        mode=rule.mode,
        then=rule.then,
        content=fingerprint(view.evaluation.pack, rule),
        judged=outcome.judges,
        missing=None if outcome.missing is None else len(outcome.missing),
        errors=len(outcome.errors),
        unmeasured=list(outcome.unmeasured),
        hits=len(hits) if measured else None,
        hits_per_judged=len(hits) / outcome.judges if measured else None,
        users=view.users(hits) if measured else None,
        only=len(only) if measured else None,
        only_fraud=view.count_fraud(only) if labelled else None,
        fraud=view.count_fraud(hits) if labelled else None,
        good=view.count_good(hits) if labelled else None,
        young=int(view.truth.young[hits].sum()) if measured else None,
        precision=view.precision(hits) if measured else None,
        recall=view.recall(hits, view.judged_by(outcome)) if measured else None,
        money_caught=_money(view, view.fraud_minor(hits)) if labelled else None,
        good_money_stopped=_money(view, view.good_minor(hits)) if labelled else None,
        alerts_a_day=round(len(hits) / view.span_days, 3) if measured else None,
        trend=_trend(view, hits) if measured else [],
        effect=_effect(view, outcome) if measured else None,
    )


def _money(view: View, minor: int) -> str:
    return major_text(minor, view.evaluation.pack.currency)


def _trend(view: View, hits: Places) -> list[Day]:
    fraud = view.by_day(hits[view.truth.fraud[hits]])
    return [
        Day(day_text(view.first_day + number), count, caught)
        for number, (count, caught) in enumerate(zip(view.by_day(hits), fraud, strict=True))
    ]


def day_text(day: int) -> str:
    """A day counted from 1970-01-01, like 2026-01-31."""
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()


def _effect(view: View, outcome: Outcome) -> Effect:
    changes = view.effect(outcome)
    word = "removed" if outcome.rule.mode == "live" else "added"
    return Effect(if_=word, events=sum(each.events for each in changes), changes=changes)
