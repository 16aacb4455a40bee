"""Fingerprints: whether a backtest was made of a rule as it is now."""

import hashlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

from rules import Condition, Pack, Rule
from rules.syntax import inputs_of


def fingerprint(pack: Pack, rule: Rule) -> str:
    """16 hexadecimal digits over all that tells which events of a history the rule hits, and what it does with them.

    That is its condition with params, macros and exceptions, what it judges, its `then`, and the features, lists and
    detectors that it reads. Its mode, its tests, and texts for people are not in it.
    """
    own = (rule.id, rule.when, rule.sequence, rule.absence, rule.then, rule.on_missing, rule.events, rule.overrides)
    read = sorted(_read(pack, rule), key=lambda each: each[:2])
    plain = _plain((own, read, pack.currency, pack.timing))
    return hashlib.sha256(repr(plain).encode()).hexdigest()[:16]


def _read(pack: Pack, rule: Rule) -> Iterator[tuple[str, str, Any]]:
    """What the rule reads besides the event: kind, name and definition of each."""
    for each in inputs_of(rule.when.tree):
        if each.kind == "feature" and each.name in pack.features:
            yield "feature", each.name, pack.features[each.name]
        elif each.kind == "list":
            yield "list", each.name, pack.lists[each.name].entries
        elif each.kind == "score":
            name = each.name.partition(".")[0]
            yield "detector", name, pack.detectors[name]


def _plain(value: Any) -> Any:
    """The value as texts, numbers and lists, the same in every process; conditions as what they mean."""
    if isinstance(value, Condition):
        return _plain(value.tree)
    if is_dataclass(value):
        return [type(value).__name__, *(_plain(getattr(value, each.name)) for each in fields(value) if each.compare)]
    if isinstance(value, Mapping):
        return sorted(([name, _plain(each)] for name, each in value.items()), key=repr)
    if isinstance(value, Set):
        return sorted(map(_plain, value), key=repr)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
