"""Comparison: two packs on the same events, one decision beside the other.

The packs may judge different events: each is evaluated on its own feature table, and both are brought together by the
number that every event has in the data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import acting_of
from rules import Pack, Rule
from rules.literals import shown
from rules.syntax import InputKind, inputs_of
from schemas import ACTIONS
from workbench.evaluation import Evaluation, Outcome, Places, evaluate
from workbench.feature_table import FeatureTable
from workbench.labels import truth_of
from workbench.measurement import NONE, WORDS, Ground
from workbench.reports import period_of, within


class Hit(msgspec.Struct, frozen=True):
    """A live rule that counts for the action of an event, and what it asks for."""

    rule: str
    then: str


class Cause(NamedTuple):
    """Why decisions are different: `lost` hits count only in the first pack, `gained` ones only in the second.

    `places` are the events that are different for just that.
    """

    lost: tuple[Hit, ...]
    gained: tuple[Hit, ...]
    places: Places


class Side:
    """One of two packs on the n events of a ground: its evaluation is of those at `places`.

    `actions` is int64[n], places in `measurement.WORDS`: NONE where the pack gives no decision.
    """

    def __init__(self, evaluation: Evaluation, places: Places, count: int) -> None:
        self.evaluation = evaluation
        self._places = places
        self.actions: NDArray[np.int64] = np.full(count, WORDS.index(NONE), dtype=np.int64)
        self.actions[places] = np.where(evaluation.decided, evaluation.actions, WORDS.index(NONE))

    @property
    def pack(self) -> Pack:
        return self.evaluation.pack

    @property
    def stopped(self) -> Places:
        """Where the action is another than to allow."""
        return np.flatnonzero((self.actions > 0) & (self.actions < len(ACTIONS)))

    def hits(self, outcome: Outcome) -> Places:
        """Which of the n events the rule hits."""
        return self._places[outcome.hits]

    def outcome(self, rule_id: str) -> Outcome | None:
        """The outcome of the rule; None where the pack has no such rule."""
        return self._outcomes.get(rule_id)

    @cached_property
    def _outcomes(self) -> dict[str, Outcome]:
        return {each.rule.id: each for each in self.evaluation.outcomes}

    @cached_property
    def deciding(self) -> tuple[NDArray[np.intp], list[frozenset[Hit]]]:
        """For each event the number of the set of hits that count for its action, and what is in each set."""
        numbers, sets = self.evaluation.sets
        live = [each.rule for each in self.evaluation.live]
        every = np.full(len(self.actions), len(sets), dtype=np.intp)
        every[self._places] = numbers
        return every, [*(frozenset(_deciding([live[at] for at in hit])) for hit in sets), frozenset()]

    def rules_at(self, place: int) -> list[str]:
        """The live rules that hit an event, in the pack's order."""
        own = int(np.searchsorted(self._places, place))
        if own == len(self._places) or int(self._places[own]) != place:
            return []
        numbers, sets = self.evaluation.sets
        return [self.evaluation.live[at].rule.id for at in sets[numbers[own]]]


def _deciding(rules: Sequence[Rule]) -> Iterator[Hit]:
    """Those of the live rules that hit an event that count for its action: an allowing one where it overrides any."""
    hit = {rule.id for rule in rules}
    for rule in acting_of(rules):
        if rule.then != "tag" and (rule.then != "allow" or hit.intersection(rule.overrides)):
            yield Hit(rule.id, rule.then)


