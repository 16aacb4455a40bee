"""The parts of a pack as its text and as what they mean, for an oracle that reads no YAML."""

from dataclasses import dataclass
from fractions import Fraction

from rules import ValueType
from schemas import Action
from support.expression_oracle import Typed
from support.expressions import ExceptionText
from windows import Kind

MACRO = 'method == "card"'
LISTS = ("blocked", "gone", "unread")


@dataclass(frozen=True)
class FeatureText:
    """One feature and what it means; `type` is that of its values."""

    name: str
    kind: Kind
    of: str | None
    by: tuple[str, ...]
    over_ms: int
    delay_ms: int
    where: str | None
    events: frozenset[str]
    type: ValueType
    yaml: str
    least: int
    against_ms: int
    share: int


Entering = tuple[frozenset[str], str | None]
"""Types of event, and a condition on their fields."""


@dataclass(frozen=True)
class SequenceText:
    """A rule's sequence up to its last step, and what it means; `name` is that of its feature."""

    name: str
    by: tuple[str, ...]
    within_ms: int
    steps: tuple[Entering, ...]
    unless: tuple[Entering, ...]


@dataclass(frozen=True)
class AbsenceText:
    """What a rule waits for in vain, after which events."""

    by: tuple[str, ...]
    within_ms: int
    steps: tuple[Entering, ...]
    unless: tuple[Entering, ...]
    ends: tuple[Entering, ...]
    """What is absent, and what is in `unless`."""


@dataclass(frozen=True)
class BreakerText:
    """Beyond which share of the judged events, and from how many hits on, a rule is demoted, over which time, and from
    what to what.
    """

    limit: Fraction
    over_ms: int
    min_hits: int
    steps: tuple[Action, ...]


@dataclass(frozen=True)
class RuleText:
    """One rule and what it means; `explain` is made of texts and names in turn.

    Where it has a `sequence`, `when` is what is to hold at the last step. One with an `absence` has none.
    A rule that allows has no effect from `expires_ms` on.
    """

    id: str
    when: str
    sequence: SequenceText | None
    absence: AbsenceText | None
    params: dict[str, Typed]
    then: str
    mode: str
    on_missing: str
    reason: str | None
    explain: tuple[str, ...]
    challenge: str | None
    exceptions: tuple[ExceptionText, ...]
    overrides: tuple[str, ...]
    expires_ms: int
    events: frozenset[str]
    yaml: str
    breaker: BreakerText | None = None


@dataclass(frozen=True)
class PackText:
    """A pack's parts. `body` is what follows the head of `pack.yml`."""

    lateness_ms: int
    skew_ms: int
    dedupe_ms: int
    features: tuple[FeatureText, ...]
    rules: tuple[RuleText, ...]
    detector: tuple[str, str, int, int] | None
    """The field of its key, the field it watches, half-life and warm-up."""

    @property
    def body(self) -> str:
        lists = "".join(f"  {name}: {{type: string, file: empty.csv}}\n" for name in LISTS)
        detector = ""
        if self.detector is not None:
            by, of, half_life, warm_up = self.detector
            options = f"half_life: {half_life} events, warm_up: {warm_up} events"
            detector = f"detectors:\n  own: {{kind: own_baseline, by: {by}, of: {of}, {options}}}\n"
        features = "".join(each.yaml for each in self.features)
        rules = "".join(each.yaml for each in self.rules)
        timing = f"lateness: {self.lateness_ms}ms\nskew: {self.skew_ms}ms\ndedupe: {self.dedupe_ms}ms\n"
        return f"{timing}macros: {{is_card: '{MACRO}'}}\nlists:\n{lists}{detector}features:\n{features}rules:\n{rules}"
