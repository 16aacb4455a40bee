"""Evaluation: which events of a feature table each rule of a pack hits, and the action that follows."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine import action_of
from rules import Input, Pack, Rule
from rules.columns import Column, Columns, NumberColumn, TextColumn
from rules.conditions import compile_scalar
from rules.syntax import PREFIXES, inputs_of
from schemas import ACTIONS, TRANSACTION_TYPES, Value
from workbench.feature_table import FeatureTable, silent_features, text_id

SLICE_ROWS = 1 << 16
"""Events evaluated at once: few enough for the caches, many enough for numpy."""

Places = NDArray[np.intp]
"""Numbers of rows of a feature table, in their order."""

Masks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a rule hits, by `on_missing` too, where it is missing, and where its evaluation fails.

    All only among events of a type it judges. `missing` is None where only decisions are known, which do not tell it.
    `judges` counts the events. `unmeasured` names what the rule reads and none of them has a value for.
    """

    rule: Rule
    hits: Places
    missing: Places | None
    errors: Places
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
            words[self.acting(outcome), number // 64] |= np.uint64(1 << number % 64)
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

    def acting(self, outcome: Outcome) -> Places:
        """Where the hits of a live rule count for the action."""
        return outcome.hits

    @cached_property
    def explained(self) -> NDArray[np.bool_]:
        """For each event whether its action is what follows from the hits, bool[n]."""
        return np.ones(self.count, dtype=np.bool_)

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
    conditions = _Conditions(pack)
    types = table.events["field.type"]
    of_events = {events: types.is_in(sorted(events)).to_numpy() for events in {rule.events for rule in pack.rules}}
    judging = [of_events[rule.events] for rule in pack.rules]
    hits: list[list[Places]] = [[] for _ in pack.rules]
    lacks: list[list[Places]] = [[] for _ in pack.rules]
    fails: list[list[Places]] = [[] for _ in pack.rules]
    for start in range(0, len(table), SLICE_ROWS):
        rows = slice(start, min(start + SLICE_ROWS, len(table)))
        matched, missing, failed = conditions.evaluate(table, rows)
        for number, rule in enumerate(pack.rules):
            judged = judging[number][rows]
            lack = missing[number] & judged
            hit = (matched[number] | lack if rule.on_missing == "match" else matched[number]) & judged
            hits[number].append(np.flatnonzero(hit) + start)
            lacks[number].append(np.flatnonzero(lack) + start)
            fails[number].append(np.flatnonzero(failed[number] & judged) + start)
    silent = silent_features(pack, table)
    empty = [np.empty(0, dtype=np.intp)]
    outcomes = tuple(
        Outcome(
            rule,
            np.concatenate(empty + hits[number]),
            np.concatenate(empty + lacks[number]),
            np.concatenate(empty + fails[number]),
            int(judging[number].sum()),
            unmeasured(rule, table, judging[number], silent),
        )
        for number, rule in enumerate(pack.rules)
    )
    decided = {*TRANSACTION_TYPES}.union(*(rule.events for rule in pack.rules if rule.mode != "off"))
    return Evaluation(pack, len(table), outcomes, types.is_in(sorted(decided)).to_numpy())


class _Conditions:
    """The conditions of all rules. Where they raise, each is evaluated by itself, and one that raises by each event."""

    def __init__(self, pack: Pack) -> None:
        self._rules = pack.rules
        self._lists = pack.entries_by_list
        self._together = Columns([rule.when for rule in pack.rules], text_id)

    def evaluate(self, table: FeatureTable, rows: slice) -> tuple[Masks, Masks, Masks]:
        """Where each rule's condition matches, is missing, and fails: bool[rules, rows]."""
        columns = [table.column(read, rows) for read in self._together.inputs]
        moments_ms = table.numbers("moment_ms")[rows]
        try:
            matched, missing = self._together.evaluate(columns, self._lists, moments_ms)
        except Exception:  # noqa: BLE001 whatever a rule raises costs only itself
            shape = len(self._rules), len(moments_ms)
            masks = (np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_))
            for number, (rule, indexes) in enumerate(zip(self._rules, self._together.inputs_of, strict=True)):
                found = self._alone(rule, [columns[index] for index in indexes], moments_ms)
                for mask, part in zip(masks, found, strict=True):
                    mask[number] = part
            return masks
        return matched, missing, np.zeros_like(matched)

    def _alone(
        self, rule: Rule, columns: Sequence[Column | None], moments_ms: NDArray[np.int64]
    ) -> tuple[Masks, Masks, Masks]:
        """As `evaluate` for one rule: bool[rows]."""
        try:
            (matched,), (missing,) = Columns([rule.when], text_id).evaluate(columns, self._lists, moments_ms)
        except Exception:  # noqa: BLE001 as above
            return self._event_by_event(rule, columns, moments_ms)
        return matched, missing, np.zeros_like(matched)

    def _event_by_event(
        self, rule: Rule, columns: Sequence[Column | None], moments_ms: NDArray[np.int64]
    ) -> tuple[Masks, Masks, Masks]:
        scalar = compile_scalar({0: rule.when})
        count = len(moments_ms)
        matched, missing, failed = (np.zeros(count, dtype=np.bool_) for _ in range(3))
        rows = zip(*(_values(column, count) for column in columns), strict=True) if columns else [()] * count
        for at, (values, moment_ms) in enumerate(zip(rows, moments_ms.tolist(), strict=True)):
            try:
                matched[at], missing[at] = scalar.evaluate(values, self._lists, moment_ms)
            except Exception:  # noqa: BLE001 as above
                failed[at] = True
        return matched, missing, failed


def _values(column: Column | None, count: int) -> Sequence[Value]:
    """The values of a column as conditions for one event read them."""
    match column:
        case TextColumn():
            return column.values
        case NumberColumn():
            absent = np.zeros(count, dtype=np.bool_) if column.missing is None else column.missing
            return [None if lacks else each for each, lacks in zip(column.values.tolist(), absent, strict=True)]
    return [None] * count


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
