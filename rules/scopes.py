"""What the names in an expression mean, where it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOfThese

from rules.fields import EVENT_WORDS, FIELDS, fields_on
from rules.models import Feature
from rules.syntax import Input, Literal, Node, inputs_of

Where = OneOfThese["a rule", "a macro", "`where`", "a step"]
Kind = OneOfThese["feature", "macro", "list", "detector", "param"]

SCORE_PARTS = ("value", "quantile")


@dataclass(frozen=True, slots=True)
class Macro:
    """A named expression; `nodes` and `depth` are its size with the macros in it put in."""

    name: str
    tree: Node
    nodes: int
    depth: int


@dataclass(slots=True)
class Vocabulary:
    """What a pack defines. A name that is defined, but wrongly, is in `broken`: its use is no second finding.

    `rated` are other currencies than the pack's that have rates.
    """

    currency: str
    rated: frozenset[str] = frozenset()
    features: dict[str, Feature] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    detectors: set[str] = field(default_factory=set)
    macros: set[str] = field(default_factory=set)
    broken: set[tuple[Kind, str]] = field(default_factory=set)
    used: set[tuple[Kind, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Scope:
    """The vocabulary as seen from one expression.

    `events` are the types of event it is for (None in a macro, which is looked at again where it is used), `params` the
    params of the rule (None where there is no rule; a value is None when its literal was wrong).
    """

    where: Where
    vocabulary: Vocabulary
    events: frozenset[str] | None
    params: Mapping[str, Literal | None] | None
    macro: Callable[[str], Macro | None]

    @property
    def is_alone(self) -> bool:
        """Whether the expression knows the event alone, and nothing of earlier ones or of the pack."""
        return self.where in ("`where`", "a step")

    def names(self) -> list[str]:
        """Names that can stand alone here."""
        fields = list(FIELDS) if self.events is None else fields_on(self.events)
        features = [] if self.is_alone else list(self.vocabulary.features)
        return [*fields, *features, *self.vocabulary.macros]

    def lacking(self, tree: Node) -> dict[str, frozenset[str]]:
        """Fields that a tree or the keys of its features need, with the types of event here that lack them."""
        if self.events is None:
            return {}
        needed: dict[str, None] = {}
        for read in inputs_of(tree):
            if read.kind == "field":
                needed[read.name] = None
            elif read.kind == "feature":
                needed |= dict.fromkeys(self.vocabulary.features[read.name].by)
        return {name: self.events - FIELDS[name].events for name in needed if not self.events <= FIELDS[name].events}


def feature_input(feature: Feature) -> Input:
    return Input("feature", feature.name, feature.type, feature.whole)


def score_input(name: str, part: str) -> Input:
    return Input("score", f"{name}.{part}", "number")


def events_text(events: frozenset[str] | None) -> str:
    """Types of event as a message names them."""
    if events is None:
        return "any event"
    if events == EVENT_WORDS["transaction"]:
        return "`transaction`"
    return ", ".join(f"`{event}`" for event in sorted(events))
