"""What a rule is, in a few characters: two rules with one digest decide alike, also in another process."""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

from rules.models import Pack, Rule
from rules.syntax import Condition, inputs_of

DIGEST_CHARS = 12


def digest_of(rule: Rule, pack: Pack) -> str:
    """12 hexadecimal digits over the rule without its tests, and over the features and detectors that it reads.

    How a condition is written makes no difference, nor what lists hold.
    """
    reads = inputs_of(rule.when.tree)
    names = {read.name if read.kind == "feature" else read.name.partition(".")[0] for read in reads}
    used = [
        rule.untested,
        *(pack.features[name] for name in sorted(names & pack.features.keys())),
        *(pack.detectors[name] for name in sorted(names & pack.detectors.keys())),
    ]
    return hashlib.sha256(repr(plain(used)).encode()).hexdigest()[:DIGEST_CHARS]


def plain(value: Any) -> Any:
    """The value as lists and texts, the same in every process; conditions as what they mean."""
    match value:
        case Condition():
            return plain(value.tree)
        case Mapping():
            return sorted((str(key), repr(plain(each))) for key, each in value.items())
        case Set():
            return sorted(repr(plain(each)) for each in value)
        case list() | tuple():
            return [plain(each) for each in value]
    if is_dataclass(value):
        return [type(value).__name__, *(plain(getattr(value, each.name)) for each in fields(value) if each.compare)]
    return repr(value)
