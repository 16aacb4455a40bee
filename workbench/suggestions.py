"""Suggestions: which live rules can go, and which threshold would catch what is missed, as one document.

Money is in major units of the pack's currency, as decimal text. What is suggested was found in the first period; the
last one checks it: rules that would be missed there stay, and what thresholds do there stands beside them.
"""

from collections.abc import Sequence

import msgspec

from rules import Input, Pack
from schemas import major_text
from workbench import pruning
from workbench.evaluation import Outcome, Places, title_of
from workbench.feature_table import Progress
from workbench.holdout import Part, Split
from workbench.measurement import Proportion, View, proportion
from workbench.missed import Ground, Threshold, inputs_to_try
from workbench.pruning import Loss, pruned
from workbench.threshold_rules import threshold_rule

VERSION = 1
"""Of the document: raised when a field changes its meaning or goes."""

THRESHOLDS_MAX = 10
"""So many thresholds are suggested."""


class Lost(msgspec.Struct, frozen=True):
    """A `pruning.Loss` with its money in major units; `net_money` is what is lost less what is gained."""

    fraud_freed: int
    fraud_freed_money: str
    good_stopped: int
    good_stopped_money: str
    good_freed: int
    good_freed_money: str
    fraud_stopped: int
    fraud_stopped_money: str
    unknown: int
    net_money: str


class Removal(msgspec.Struct, frozen=True):
    """A live rule, and what is decided otherwise without it in both periods; `hits` are its own in both."""

    rule: str
    then: str
    hits: int
    first: Lost
    last: Lost


class Kept(msgspec.Struct, frozen=True):
    """A rule that is not looked at, and why."""

    rule: str
    why: str


class Caught(msgspec.Struct, frozen=True):
    """What a threshold hits in one period of what the live rules let through; `recall` is of the missed fraud."""

    hits: int
    alerts_a_day: float
    fraud: int
    good: int
    precision: Proportion | None
    recall: Proportion | None
    money_caught: str
    good_money_stopped: str
    net_money: str


class Suggestion(msgspec.Struct, frozen=True):
    """A threshold on one input, as a rule to paste. `holds`: it gains money in the period held out, too."""

    condition: str
    input: str
    events: list[str]
    first: Caught
    last: Caught
    holds: bool
    rule: str


class Missed(msgspec.Struct, frozen=True):
    """Fraud that the live rules let through, of all, in one period."""

    fraud: int
    of: int
    money: str


class Suggestions(msgspec.Struct, frozen=True):
    """All that is suggested; `inputs` is how many were tried.

    `going` are the rules that can go, in this order, each given those that are left then; `lost_first` and `lost_last`
    are what is decided otherwise without all of them. `staying` ones would be missed in one of the periods, each given
    that the others are gone; those that would be missed least come first. `kept` ones were not looked at.
    """

    version: int
    pack: str
    data: str
    currency: str
    first: Part
    last: Part
    live: int
    going: list[Removal]
    lost_first: Lost
    lost_last: Lost
    staying: list[Removal]
    kept: list[Kept]
    missed_first: Missed
    missed_last: Missed
    inputs: int
    thresholds: list[Suggestion]


def suggestions_of(split: Split, data: str, progress: Progress) -> Suggestions:
    """What is suggested for the pack of the split; `data` says what the events are."""
    first, last = split.first, split.last
    pack, grounds = first.evaluation.pack, (Ground(first), Ground(last))
    kept, inputs = _kept(first), inputs_to_try(first)
    names = {each.rule for each in kept}
    candidates = [at for at, each in enumerate(first.evaluation.live) if each.rule.id not in names]
    found = pruned(first, last, candidates)
    return Suggestions(
        version=VERSION,
        pack=pack.version,
        data=data,
        currency=pack.currency,
        first=_part(first),
        last=_part(last),
        live=len(first.evaluation.live),
        going=[_removal(split, each) for each in found.going],
        lost_first=_lost(found.first, pack),
        lost_last=_lost(found.last, pack),
        staying=[_removal(split, each) for each in found.staying],
        kept=kept,
        missed_first=_missed(grounds[0]),
        missed_last=_missed(grounds[1]),
        inputs=len(inputs),
        thresholds=_thresholds(grounds, inputs, progress),
    )


