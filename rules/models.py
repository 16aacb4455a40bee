"""What a checked pack consists of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

from rules.rates import Rates
from rules.syntax import Condition, Node, ValueType
from rules.syntax import Literal as LiteralValue
from schemas import Action, Value

Then = Literal["allow", "review", "step_up", "block", "tag"]
Answer = Then | Literal["no_match"]
"""What a test expects of its rule."""

Mode = Literal["live", "shadow", "off"]
Severity = Literal["low", "medium", "high", "critical"]
Approval = Literal["second_person"]
OnMissing = Literal["no_match", "match", "degraded"]
Aggregate = Literal[
    "count",
    "sum",
    "mean",
    "min",
    "max",
    "std",
    "distinct",
    "last",
    "first",
    "age",
    "gap",
    "is_new",
    "zscore",
    "rate",
    "median",
    "percentile",
    "top_share",
    "distance",
    "speed",
]

THENS: tuple[Then, ...] = get_args(Then)
MODES: tuple[Mode, ...] = get_args(Mode)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
ON_MISSING: tuple[OnMissing, ...] = get_args(OnMissing)
APPROVALS: tuple[Approval, ...] = get_args(Approval)
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

FilterKey = tuple[frozenset[str], Node | None]


def otherwise(then: Then) -> Answer:
    """What a test expects of a rule with this `then` where it must not match."""
    return "no_match" if then == "allow" else "allow"


NEVER = 2**62
"""When an entry of a list that names no end expires, in epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events enter a window: those of these types that pass the condition, if there is one."""

    events: frozenset[str]
    where: Condition | None

    @property
    def tree(self) -> Node | None:
        return None if self.where is None else self.where.tree

    @property
    def key(self) -> FilterKey:
        """What makes a filter: conditions that mean the same are one, however they are written."""
        return self.events, self.tree


@dataclass(frozen=True, slots=True)
class Feature:
    """An aggregate over the window `(t - over, t]`, shifted into the past by `delay_ms`, of the events of one key.

    `field` is what is aggregated (None for count, age, gap and is_new, and a rate of events; `geo` for a place), `by`
    the fields of the key, `events` the types of event that enter, `where` a condition over their fields. `whole`: the
    values are integers. `min_events` is how many values before the event's own a zscore needs, `against_ms` the longer
    window of a rate, `share` which percentile is meant, in thousandths of a percent.

    The feature of a rule's sequence says whether events that pass the filters `steps` came one after the other, with
    none behind the first that passes one of `unless`; its `events` are those of all of them. That of an absence holds
    what is asked about when a wait is over, which the last of the steps begins and one of `ends` ends.
    """

    name: str
    aggregate: Aggregate | Literal["sequence", "absence"]
    field: str | None
    by: tuple[str, ...]
    over_ms: int
    delay_ms: int
    where: Condition | None
    events: frozenset[str]
    type: ValueType
    whole: bool
    min_events: int = 0
    against_ms: int = 0
    share: int = 0
    steps: tuple[Filter, ...] = ()
    unless: tuple[Filter, ...] = ()
    ends: tuple[Filter, ...] = ()

    @property
    def filters(self) -> tuple[Filter, ...]:
        """An event enters that passes one of these."""
        return (*self.steps, *self.unless, *self.ends) or (Filter(self.events, self.where),)

    @property
    def reach_ms(self) -> int:
        """How far back its longest window reaches."""
        return max(self.over_ms, self.against_ms) + self.delay_ms


@dataclass(frozen=True, slots=True)
class Absence:
    """What does not come: nothing that ends a wait of the `feature`, for `within_ms` after the last of its steps."""

    feature: Feature
    within_ms: int

    @property
    def start(self) -> Filter:
        """What an event passes that begins a wait."""
        return self.feature.steps[-1]


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A named list of texts. `entries` are those of its file: the text, and when it expires in epoch milliseconds."""

    name: str
    file: str
    entries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """A configured detector: its kind, the field of its key, the field it watches, and options such as `half_life`."""

    name: str
    kind: str
    by: str
    of: str
    options: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Given:
    """`repeat` events of one type in a test, `every_ms` apart.

    The first comes `after_ms` after the event before it or at `at_ms`; one of them is None. `fields` are as in JSON.
    """

    event: str
    fields: Mapping[str, Any]
    repeat: int
    every_ms: int
    after_ms: int | None
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Expect:
    """What a test expects after its last event: the rule's own answer, and values of features (None: missing)."""

    then: Answer
    features: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Case:
    """One test inside a rule, and where it is written."""

    name: str
    given: tuple[Given, ...]
    expect: Expect
    file: str
    line: int
    profiles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the profile of each user says."""

    def events(self, currency: str, start_ms: int) -> Iterator[dict[str, Any]]:
        """The events as JSON objects in order of arrival, timed from `start_ms`; what the test leaves out is filled."""
        now_ms, number = start_ms, 0
        for given in self.given:
            if given.at_ms is not None:
                now_ms = start_ms + given.at_ms
            elif number and given.after_ms is not None:
                now_ms += given.after_ms
            for repeat in range(given.repeat):
                now_ms += given.every_ms if repeat else 0
                number += 1
                yield _event(given, currency, now_ms, number)


def _event(given: Given, currency: str, timestamp_ms: int, number: int) -> dict[str, Any]:
    required: dict[str, dict[str, Any]] = {
        "chargeback": {"original_transaction_id": "t1"},
        "reversal": {"original_transaction_id": "t1"},
        "correction": {"original_transaction_id": "t1", "amount": "1", "currency": currency},
        "feedback": {"original_transaction_id": "t1", "fraud": True},
        "order": {"order_id": "o1"},
        "delivery": {"order_id": "o1"},
    }
    transaction = {"transaction_id": f"t{number}", "amount": "1", "currency": currency}
    moves_money = given.event in ("payment", "topup", "refund", "payout", "transfer")
    filled = transaction if moves_money else {"event_id": f"e{number}"} | required.get(given.event, {})
    return {"type": given.event, "timestamp": timestamp_ms, "user_id": "u1"} | filled | dict(given.fields)


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a live rule gives way that matches far more often than it should.

    `expected` is the share of the events that it judges which it should match. Where it matches more than `multiple`
    times that share over `over_ms`, and at least `min_hits` of them, its action is the next one of `steps` from then
    on. The first of these is its own.
    """

    expected: Fraction
    multiple: Fraction
    over_ms: int
    min_hits: int
    steps: tuple[Action, ...]

    @property
    def limit(self) -> Fraction:
        """The share beyond which it trips."""
        return self.expected * self.multiple


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is to be run. `events` are the types of event it judges, `challenge` what a step-up asks for.

    Where it has a sequence, `when` is the condition on its last step, and reads the feature `sequence`.
    A rule with an `absence` is judged at no event, but when the time has passed in vain: its `when` says which of the
    events that could begin a wait do.
    `when` has its exceptions and its end in its tree. Where it matches and is live, the hits of the rules that it
    `overrides` do not count for the action.
    """

    id: str
    title: str | None
    when: Condition
    sequence: Feature | None
    absence: Absence | None
    params: Mapping[str, LiteralValue]
    then: Then
    mode: Mode
    severity: Severity
    reason: str | None
    explain: str | None
    challenge: str | None
    runbook: str | None
    on_missing: OnMissing
    events: frozenset[str]
    tests: tuple[Case, ...]
    overrides: tuple[str, ...] = ()
    breaker: Breaker | None = None

    @property
    def untested(self) -> "Rule":
        """The rule without its tests, which say where they are written and change nothing about it."""
        return replace(self, tests=())

    @property
    def weakest(self) -> Then:
        """The least that it does where it matches and is live, however far it is demoted."""
        return self.then if self.breaker is None else self.breaker.steps[-1]


@dataclass(frozen=True, slots=True)
class Fallback:
    """What an inline caller gets when no honest decision is ready after `deadline_ms`."""

    deadline_ms: int
    then: Action


@dataclass(frozen=True, slots=True)
class Timing:
    """How far events may stray: behind the stream, ahead of it, and between an event and its repetition."""

    lateness_ms: int = 3_600_000
    skew_ms: int = 300_000
    dedupe_ms: int = 86_400_000


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. `rules` are in the pack's order: files by name, then as written.

    `overlay` is the name of the overlay that they are under, if one was chosen; the hash is over its file, too.
    `approval` says who must agree before a rule is put live.
    """

    name: str
    hash: str
    path: Path
    owner: str
    currency: str
    fallback: Fallback | None
    timing: Timing
    features: Mapping[str, Feature]
    lists: Mapping[str, ListSpec]
    detectors: Mapping[str, DetectorSpec]
    rules: tuple[Rule, ...]
    overlay: str | None = None
    approval: Approval | None = None
    rates: Rates = field(default_factory=dict)
    """What money of other currencies is worth in the pack's."""

    @property
    def entries_by_list(self) -> dict[str, Mapping[str, int]]:
        """What the pack's own lists hold: their texts, and when each expires, as conditions and engines read them."""
        return {name: spec.entries for name, spec in self.lists.items()}

    @property
    def version(self) -> str:
        """What decisions say of the pack: `game-points@0123456789ab`, or with an overlay `...ab+prod`."""
        return f"{self.name}@{self.hash}{f'+{self.overlay}' if self.overlay else ''}"
