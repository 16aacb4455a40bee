"""Fingerprints: whether a backtest was made of a rule as it is now."""

import hashlib
from collections.abc import Iterator
from typing import Any

from rules import Pack, Rule
from rules.digests import plain
from rules.syntax import inputs_of


def fingerprint(pack: Pack, rule: Rule) -> str:
    """16 hexadecimal digits over all that tells which events of a history the rule hits, and what it does with them.

    That is its condition with params, macros and exceptions, what it judges, its `then`, and the features, lists and
    detectors that it reads. Its mode, its tests, and texts for people are not in it.
    """
    own = (rule.id, rule.when, rule.sequence, rule.absence, rule.then, rule.on_missing, rule.events, rule.overrides)
    read = sorted(_read(pack, rule), key=lambda each: each[:2])
    everything = plain((own, read, pack.currency, pack.timing))
    return hashlib.sha256(repr(everything).encode()).hexdigest()[:16]


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