def _kept(view: View) -> list[Kept]:
    """Live rules of which the data does not say whether they can go."""
    kept = []
    for outcome in view.evaluation.live:
        why = _why_kept(outcome)
        if why:
            kept.append(Kept(outcome.rule.id, why))
    return kept


def _why_kept(outcome: Outcome) -> str:
    rule = outcome.rule
    if rule.absence is not None:
        return "it waits for what does not come, where no other rule decides"
    if rule.then == "tag":
        return "it tags, and decides nothing"
    if not outcome.measured:
        lacking = ", ".join(outcome.unmeasured)
        return f"UNMEASURED: no event has {lacking}" if lacking else "UNMEASURED: it judges none of the events"
    return ""


def _part(view: View) -> Part:
    fraud, good = int(view.truth.fraud.sum()), int(view.truth.good.sum())
    return Part(view.start_ms, view.end_ms, view.span_days, len(view.table), fraud, good)


def _removal(split: Split, removal: pruning.Removal) -> Removal:
    pack = split.first.evaluation.pack
    outcomes = [each.evaluation.live[removal.number] for each in (split.first, split.last)]
    hits = sum(len(each.hits) for each in outcomes)
    rule = outcomes[0].rule
    return Removal(rule.id, rule.then, hits, _lost(removal.first, pack), _lost(removal.last, pack))


def _lost(loss: Loss, pack: Pack) -> Lost:
    def money(minor: int) -> str:
        return major_text(minor, pack.currency)

    return Lost(
        loss.fraud_freed,
        money(loss.fraud_freed_minor),
        loss.good_stopped,
        money(loss.good_stopped_minor),
        loss.good_freed,
        money(loss.good_freed_minor),
        loss.fraud_stopped,
        money(loss.fraud_stopped_minor),
        loss.unknown,
        money(loss.net_minor),
    )


def _missed(ground: Ground) -> Missed:
    view, missed = ground.view, ground.missed
    return Missed(len(missed), int(view.truth.fraud.sum()), major_text(view.fraud_minor(missed), _currency(view)))


def _currency(view: View) -> str:
    return view.evaluation.pack.currency


def _thresholds(grounds: tuple[Ground, Ground], inputs: Sequence[Input], progress: Progress) -> list[Suggestion]:
    """The best threshold of each input, upwards or downwards; those that gain the most money first."""
    first, last = grounds
    found = []
    for number, read in enumerate(inputs, 1):
        tried = [each for upward in (True, False) if (each := first.best(read, upward=upward)) is not None]
        pairs = [(each, first.caught(each)) for each in tried]
        found += sorted(pairs, key=lambda pair: -_net_minor(first.view, pair[1]))[:1]
        progress(number / len(inputs))
    gaining = [pair for pair in found if _net_minor(first.view, pair[1]) > 0]
    gaining.sort(key=lambda pair: -_net_minor(first.view, pair[1]))
    return [_suggestion(first, last, each, places) for each, places in gaining[:THRESHOLDS_MAX]]


def _suggestion(first: Ground, last: Ground, threshold: Threshold, places: Places) -> Suggestion:
    pack = first.view.evaluation.pack
    held_out = last.caught(threshold)
    return Suggestion(
        condition=threshold.text(pack.currency),
        input=title_of(threshold.read),
        events=list(threshold.events),
        first=_caught(first, places),
        last=_caught(last, held_out),
        holds=_net_minor(last.view, held_out) > 0,
        rule=threshold_rule(pack, threshold),
    )


def _net_minor(view: View, places: Places) -> int:
    return view.fraud_minor(places) - view.good_minor(places)


def _caught(ground: Ground, places: Places) -> Caught:
    view = ground.view
    fraud = view.count_fraud(places)
    return Caught(
        hits=len(places),
        alerts_a_day=round(len(places) / view.span_days, 3),
        fraud=fraud,
        good=view.count_good(places),
        precision=view.precision(places),
        recall=proportion(fraud, len(ground.missed)),
        money_caught=major_text(view.fraud_minor(places), _currency(view)),
        good_money_stopped=major_text(view.good_minor(places), _currency(view)),
        net_money=major_text(_net_minor(view, places), _currency(view)),
    )
