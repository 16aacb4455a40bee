"""Trials: what live and shadow rules hit by the decisions that were given, measured as a backtest measures.

Nothing is evaluated again. The events are needed for what decisions do not say: whose they are, their amounts, and what
became known of them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import action_of
from rules import Condition, Literal, Pack, Rule
from schemas import ACTIONS, TRANSACTION_TYPES
from workbench.decisions import Decisions, Kind
from workbench.evaluation import Evaluation, Outcome, Places
from workbench.feature_table import FeatureTable
from workbench.fingerprints import fingerprint
from workbench.labels import truth_of
from workbench.measurement import View
from workbench.reports import Report, period_of, report_of, within

VERSION = 1
"""Of the document: raised when a field changes its meaning or goes."""


class Served(msgspec.Struct, frozen=True):
    """Hits of a rule by the mode that it had when the decisions were given."""

    rule: str
    live: int
    shadow: int


class Given(msgspec.Struct, frozen=True):
    """What became of the decisions.

    `used` ones are measured: they are new answers to events of the data. `repeated` ones are answers to what came
    again; `twice` ones are there more often than their event; `unread` lines are no decisions, `problem` says why the
    first is none. `lost` ones are on no event of the data that the pack judges. `undecided` events have no decision.
    `waited` ones are on what did not come. `unexplained` ones have another action than their live rules have in the
    pack: they count for no decision that would change. `versions` counts all by the pack that gave them. `strange`
    rules hit, and the pack does not have them; `elsewhere` ones hit in another mode than they have in it. `unnamed`
    rules hit nothing, and may be newer than every decision.
    """

    used: int
    repeated: int
    twice: int
    unread: int
    problem: str
    lost: int
    undecided: int
    waited: int
    unexplained: int
    versions: dict[str, int]
    strange: list[Served]
    elsewhere: list[Served]
    unnamed: list[str]


class Trial(msgspec.Struct, frozen=True):
    """The whole document: `report` is that of a backtest, by the decisions given, without rules that are off."""

    version: int
    given: Given
    report: Report


_NAME = ("id", "timestamp_ms")
"""What decisions and events have in common."""

_time = pl.int_range(pl.len())
"""How many of the same name came before: an id may come again after `dedupe` and is then judged again."""


@dataclass(frozen=True)
class GivenEvaluation(Evaluation):
    """An evaluation by decisions given: row by row the number of its kind among `kinds`, intp[n].

    A rule hits where it is named, live or in shadow, and counts for the action where it was live.
    """

    kinds: tuple[Kind, ...]
    numbers: NDArray[np.int64]

    @cached_property
    def live(self) -> tuple[Outcome, ...]:
        named = {name for kind in self.kinds for name in kind.rules}
        return tuple(each for each in self.outcomes if each.rule.id in named)

    def acting(self, outcome: Outcome) -> Places:
        return self.where(lambda kind: outcome.rule.id in kind.rules)

    def naming(self, rule_id: str) -> Places:
        """The rows whose decisions name the rule, live or in shadow."""
        return self.where(lambda kind: rule_id in kind.rules or rule_id in kind.shadow)

    @cached_property
    def actions(self) -> NDArray[np.uint8]:
        return np.array([ACTIONS.index(kind.action) for kind in self.kinds], dtype=np.uint8)[self.numbers]

    @cached_property
    def explained(self) -> NDArray[np.bool_]:
        rules = {rule.id: rule for rule in self.pack.rules}
        follows = [
            all(name in rules for name in kind.rules) and action_of([rules[name] for name in kind.rules]) == kind.action
            for kind in self.kinds
        ]
        return np.array(follows, dtype=np.bool_)[self.numbers]

    def where(self, wanted: Callable[[Kind], bool]) -> Places:
        """The rows whose decisions are of these kinds."""
        return np.flatnonzero(np.array([wanted(kind) for kind in self.kinds], dtype=np.bool_)[self.numbers])


def observed(pack: Pack) -> Pack:
    """The pack without what it computes: its feature table has the events that the pack judges, or begins a wait at."""
    always = Condition("", Literal(value=True, type="bool"))
    rules = [
        replace(
            rule, when=always, sequence=None, absence=None, mode="shadow", on_missing="no_match", overrides=(),
            explain=None, events=_begins(rule),
        )
        for rule in pack.rules
        if rule.mode != "off"
    ]  # fmt: skip
    return replace(pack, rules=tuple(rules), features={}, lists={}, detectors={})


def _begins(rule: Rule) -> frozenset[str]:
    """The types of event that the rule decides on."""
    return rule.events if rule.absence is None else rule.events | rule.absence.start.events


def trial_of(
    pack: Pack,
    table: FeatureTable,
    decisions: Decisions,
    labels: pl.DataFrame | None,
    maturity_ms: int,
    data: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> tuple[Trial, View]:
    """The document of decisions on the events from `from_ms` until before `to_ms`, and what it was made of.

    `table` is that of `observed(pack)`; `data` says what the decisions and the events are of. Labels are as in
    `reports.view_of`.
    """
    kinds = tuple(decisions.kinds)
    waited = pl.Series([kind.waited for kind in kinds], dtype=pl.Boolean)
    given = decisions.frame()
    given = given.with_columns(waited.gather(given["kind"]).alias("waited"))
    given = given.with_columns(_time.over(*_NAME, "waited").alias("time"))
    events = table.events.with_columns(_ids(table).alias("id"))
    events = events.with_columns(_time.over(*_NAME).alias("time"))
    joined = events.join(given, on=[*_NAME, "time"], how="inner", maintain_order="left_right")
    rows = within(FeatureTable(joined, table.labels, table.account), from_ms, to_ms)
    evaluation = _evaluation(pack, rows, kinds)
    period = period_of(table.account, from_ms, to_ms)
    view = View(rows, evaluation, truth_of(rows, labels, maturity_ms), *period)
    judged = TRANSACTION_TYPES + tuple(name for rule in pack.rules if rule.absence is None for name in rule.events)
    answered = given.filter(~pl.col("waited"))
    alone = events.filter(pl.col("field.type").is_in(judged)).join(answered, on=[*_NAME, "time"], how="anti")
    lost = len(given.join(events, on=_NAME, how="anti"))
    account = _given(
        evaluation,
        decisions,
        twice=len(given) - len(joined) - lost,
        lost=lost,
        undecided=len(within(FeatureTable(alone, table.labels, table.account), from_ms, to_ms)),
    )
    report = report_of(view, data, maturity_ms)
    whole = {rule.id: fingerprint(pack, rule) for rule in pack.rules}
    rules = [msgspec.structs.replace(each, content=whole[each.rule]) for each in report.rules]
    return Trial(VERSION, account, msgspec.structs.replace(report, rules=rules)), view


def _ids(table: FeatureTable) -> pl.Expr:
    """What decisions name the events by."""
    names = [f"field.{name}" for name in ("transaction_id", "event_id") if f"field.{name}" in table.events.columns]
    return pl.coalesce(names) if names else pl.lit(None, dtype=pl.String)


def _evaluation(pack: Pack, rows: FeatureTable, kinds: tuple[Kind, ...]) -> GivenEvaluation:
    kept = replace(pack, features={}, rules=tuple(rule for rule in pack.rules if rule.mode != "off"))
    numbers = rows.numbers("kind")
    bare = GivenEvaluation(kept, len(rows), (), np.ones(len(rows), dtype=np.bool_), kinds, numbers)
    types = rows.events["field.type"]
    newer = _unnamed(kept, kinds)
    outcomes = tuple(
        Outcome(
            rule,
            bare.naming(rule.id),
            None,
            bare.where(_failing(rule.id)),
            0 if rule.id in newer else int(types.is_in(sorted(_begins(rule))).sum()),
            (),
        )
        for rule in kept.rules
    )
    return replace(bare, outcomes=outcomes)


def _failing(rule_id: str) -> Callable[[Kind], bool]:
    """Whether the evaluation of the rule failed."""
    return lambda kind: rule_id in kind.errors


def _unnamed(pack: Pack, kinds: Sequence[Kind]) -> list[str]:
    """The rules of which nothing is known: no decision names them, or is by this very pack."""
    if any(kind.pack == pack.version for kind in kinds):
        return []
    named = {name for kind in kinds for name in (*kind.rules, *kind.shadow)}
    return [rule.id for rule in pack.rules if rule.id not in named]


def _given(evaluation: GivenEvaluation, decisions: Decisions, *, twice: int, lost: int, undecided: int) -> Given:
    counts = np.bincount(evaluation.numbers, minlength=len(evaluation.kinds)).tolist()
    hits: dict[str, Counter[str]] = {}
    for kind, count in zip(evaluation.kinds, counts, strict=True):
        for mode, names in (("live", kind.rules), ("shadow", kind.shadow)):
            for name in names if count else ():
                hits.setdefault(name, Counter())[mode] += count
    served = {name: Served(name, each["live"], each["shadow"]) for name, each in hits.items()}
    modes = {rule.id: rule.mode for rule in evaluation.pack.rules}
    return Given(
        used=evaluation.count,
        repeated=decisions.repeated,
        twice=twice,
        unread=decisions.unread,
        problem=decisions.problem,
        lost=lost,
        undecided=undecided,
        waited=len(evaluation.where(lambda kind: kind.waited)),
        unexplained=int(np.count_nonzero(~evaluation.explained)),
        versions=dict(decisions.versions().most_common()),
        strange=[each for name, each in served.items() if name not in modes],
        elsewhere=[
            each
            for name, each in served.items()
            if (modes.get(name) == "live" and each.shadow) or (modes.get(name) == "shadow" and each.live)
        ],
        unnamed=_unnamed(evaluation.pack, evaluation.kinds),
    )