class Comparison:
    """Two packs on the n events of the ground: those that one of them or both could judge."""

    def __init__(self, ground: Ground, before: Side, after: Side) -> None:
        self.ground = ground
        self.before, self.after = before, after

    @property
    def currency(self) -> str:
        """That of both packs."""
        return self.after.pack.currency

    @cached_property
    def changed(self) -> Places:
        """The events with another decision."""
        return np.flatnonzero(self.before.actions != self.after.actions)

    def turns(self) -> Iterator[tuple[str, str, Places]]:
        """The events with another decision by what it was and what it becomes; the most frequent first."""
        at = self.changed
        return self.ground.turns(at, self.before.actions[at], self.after.actions[at])

    def causes(self, places: Places) -> list[Cause]:
        """Why the decisions at the places are different; what is so for the most of them first."""
        (old, lost_from), (new, gained_from) = self.before.deciding, self.after.deciding
        pairs, which = np.unique(old[places] * len(gained_from) + new[places], return_inverse=True)
        found: dict[tuple[tuple[Hit, ...], tuple[Hit, ...]], list[Places]] = {}
        for number, pair in enumerate(pairs.tolist()):
            before, after = lost_from[pair // len(gained_from)], gained_from[pair % len(gained_from)]
            key = self._in_order(self.before, before - after), self._in_order(self.after, after - before)
            found.setdefault(key, []).append(places[which == number])
        causes = [Cause(lost, gained, np.sort(np.concatenate(some))) for (lost, gained), some in found.items()]
        return sorted(causes, key=lambda each: (-len(each.places), int(each.places[0])))

    @staticmethod
    def _in_order(side: Side, hits: frozenset[Hit]) -> tuple[Hit, ...]:
        order = {rule.id: number for number, rule in enumerate(side.pack.rules)}
        return tuple(sorted(hits, key=lambda each: order[each.rule]))

    def rule_ids(self) -> list[str]:
        """All rules of both packs: in the order of the second, then those that it has no more."""
        return list(dict.fromkeys(rule.id for side in (self.after, self.before) for rule in side.pack.rules))


def comparison_of(
    before: tuple[Pack, FeatureTable],
    after: tuple[Pack, FeatureTable],
    given: pl.DataFrame | None,
    maturity_ms: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> Comparison:
    """Two packs of one currency, each with its feature table of the same data, on the events from `from_ms` to `to_ms`.

    Labels `given` come on top of those in the data.
    """
    tables = [within(table, from_ms, to_ms) for _, table in (before, after)]
    every = common(*tables)
    ground = Ground(every, truth_of(every, given, maturity_ms), *period_of(every.account, from_ms, to_ms))
    sides = (
        side_of(evaluate(pack, table), table, every) for (pack, _), table in zip((before, after), tables, strict=True)
    )
    return Comparison(ground, *sides)


def common(before: FeatureTable, after: FeatureTable) -> FeatureTable:
    """The events of both tables of the same data, in order of arrival, without what is of one pack alone."""
    account = msgspec.structs.replace(
        after.account,
        start_ms=min(before.account.start_ms, after.account.start_ms),
        end_ms=max(before.account.end_ms, after.account.end_ms),
    )
    frames = [_shared(each) for each in (after, before)]
    if not frames[0]["number"].equals(frames[1]["number"]):
        rest = frames[1].join(frames[0], on="number", how="anti")
        frames[0] = pl.concat([frames[0], rest], how="diagonal").sort("number")
    return FeatureTable(frames[0], after.labels, account)


def _shared(table: FeatureTable) -> pl.DataFrame:
    names = [name for name in table.events.columns if name.startswith("field.")]
    return table.events.select("number", "timestamp_ms", "amount_minor", *names)


def side_of(evaluation: Evaluation, table: FeatureTable, every: FeatureTable) -> Side:
    """A pack evaluated on its own table, as a side of the events of `common`."""
    return Side(evaluation, np.searchsorted(every.numbers("number"), table.numbers("number")), len(every))


def differences(before: Pack, after: Pack, rule_id: str) -> list[str]:
    """What is different about a rule that both packs have: `mode`, `params.most 2 to 3`, `feature tx_10m` and the like.

    What it reads belongs to it: features, lists and detectors of which the definition or the content changed.
    """
    old, new = (next(rule for rule in pack.rules if rule.id == rule_id) for pack in (before, after))
    words = [name for name in ("mode", "then", "on_missing", "overrides") if getattr(old, name) != getattr(new, name)]
    if old.events != new.events:
        words.append("event")
    changed = [
        f"params.{name} {_shown(before, old, name)} to {_shown(after, new, name)}"
        for name in {**old.params, **new.params}
        if old.params.get(name) != new.params.get(name)
    ]
    if old.when.text != new.when.text or (not changed and old.when.tree != new.when.tree) or old.absence != new.absence:
        words.append("condition")
    return [*words, *changed, *_read_differently(before, after, old, new)]


def _shown(pack: Pack, rule: Rule, name: str) -> str:
    """The value of a param as a person reads it."""
    param = rule.params.get(name)
    return "none" if param is None else shown(param.value, param.type, pack.currency)


def _read_differently(before: Pack, after: Pack, old: Rule, new: Rule) -> Iterator[str]:
    reads = dict.fromkeys((*inputs_of(old.when.tree), *inputs_of(new.when.tree)))
    parts = dict.fromkeys(
        (read.kind, read.name.partition(".")[0] if read.kind == "score" else read.name) for read in reads
    )
    for kind, name in parts:
        if kind in _PARTS:
            word, part_of = _PARTS[kind]
            if part_of(before).get(name) != part_of(after).get(name):
                yield f"{word} {name}"


_PARTS: dict[InputKind, tuple[str, Callable[[Pack], Mapping[str, object]]]] = {
    "feature": ("feature", lambda pack: pack.features),
    "list": ("list", lambda pack: pack.lists),
    "score": ("detector", lambda pack: pack.detectors),
}
"""What inputs of each kind are of, by word and in a pack."""
