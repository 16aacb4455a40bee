"""Explaining by what a run keeps: its decisions, and the columns of the events that entered its windows.

The events themselves are not kept. Of their texts there are hashes, and only of those that windows read; what a rule
reads beyond that is not known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import msgspec
import numpy as np

from engine import Entered, Hindsight, Record
from rules import Feature, Filter, Input, Pack, Rule
from rules.fields import PLACE_FIELDS
from rules.literals import shown
from rules.sentences import compile_sentence
from rules.syntax import inputs_of
from schemas import Decision, Value, major_text
from windows import NULL
from workbench.annotations import annotated
from workbench.evaluation import title_of
from workbench.explanation import VERSION, Explained, Explanation, RuleStory, counted_of
from workbench.recount import Fate, Happening, Scan
from workbench.tracing import TRACES_MAX

NOT_KEPT = "(not kept)"

Records = Callable[[], Iterator[Record]]
"""All records of a run that are there, by their turn, read anew with each call."""


class _Found(NamedTuple):
    """A new decision, on event `at` of a record."""

    record: Record
    at: int
    decision: Decision


@dataclass(slots=True)
class _Kept:
    """A happening of which a record has the columns."""

    hindsight: Hindsight
    entered: Entered
    at: int
    amount_minor: int | None

    @property
    def id(self) -> str | None:
        return self.entered.names[self.at]

    @property
    def type(self) -> str | None:
        """Known where the filters that it passed leave no other."""
        passed = [each.events for number, each in enumerate(self.hindsight.plan.filters) if self._has_passed(number)]
        types = frozenset.intersection(*passed) if passed else frozenset[str]()
        return next(iter(types)) if len(types) == 1 else None

    @property
    def user_id(self) -> str | None:
        return self.text("user_id")

    @property
    def moment_ms(self) -> int:
        return int(self.entered.timestamp_ms[self.at])

    @property
    def fate(self) -> Fate:
        return "counted" if self.entered.entering[self.at] else "late"

    def value(self, field: str) -> Value:
        plan = self.hindsight.plan.plan
        if field == "amount":
            return self.amount_minor
        if field in plan.values:
            return _known(self.entered.values[plan.values.index(field), self.at])
        if field in PLACE_FIELDS:
            place = _known(self.entered.values[plan.values.index("geo"), self.at]) if "geo" in plan.values else None
            return None if place is None else _degrees(place)[list(PLACE_FIELDS).index(field)]
        if field in self.entered.texts:
            return self.entered.texts[field][self.at]
        return (int(self.entered.ids[self.at, plan.ids.index(field)]) or None) if field in plan.ids else None

    def text(self, field: str) -> str | None:
        value = self.value(field)
        return value if isinstance(value, str) else None

    def passes(self, wanted: Filter) -> bool:
        filters = self.hindsight.plan.filters
        return self._has_passed(next(number for number, each in enumerate(filters) if each.key == wanted.key))

    def _has_passed(self, number: int) -> bool:
        return bool(int(self.entered.entering[self.at]) >> number & 1)


def explain_kept(pack: Pack, records: Records, name: str, where: str) -> Explained:
    """Explains what was decided on the event with the id `name`, by the records of a run that decided by the pack, or
    one whose windows read the same; `where` they are.
    """
    found: list[_Found] = []
    timers: list[Decision] = []
    repeated = 0
    for record in records():
        for number, decision in _on(record, name):
            if decision.timer is not msgspec.UNSET:
                timers.append(decision)
            elif decision.duplicate is True:
                repeated += 1
            else:
                found.append(_Found(record, record.answers().index(number), decision))
    explanations = [_explanation(pack, records, each) for each in found[:TRACES_MAX]]
    more = max(0, len(found) - TRACES_MAX)
    return Explained(
        VERSION, name, where, pack.version, pack.currency, explanations, more, timers, None, repeated, 0, 0
    )  # fmt: skip


def _on(record: Record, name: str) -> Iterator[tuple[int, Decision]]:
    """The decisions of a record on the id, with their numbers."""
    if name in record.names:
        for number, encoded in enumerate(record.decisions()):
            if record.names[number] == name:
                yield number, msgspec.json.decode(encoded, type=Decision)


def _explanation(pack: Pack, records: Records, of: _Found) -> Explanation:
    hindsight = Hindsight(pack)

    def before() -> Iterator[Record]:
        return takewhile(lambda record: record.turn < of.record.turn, records())

    features = hindsight.features(before(), of.record, of.at)
    rules = [rule for rule in pack.rules if rule.id in (*of.decision.rules, *of.decision.shadow)]
    reads = dict.fromkeys(read for rule in rules for read in inputs_of(rule.when.tree))
    wanted = [pack.features[read.name] for read in reads if read.kind == "feature"]
    found, event = _scanned(hindsight, before(), of, wanted)
    windows = found.windows()
    said = (read for rule in rules for read in compile_sentence(rule, pack).inputs)
    values = {read: _seen(read, event, features) for read in dict.fromkeys((*reads, *said))}
    known = {read: value for read, value in values.items() if value is not NOT_KEPT and read.kind != "list"}
    return Explanation(
        _event(event, pack),
        of.decision,
        [_story(rule, of.decision, values, pack) for rule in rules],
        [counted_of(each, windows.get(each.name), _key_of(each, event), features[each.name], pack) for each in wanted],
        {title_of(read): shown(value, read.type, pack.currency) for read, value in known.items()},
        None,
        _notes(of.decision, pack),
    )


def _scanned(
    hindsight: Hindsight, before: Iterator[Record], of: _Found, wanted: list[Feature]
) -> tuple[Scan, Happening]:
    """The events that may lie in the windows of these features, and the one that is explained."""
    entered = hindsight.entered(of.record)
    event = _Kept(hindsight, entered, of.at, _amount(hindsight, entered, of.at))
    found = Scan(wanted, lambda by: tuple(event.value(name) for name in by))
    plan = hindsight.plan.plan
    columns = [[plan.ids.index(name) for name in by] for by in found.keys]
    since_ms = event.moment_ms - plan.reach_ms
    told: dict[int, _Kept] = {}

    def keep(entered: Entered, count: int) -> None:
        matters = np.zeros(count, dtype=np.bool_)
        for places in columns:
            matters |= (entered.ids[:count, places] == event.entered.ids[of.at, places]).all(axis=1)
        matters &= entered.timestamp_ms[:count] > since_ms
        for at in np.flatnonzero(matters).tolist():
            told[int(entered.events[at])] = kept = _Kept(hindsight, entered, at, _amount(hindsight, entered, at))
            found.kept.append(kept)

    for record in before:
        past = hindsight.entered(record)
        keep(past, len(past.events))
        if past.revaluation is not None and past.revaluation.target in told:
            told[past.revaluation.target].amount_minor = _known(past.revaluation.amount_minor)
    keep(entered, of.at)
    found.kept.append(event)
    return found, event


def _amount(hindsight: Hindsight, entered: Entered, at: int) -> int | None:
    values = hindsight.plan.plan.values
    return _known(entered.values[values.index("amount"), at]) if "amount" in values else None


def _known(value: int | np.int64) -> int | None:
    return None if value == NULL else int(value)


def _degrees(place: int) -> tuple[float, float]:
    """Latitude and longitude of a place as `windows.pack` writes it."""
    return (place >> 32) / 1e7, ((place & (2**32 - 1)) - 2**31) / 1e7


def _seen(read: Input, event: Happening, features: dict[str, Value]) -> Value:
    """What a rule saw, or that it is not kept."""
    if read.kind == "feature":
        return features[read.name]
    if read.kind == "list":
        return True
    value = event.value(read.name) if read.kind == "field" else None
    return NOT_KEPT if value is None or (read.type == "text" and not isinstance(value, str)) else value


def _key_of(feature: Feature, event: Happening) -> dict[str, str | None]:
    return {name: event.text(name) or (None if event.value(name) is None else NOT_KEPT) for name in feature.by}


def _event(event: Happening, pack: Pack) -> dict[str, object]:
    amount = event.value("amount")
    said: dict[str, object] = {"type": event.type or "event"}
    if isinstance(amount, int):
        said |= {"amount": major_text(amount, pack.currency), "currency": pack.currency}
    return said


def _story(rule: Rule, decision: Decision, values: dict[Input, Value], pack: Pack) -> RuleStory:
    told = {reason.rule: reason.text for reason in decision.reasons}
    sentence = compile_sentence(rule, pack)
    overridden = decision.overridden
    return RuleStory(
        rule.id,
        rule.title,
        "live" if rule.id in decision.rules else "shadow",
        rule.then,
        rule.severity,
        rule.reason,
        rule.runbook,
        "hit",
        overridden is not msgspec.UNSET and rule.id in overridden,
        told.get(rule.id) or sentence.render([values[read] for read in sentence.inputs]),
        annotated(rule.when, values, pack.currency),
        [],
        [read.name for read in inputs_of(rule.when.tree) if read.kind == "feature"],
    )


def _notes(decision: Decision, pack: Pack) -> list[str]:
    notes = []
    if decision.pack != pack.version:
        notes.append(f"decided by {decision.pack}; conditions and values are those of {pack.version}")
    gone = [name for name in (*decision.rules, *decision.shadow) if name not in {rule.id for rule in pack.rules}]
    if gone:
        notes.append(f"rules that hit and are not in the pack any more: {', '.join(gone)}")
    if decision.missing:
        notes.append(f"what had no value: {', '.join(decision.missing)}")
    if decision.degraded is not msgspec.UNSET:
        notes.append(f"the event was {decision.degraded}: it is in no window")
    return notes
