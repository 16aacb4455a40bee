"""The action on one event by the texts of a random pack's rules, from the values that it saw: slow and plain."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from rules import Input
from rules.syntax import PREFIXES
from schemas import Action, Event, Value
from support.cuts import Lists
from support.engine_oracle import STRENGTH
from support.expression_oracle import Typed, World, outcome
from support.pack_texts import MACRO, PackText, RuleText
from support.random_packs import COMMON, OF_TRANSACTIONS


class Told(NamedTuple):
    """An event, what was seen of it, and as of when."""

    event: Event
    values: Mapping[Input, Value]
    lists: Lists
    moment_ms: int


def action(pack: PackText, told: Told, params: Mapping[tuple[str, str], Any] | None = None) -> Action:
    """The strongest action of the live rules that match and that no other one overrides.

    `params` are values in place of a rule's own, by rule and name.
    """
    hits = [
        rule
        for rule in pack.rules
        if rule.mode == "live" and rule.absence is None and told.event.type in rule.events
        if _matches(rule, told, params or {})
    ]
    overridden = {name for rule in hits for name in rule.overrides}
    acting: Sequence[Action] = [
        cast(Action, rule.then) for rule in hits if rule.id not in overridden and rule.then != "tag"
    ]
    return max(acting, key=STRENGTH.index, default=STRENGTH[0])


def _matches(rule: RuleText, told: Told, params: Mapping[tuple[str, str], Any]) -> bool:
    names = _names(told)
    for name, typed in rule.params.items():
        value = params.get((rule.id, name), typed.value)
        names[f"params.{name}"] = Typed(value, typed.type, typed.bare)
    world = World(names, told.lists, told.moment_ms)
    names["is_card"] = Typed(outcome(MACRO, world), "bool")
    found = outcome(rule.when, world)
    has_ended = rule.then == "allow" and told.moment_ms >= rule.expires_ms
    if has_ended or any(each.covers(world) for each in rule.exceptions):
        return False
    return bool(found) or (found is None and rule.on_missing == "match")


def _names(told: Told) -> dict[str, Typed]:
    """What the rules can read, by the names that they use."""
    names = {name: Typed(getattr(told.event, name, None), kind) for name, kind in (COMMON | OF_TRANSACTIONS).items()}
    for read, value in told.values.items():
        names[PREFIXES.get(read.kind, "") + read.name] = Typed(value, read.type)
    return names
