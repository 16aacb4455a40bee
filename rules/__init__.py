"""The rule language: a pack of YAML and lists is loaded, checked as a whole, and compiled.

`load` reads a pack and never raises for what is in it. `rules.conditions` and `rules.columns` compile conditions, for
one event and for columns of many; `rules.sentences` says why a rule matched; `rules.findings.render` prints findings.
"""

from rules.digests import digest_of
from rules.findings import CODES, Finding, Place
from rules.loader import Loaded, load
from rules.models import (
    NEVER,
    Absence,
    Breaker,
    Case,
    DetectorSpec,
    Expect,
    Fallback,
    Feature,
    Filter,
    Given,
    ListSpec,
    Pack,
    Rule,
    Timing,
)
from rules.syntax import Condition, Input, Literal, ValueType

__all__ = [
    "CODES",
    "NEVER",
    "Absence",
    "Breaker",
    "Case",
    "Condition",
    "DetectorSpec",
    "Expect",
    "Fallback",
    "Feature",
    "Filter",
    "Finding",
    "Given",
    "Input",
    "ListSpec",
    "Literal",
    "Loaded",
    "Pack",
    "Place",
    "Rule",
    "Timing",
    "ValueType",
    "digest_of",
    "load",
]
