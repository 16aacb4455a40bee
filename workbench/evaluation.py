"""Evaluation: which events of a feature table each rule of a pack hits, and the action that follows."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine import action_of
from rules import Input, Pack, Rule
from rules.columns import Columns
from rules.syntax import PREFIXES, inputs_of
from schemas import ACTIONS, TRANSACTION_TYPES
from workbench.feature_table import FeatureTable, silent_features, text_id

SLICE_ROWS = 1 << 16
"""Events evaluated at once: few enough for the caches, many enough for numpy."""

Places = NDArray[np.intp]
"""Numbers of rows of a feature table, in their order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a rule hits, by `on_missing` too, and where it is missing; both only among events of a type it judges.

    `judges` counts those. `unmeasured` names what the rule reads and no event among them has a value for.
    """

    rule: Rule
    hits: Places
    missing: Places
    judges: int
    unmeasured: tuple[str, ...]

    @property
    def measured(self) -> bool:
        """Whether its hits say anything: not where it judges no event, or hits nothing for want of an input."""
        return self.judges > 0 and (len(self.hits) > 0 or not self.unmeasured)


@dataclass(frozen=True)
class Evaluation:
    """The outcomes of all rules of a pack, in its order, whatever their mode, on n events.

    `decided` is bool[n]: which events the live engine gives a decision, as it does not where only rules that are off
    judge.
    """

    pack: Pack
    count: int
    outcomes: tuple[Outcome, ...]
    decided: NDArray[np.bool_]

    @cached_property
    def live(self) -> tuple[Outcome, ...]:
        return tuple(each for each in self.outcomes if each.rule.mode == "live")

    @cached_property
    def sets(self) -> tuple[NDArray[np.intp], tuple[tuple[int, ...], ...]]:
        """For each event the number of the set of live rules that hit it, and what is in each set: places in `live`."""
        words = np.zeros((self.count, max(1, -(-len(self.live) // 64))), dtype=np.uint64)
        for number, outcome in enumerate(self.live):
            words[outcome.hits, number // 64] |= np.uint64(1 << number % 64)
        if words.shape[1] == 1:
            different, numbers = np.unique(words[:, 0], return_inverse=True)
            different = different[:, None]
        else:
            different, numbers = np.unique(words, axis=0, return_inverse=True)
        sets = tuple(
            tuple(number for number in range(len(self.live)) if int(row[number // 64]) >> number % 64 & 1)
            for row in different
        )
        return numbers.reshape(-1), sets

    @cached_property
    def actions(self) -> NDArray[np.uint8]:
        """For each event the place in `schemas.ACTIONS` of the action decided, uint8[n]."""
        numbers, sets = self.sets
        return np.array([self.action(each) for each in sets], dtype=np.uint8)[numbers]

    def action(self, hit: Sequence[int]) -> int:
        """The place in `schemas.ACTIONS` of what follows where these of the live rules hit."""
        return ACTIONS.index(action_of([self.live[number].rule for number in hit]))

    def only(self, outcome: Outcome) -> Places:
        """Where no other live rule hits."""
        numbers, sets = self.sets
        own = [number for number, each in enumerate(self.live) if each is outcome]
        alone = np.array([[each for each in hit if each not in own] == [] for hit in sets], dtype=np.bool_)
        return outcome.hits[alone[numbers[outcome.hits]]]


def evaluate(pack: Pack, table: FeatureTable) -> Evaluation:
    """Evaluates all rules of the pack on the table, whose features must be those of the pack."""
    conditions = Columns([rule.when for rule in pack.rules], text_id)
    lists = lists_of(pack)
    types = table.events["field.type"]
    of_events = {events: types.is_in(sorted(events)).to_numpy() for events in {rule.events for rule in pack.rules}}
    judging = [of_events[rule.events] for rule in pack.rules]
    hits: list[list[Places]] = [[] for _ in pack.rules]
    lacks: list[list[Places]] = [[] for _ in pack.rules]
    moments = table.numbers("moment_ms")
    for start in range(0, len(table), SLICE_ROWS):
        rows = slice(start, min(start + SLICE_ROWS, len(table)))
        columns = [table.column(read, rows) for read in conditions.inputs]
        matched, missing = conditions.evaluate(columns, lists, moments[rows])
        for number, rule in enumerate(pack.rules):
            judged = judging[number][rows]
            lack = missing[number] & judged
            hit = (matched[number] | lack if rule.on_missing == "match" else matched[number]) & judged
            hits[number].append(np.flatnonzero(hit) + start)
            lacks[number].append(np.flatnonzero(lack) + start)
    silent = silent_features(pack, table)
    empty = [np.empty(0, dtype=np.intp)]
    outcomes = tuple(
        Outcome(
            rule,
            np.concatenate(empty + hits[number]),
            np.concatenate(empty + lacks[number]),
            int(judging[number].sum()),
            unmeasured(rule, table, judging[number], silent),
        )
        for number, rule in enumerate(pack.rules)
    )
    decided = {*TRANSACTION_TYPES}.union(*(rule.events for rule in pack.rules if rule.mode != "off"))
    return Evaluation(pack, len(table), outcomes, types.is_in(sorted(decided)).to_numpy())


def lists_of(pack: Pack) -> Mapping[str, Mapping[str, int]]:
    """What the pack's own lists hold, as conditions read them."""
    return {name: spec.entries for name, spec in pack.lists.items()}


def unmeasured(rule: Rule, table: FeatureTable, judged: NDArray[np.bool_], silent: Set[str]) -> tuple[str, ...]:
    """What the rule reads and none of the events it judges has a value for, as decisions name it; `silent` features."""
    return tuple(
        title_of(read)
        for read in inputs_of(rule.when.tree)
        if (read.kind == "feature" and read.name in silent) or _is_null(read, table, judged)
    )


def _is_null(read: Input, table: FeatureTable, judged: NDArray[np.bool_]) -> bool:
    if read.kind == "list":
        return False
    series = table.series(read)
    if series is None or series.null_count() == len(series):
        return True
    return series.null_count() > 0 and bool((series.is_null().to_numpy() | ~judged).all())


def title_of(read: Input) -> str:
    """How a decision names an input."""
    return PREFIXES.get(read.kind, "") + read.name
