"""Measurement: what each rule of a pack did, and would have done, on a history of which the truth is known.

Pure functions of a feature table, an evaluation and a truth; `reports` puts them into a document.
"""

from collections.abc import Iterator
from math import sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import action_of
from schemas import ACTIONS, TRANSACTION_TYPES
from workbench.evaluation import Evaluation, Outcome, Places
from workbench.feature_table import FeatureTable
from workbench.labels import Truth

DAY_MS = 86_400_000
NONE = "none"
"""Stands for an action where an event gets no decision, since no rule judges its type."""

WORDS = (*ACTIONS, NONE)
"""What an event can get; decisions are counted by places in this."""

Z = 1.959964
"""The normal quantile of intervals that hold 95 times of 100."""


class Proportion(msgspec.Struct, frozen=True):
    """A share with its interval of 95%, and what it is of. None of it is known where `of` is 0."""

    value: float
    low: float
    high: float
    hits: int
    of: int


def proportion(hits: int, of: int) -> Proportion | None:
    """The share `hits / of` with Wilson's score interval, which holds its 95% for few and for extreme counts, too.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212;
    recommended by L. D. Brown, T. T. Cai and A. DasGupta, Interval estimation for a binomial proportion, Statistical
    Science 16 (2001), 101-133.
    """
    if of == 0:
        return None
    share, spread = hits / of, Z * Z / of
    centre = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == of else min(1.0, centre + half)
    return Proportion(share, low, high, hits, of)


class Change(msgspec.Struct, frozen=True):
    """Events whose decision goes from one action to another, or to or from NONE: how many, with their money.

    `fraud` and `good` count those of them that are known to be.
    """

    before: str
    after: str
    events: int
    fraud: int
    good: int
    fraud_minor: int
    good_minor: int


