"""An explanation: why an event was decided as it was, which events its counts are made of, what would change it."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from rules import Feature, Pack
from rules.literals import duration_text, shown
from rules.scopes import feature_input
from rules.sentences import compile_sentence
from rules.syntax import inputs_of
from schemas import Correction, Decision, Event, Transaction, Value, major_text
from workbench.alternatives import Search, alternatives
from workbench.annotations import annotated
from workbench.evaluation import title_of
from workbench.history import History
from workbench.recount import Fate, Happening, Window, agree, makers, recounted
from workbench.tracing import Progress, Trace, Traced, scan, trace
from workbench.verdict import Conditions, Outcome, Seen, judges

VERSION = 1
"""Raised when a field changes its meaning or goes."""

LISTED_MAX = 100
"""So many events of a window are named, the latest ones; the rest are counted."""

How = Literal["hit", "spared", "missing", "failed", "no_match"]


class Listed(msgspec.Struct, frozen=True):
    """An event in a window. `value` is that of the field which the feature is of, in words. `itself`: the event that is
    explained. `fate` says why it does not count, if it does not. What a state directory does not keep is None.
    """

    id: str | None
    type: str | None
    timestamp: int
    user_id: str | None
    amount: str | None
    value: str | None
    itself: bool
    fate: Fate


class Counted(msgspec.Struct, frozen=True):
    """A feature's value, and the events that make it what it is.

    `value` is the live engine's; `text` says it in words. `key` has the fields whose values these events share; the
    window ends at `end_ms` and holds `in_window` events, `against` those of a rate's longer window. `made_by` are those
    of them that make the value, `more` counts others that do; `left_out` lie there by their time, but do not count.
    `recounted` is the value by these events, and `agrees` whether it is the engine's. Without a key there is no window.
    """

    name: str
    what: str
    value: Value
    text: str
    key: dict[str, str | None]
    start_ms: int
    end_ms: int
    in_window: int
    against: int
    made_by: list[Listed]
    more: int
    left_out: list[Listed]
    left_out_more: int
    recounted: Value
    recounted_text: str
    agrees: bool


class RuleStory(msgspec.Struct, frozen=True):
    """How a rule that judges such events came out.

    A rule in shadow, or one that is off, would have hit. `spared`: its condition holds, but an exception covers the
    event, or the rule has ended. `condition` is its text with the values underneath. `missing` are inputs without a
    value, `features` what of the pack's features it reads. `overridden`: its hit does not count.
    """

    rule: str
    title: str | None
    mode: str
    then: str
    severity: str
    reason: str | None
    runbook: str | None
    how: How
    overridden: bool
    sentence: str
    condition: list[str]
    missing: list[str]
    features: list[str]


class Explanation(msgspec.Struct, frozen=True):
    """One decision on one event. `values` are all that its rules read, in words. `notes` are in words, too.

    `alternatives` are None where too little of the event is known.
    """

    event: dict[str, object]
    decision: Decision
    rules: list[RuleStory]
    counts: list[Counted]
    values: dict[str, str]
    alternatives: Search | None
    notes: list[str]


class Explained(msgspec.Struct, frozen=True):
    """All decisions on events with the id: new ones, of which `more` are not explained, and those by timers.

    `unjudged` is the type of an event that got no decision, where there is no other.
    """

    version: int
    id: str
    data: str
    pack: str
    currency: str
    explanations: list[Explanation]
    more: int
    timers: list[Decision]
    unjudged: str | None
    repeated: int
    conflicting: int
    unread: int


def explain(pack: Pack, history: History, name: str, progress: Progress) -> Explained:
    """Explains what a pack decides on the event with the id `name`, in the midst of a history. Raises HistoryError."""
    traced = trace(pack, history, name, progress)
    return Explained(
        VERSION,
        name,
        history.name,
        pack.version,
        pack.currency,
        [_explanation(pack, history, traced, each) for each in traced.traces],
        traced.decided - len(traced.traces),
        traced.timers,
        None if traced.unjudged is None else traced.unjudged.type,
        traced.repeated,
        traced.conflicting,
        traced.unread,
    )


def _explanation(pack: Pack, history: History, traced: Traced, of: Trace) -> Explanation:
    rules = [rule for rule in pack.rules if judges(rule, of.event.type)]
    seen = Seen(of.values, pack.entries_by_list, of.moment_ms)
    outcomes = Conditions(rules, [rule.when for rule in rules]).outcomes(seen)
    reads = list(dict.fromkeys(read for rule in rules for read in inputs_of(rule.when.tree)))
    features = [pack.features[read.name] for read in reads if read.kind == "feature"]
    windows = scan(pack, history, features, traced, of).windows()
    search = alternatives(pack, of.event.type, seen)
    return Explanation(
        _fields_of(of.event),
        of.decision,
        [_story(each, of, pack) for each in outcomes],
        [
            counted_of(each, windows.get(each.name), _key_of(each, of), of.values[feature_input(each)], pack)
            for each in features
        ],
        {title_of(read): shown(of.values[read], read.type, pack.currency) for read in reads if read.kind != "list"},
        search,
        _notes(outcomes, of.decision, search),
    )


def _fields_of(event: Event) -> dict[str, object]:
    """The event as it came, its amount as a decimal text; without `metadata`, which no rule can read."""
    names = (name for name in event.__struct_fields__ if name != "metadata")
    said = {name: getattr(event, name) for name in names if getattr(event, name) not in (None, {})}
    if isinstance(event, Transaction | Correction):
        said["amount"] = major_text(event.amount_minor, event.currency)
    return {"type": event.type} | said


def _notes(outcomes: Sequence[Outcome], decision: Decision, search: Search) -> list[str]:
    notes = []
    if decision.degraded == "late":
        notes.append("the event came later than `lateness`: it is judged by what was still known, and is in no window")
    if decision.degraded == "future":
        notes.append("the event was further ahead of the stream than `skew`: it is judged as of where the stream stood")
    if "windows" in decision.missing and decision.degraded != "late":
        notes.append("not all that its windows reach was known any more")
    if search.action != decision.action:
        notes.append(
            f"by their conditions alone the rules lead to {search.action}: what would change it is told of that"
        )
    hit = {
        mode: tuple(each.rule.id for each in outcomes if each.hit and each.rule.mode == mode)
        for mode in ("live", "shadow")
    }
    if (hit["live"], hit["shadow"]) != (decision.rules, decision.shadow):
        notes.append(
            "the conditions, evaluated again, do not hit as the engine decided: this is a mistake of riskgate's,"
            " please report it"
        )
    return notes


def _story(outcome: Outcome, of: Trace, pack: Pack) -> RuleStory:
    rule = outcome.rule
    reads = inputs_of(rule.when.tree)
    sentence = compile_sentence(rule, pack)
    overridden = of.decision.overridden
    return RuleStory(
        rule.id,
        rule.title,
        rule.mode,
        rule.then,
        rule.severity,
        rule.reason,
        rule.runbook,
        _how(outcome),
        overridden is not msgspec.UNSET and rule.id in overridden,
        sentence.render([of.values.get(read) for read in sentence.inputs]),
        annotated(rule.when, of.values, pack.currency),
        [title_of(read) for read in reads if read.kind != "list" and of.values.get(read) is None]
        if outcome.missing
        else [],
        [read.name for read in reads if read.kind == "feature"],
    )


def _how(outcome: Outcome) -> How:
    if outcome.failed:
        return "failed"
    if outcome.hit:
        return "hit"
    if outcome.missing:
        return "missing"
    return "spared" if outcome.spared else "no_match"


def what_of(feature: Feature) -> str:
    """What a feature is, in words."""
    of = "" if feature.field is None else f" of {feature.field}"
    words = feature.aggregate if feature.aggregate == "sequence" else f"{feature.aggregate}{of}"
    words += f" by {' and '.join(feature.by)}, over {duration_text(feature.over_ms)}"
    if feature.against_ms:
        words += f" against {duration_text(feature.against_ms)}"
    if feature.delay_ms:
        words += f", {duration_text(feature.delay_ms)} ago"
    if feature.where is not None and feature.where.text:
        words += f", where {' '.join(feature.where.text.split())}"
    return words


def counted_of(
    feature: Feature, window: Window | None, key: dict[str, str | None], value: Value, pack: Pack
) -> Counted:
    """What is told of a feature with this key and value; it has no window where a part of the key is missing."""
    text = shown(value, feature.type, pack.currency)
    if window is None:
        return Counted(
            feature.name, what_of(feature), value, text, key, 0, 0, 0, 0, [], 0, [], 0, None, "missing", value is None
        )
    made = makers(window)
    again = recounted(window)
    return Counted(
        feature.name,
        what_of(feature),
        value,
        text,
        key,
        window.high_ms - feature.over_ms,
        window.high_ms,
        len(window.counted),
        len(window.before),
        [_listed(each, window, pack) for each in made[-LISTED_MAX:]],
        max(0, len(made) - LISTED_MAX),
        [_listed(each, window, pack) for each in window.left_out[-LISTED_MAX:]],
        max(0, len(window.left_out) - LISTED_MAX),
        again,
        shown(again, feature.type, pack.currency),
        agree(again, value),
    )


def _key_of(feature: Feature, of: Trace) -> dict[str, str | None]:
    return {name: getattr(of.event, name, None) for name in feature.by}


def _listed(each: Happening, window: Window, pack: Pack) -> Listed:
    field, minor = window.feature.field, each.value("amount")
    value = None if field is None or field in ("amount", "geo") else each.text(field)
    amount = f"{major_text(minor, pack.currency)} {pack.currency}" if isinstance(minor, int) else None
    return Listed(each.id, each.type, each.moment_ms, each.user_id, amount, value, each is window.event, each.fate)
