"""The outfit: what an engine has of its pack, apart from what it remembers. It can be made while another is in use."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.features import TYPE_CODES, FeaturePlan, feature_plan
from engine.fields import Fields
from engine.intake import Intake
from engine.judgement import Judge
from engine.starting import Starting
from engine.tables import FeatureForms
from rules import Absence, Input, Pack
from schemas import TRANSACTION_TYPES
from windows import Hasher


@dataclass(frozen=True, slots=True)
class Outfit:
    """`judged_kinds` are the types of event that get a decision, `texts` the text fields that anybody reads.

    `watched` are inputs whose values are wanted with each decision, `starting` finds what begins waits.
    """

    pack: Pack
    features: FeaturePlan
    judge: Judge
    judged_kinds: frozenset[int]
    intake: Intake
    forms: FeatureForms
    texts: Fields
    watched: tuple[Input, ...]
    starting: Starting


def outfit_of(pack: Pack, hasher: Hasher, watched: tuple[Input, ...]) -> Outfit:
    """Compiles the pack's conditions; nothing else takes long."""
    judge = Judge(pack, hasher.id, watched)
    features = feature_plan(pack)
    judged = frozenset(TRANSACTION_TYPES).union(*(rule.events for rule in judge.rules))
    intake = Intake(features, hasher, judged)
    return Outfit(
        pack,
        features,
        judge,
        frozenset(map(TYPE_CODES.__getitem__, judged)),
        intake,
        features.forms({read.name for read in judge.inputs if read.kind == "feature"}),
        _texts_read(judge.inputs | intake.guard_inputs, features),
        watched,
        Starting(judge.rules, features.waits, hasher.id),
    )


def obstacle(worn: Pack, other: Pack) -> str | None:
    """What an engine cannot change while it runs, as a sentence, or None: its memory was made by it, or waits by it.

    A pack that waits can change to one that waits alike, with the same windows.
    """
    fixed: tuple[tuple[str, Callable[[Pack], object]], ...] = (
        ("pack", lambda pack: pack.name),
        ("currency", lambda pack: pack.currency),
        ("lateness", lambda pack: f"{pack.timing.lateness_ms} ms"),
        ("skew", lambda pack: f"{pack.timing.skew_ms} ms"),
        ("dedupe", lambda pack: f"{pack.timing.dedupe_ms} ms"),
    )
    for key, of in fixed:
        if of(worn) != of(other):
            return f"expected `{key}` to stay {of(worn)} while it runs, got {of(other)}; start again to change it"
    old, new = _waiting(worn), _waiting(other)
    for rule in (*old, *new):
        if old.get(rule) != new.get(rule):
            return f"expected the rules with an `absence` to stay, but `{rule}` is another; start again to change it"
    if old and not keeps_windows(worn, other):
        return f"expected all features to stay while `{next(iter(old))}` waits; start again to change them"
    return None


def _waiting(pack: Pack) -> dict[str, tuple[object, ...]]:
    """How rules wait, by the rules' ids."""
    return {rule.id: _wait_of(rule.absence) for rule in pack.rules if rule.absence is not None}


def _wait_of(absence: Absence) -> tuple[object, ...]:
    feature = absence.feature
    return absence.start.key, feature.by, absence.within_ms, tuple(each.key for each in feature.filters)


def keeps_windows(worn: Pack, other: Pack) -> bool:
    """Whether the windows of two packs are the same."""
    return same_windows(feature_plan(worn), feature_plan(other))


def same_windows(one: FeaturePlan, other: FeaturePlan) -> bool:
    """Whether windows and what enters them are the same, whatever the features are called."""
    entering = [[each.key for each in features.filters] for features in (one, other)]
    return one.plan.aggregates == other.plan.aggregates and entering[0] == entering[1]


def _texts_read(inputs: Iterable[Input], features: FeaturePlan) -> Fields:
    """The text fields that conditions, keys or features read: those of the windows come first."""
    read = {each.name for each in inputs if each.kind == "field" and each.type == "text"}
    others = (read - {"type"}).union(features.plan.texts.values()).difference(features.plan.ids)
    return Fields((*features.plan.ids, *sorted(others)))