class Ground:
    """Events of which the truth is known, whatever decides them: `table` and `truth` are of the same n events.

    `amount_minor` is int64[n], 0 where there is no amount in the pack's currency. `day` is int64[n], the day of each
    event counted from the first; a late event of an earlier day counts on the first. `days` is how many there are.
    """

    def __init__(self, table: FeatureTable, truth: Truth, start_ms: int, end_ms: int) -> None:
        """The events are those of the time from `start_ms` to `end_ms`."""
        self.table = table
        self.truth = truth
        self.start_ms, self.end_ms = start_ms, end_ms
        self.first_day = start_ms // DAY_MS
        self.days = max(1, end_ms // DAY_MS - self.first_day + 1)
        self.span_days = max(1.0, (end_ms - start_ms) / DAY_MS)
        self.amount_minor: NDArray[np.int64] = table.events["amount_minor"].fill_null(0).to_numpy()
        decided = "timer_ms" if "timer_ms" in table.events.columns else "timestamp_ms"
        self.day = np.clip(table.numbers(decided) // DAY_MS - self.first_day, 0, self.days - 1)

    def count_fraud(self, places: Places) -> int:
        return int(np.count_nonzero(self.truth.fraud[places]))

    def count_good(self, places: Places) -> int:
        return int(np.count_nonzero(self.truth.good[places]))

    def fraud_minor(self, places: Places) -> int:
        return int(self.amount_minor[places[self.truth.fraud[places]]].sum())

    def good_minor(self, places: Places) -> int:
        return int(self.amount_minor[places[self.truth.good[places]]].sum())

    def by_day(self, places: Places) -> list[int]:
        """How many of the events are on each day."""
        counts: list[int] = np.bincount(self.day[places], minlength=self.days).tolist()
        return counts

    def users(self, places: Places) -> int:
        """How many different users the events are of."""
        events = self.table.events
        return (
            int(events["field.user_id"][places].n_unique()) if len(places) and "field.user_id" in events.columns else 0
        )

    def precision(self, places: Places) -> Proportion | None:
        """How much of what was hit is fraud, among mature transactions; None without labels."""
        fraud = self.count_fraud(places)
        return proportion(fraud, fraud + self.count_good(places)) if self.truth.labelled else None

    def recall(self, places: Places, of: NDArray[np.bool_]) -> Proportion | None:
        """How much of the mature fraud among the events `of`, bool[n], was hit; None without labels."""
        every = int(np.count_nonzero(self.truth.fraud & of))
        return proportion(self.count_fraud(places), every) if self.truth.labelled else None

    def turns(
        self, places: Places, before: NDArray[np.int64], after: NDArray[np.int64]
    ) -> Iterator[tuple[str, str, Places]]:
        """Where the decisions at `places` go from one action to another, by both; the most frequent first."""
        pairs, counts = np.unique(before * len(WORDS) + after, return_counts=True)
        for pair in pairs[np.argsort(-counts, kind="stable")].tolist():
            old, new = divmod(pair, len(WORDS))
            if old != new:
                yield WORDS[old], WORDS[new], places[(before == old) & (after == new)]

    def change(self, before: str, after: str, some: Places) -> Change:
        """The change of the decisions at `some` from one action to another."""
        return Change(
            before,
            after,
            len(some),
            self.count_fraud(some),
            self.count_good(some),
            self.fraud_minor(some),
            self.good_minor(some),
        )


class View(Ground):
    """A history under one pack: the `evaluation` is of the ground's events.

    `waits` is the view of the history's waits, if it has one.
    """

    waits: "View | None" = None

    def __init__(self, table: FeatureTable, evaluation: Evaluation, truth: Truth, start_ms: int, end_ms: int) -> None:
        """The view covers the time from `start_ms` to `end_ms`."""
        super().__init__(table, truth, start_ms, end_ms)
        self.evaluation = evaluation

    def measuring(self, outcome: Outcome) -> tuple["View", Outcome]:
        """What measures the rule of an outcome: its waits, if it waits for what does not come."""
        if outcome.rule.absence is None or self.waits is None:
            return self, outcome
        return self.waits, next(each for each in self.waits.evaluation.outcomes if each.rule is outcome.rule)

    def judged_by(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Which events are of a type that the rule judges, bool[n]."""
        return self.table.events["field.type"].is_in(sorted(outcome.rule.events)).to_numpy()

    def effect(self, outcome: Outcome) -> list[Change]:
        """What changes in the decisions, given all other rules: if a live rule were off, or if another were live."""
        places, before, after = self.turned(outcome)
        return [self.change(*turn) for turn in self.turns(places, before, after)]

    def turned(self, outcome: Outcome) -> tuple[Places, NDArray[np.int64], NDArray[np.int64]]:
        """Where the rule has its say, and there the actions as they are, and as they were with it off, or live.

        Actions are places in `schemas.ACTIONS`, or one more where there is no decision.
        """
        evaluation, rule = self.evaluation, outcome.rule
        decided = self.decided_if_turned(outcome)
        numbers, sets = evaluation.sets
        live = [each.rule for each in evaluation.live]
        others = [[live[number] for number in hit if live[number] is not rule] for hit in sets]
        own = [] if rule.mode == "live" else [rule]
        by_set = np.array([ACTIONS.index(action_of(rules + own)) for rules in others], dtype=np.int64)
        before = np.where(evaluation.decided, evaluation.actions, WORDS.index(NONE))
        after = before.copy()
        after[outcome.hits] = by_set[numbers[outcome.hits]]
        after[~decided] = WORDS.index(NONE)
        after[decided & (after == WORDS.index(NONE))] = 0
        places = np.flatnonzero((before != after) & evaluation.explained)
        return places, before[places], after[places]

    def decided_if_turned(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Which events get a decision if a live rule is off, or another one live, bool[n]."""
        rule = outcome.rule
        rest = {*TRANSACTION_TYPES}.union(
            *(
                each.rule.events
                for each in self.evaluation.outcomes
                if each.rule.mode != "off" and each.rule is not rule
            )
        )
        kept = rest if rule.mode == "live" else rest | rule.events
        return self.table.events["field.type"].is_in(sorted(kept)).to_numpy()
