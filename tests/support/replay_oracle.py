"""What a replay has to say: decisions of the same event, in order, held against each other; slow and plain."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from schemas import Decision


class Counts(NamedTuple):
    identical: int
    different: int
    missing: int
    extra: int


def compared(now: Sequence[Decision], then: Sequence[Decision]) -> Counts:
    """How many decisions of both sides are the same but for their pack, differ, or are on one side alone."""
    sides: dict[tuple[object, ...], tuple[list[Decision], list[Decision]]] = defaultdict(lambda: ([], []))
    for side, decisions in enumerate((now, then)):
        for each in decisions:
            sides[each.transaction_id, each.timer, each.duplicate][side].append(each)
    counts = [0, 0, 0, 0]
    for ours, theirs in sides.values():
        for one, other in zip_longest(ours, theirs):
            if one is None or other is None:
                counts[3 if one is None else 2] += 1
            else:
                counts[one != msgspec.structs.replace(other, pack=one.pack)] += 1
    return Counts(*counts)
