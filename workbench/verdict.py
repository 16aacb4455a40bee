"""The verdict on one event by the rules of a pack, from the values that it saw, as often as one likes with other ones.

The conditions are those that the live engine runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine import action_of
from rules import Condition, Input, Rule
from rules.conditions import Scalar, compile_scalar
from schemas import Action, Value

Values = Mapping[Input, Value]
Lists = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Seen:
    """What the conditions saw of an event: None where an input was missing. `moment_ms` is as of when it is judged."""

    values: Values
    lists: Lists
    moment_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one rule came out. `hit` by its condition, or where that was `missing` by `on_missing: match`; where it
    `failed` it does neither. `spared`: its condition holds, but not for this event, as an exception or its end says.
    """

    rule: Rule
    hit: bool
    missing: bool
    failed: bool
    spared: bool


@dataclass(frozen=True)
class Conditions:
    """Rules with the conditions that they are judged by, those of their own or others."""

    rules: Sequence[Rule]
    conditions: Sequence[Condition]

    @cached_property
    def _together(self) -> Scalar:
        return compile_scalar(dict(enumerate(self.conditions)))

    def hits(self, seen: Seen) -> list[bool]:
        """For each rule whether it hits."""
        try:
            hit, lack = _evaluated(self._together, seen)
        except Exception:  # noqa: BLE001 whatever a rule raises costs only itself
            return [each.hit for each in self.outcomes(seen)]
        return [
            bool(hit >> number & 1) or (bool(lack >> number & 1) and rule.on_missing == "match")
            for number, rule in enumerate(self.rules)
        ]

    def outcomes(self, seen: Seen) -> list[Outcome]:
        return [self._outcome(rule, when, seen) for rule, when in zip(self.rules, self.conditions, strict=True)]

    def _outcome(self, rule: Rule, when: Condition, seen: Seen) -> Outcome:
        try:
            hit, lack = _evaluated(compile_scalar({0: when}), seen)
        except Exception:  # noqa: BLE001 as above
            return Outcome(rule, hit=False, missing=False, failed=True, spared=False)
        spared = False
        if not hit and not lack and (free := when.unrestricted) is not None:
            spared = _evaluated(compile_scalar({0: free}), seen)[0] != 0
        return Outcome(
            rule,
            hit=bool(hit) or (bool(lack) and rule.on_missing == "match"),
            missing=bool(lack),
            failed=False,
            spared=spared,
        )


def _evaluated(conditions: Scalar, seen: Seen) -> tuple[int, int]:
    values = [seen.values.get(read) for read in conditions.inputs]
    return conditions.evaluate(values, seen.lists, seen.moment_ms)


def judges(rule: Rule, event_type: str) -> bool:
    """Whether the rule is judged at events of this type."""
    return rule.absence is None and event_type in rule.events


def live_action(rules: Sequence[Rule], hits: Sequence[bool]) -> Action:
    """The action that follows where these of the live rules hit."""
    return action_of([rule for rule, hit in zip(rules, hits, strict=True) if hit])
