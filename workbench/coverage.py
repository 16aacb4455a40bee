"""Which parts of a rule's condition its tests have seen true, and seen false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rules import Input, Pack, Rule
from rules.conditions import compile_scalar
from schemas import Value


class Moment(NamedTuple):
    """What was read of one event that was decided, and when the event was."""

    values: Mapping[Input, Value]
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Branch:
    """One comparison, membership or name in a rule's condition, and at how many events it was true and false."""

    rule: str
    text: str
    true: int
    false: int

    @property
    def is_covered(self) -> bool:
        return self.true > 0 and self.false > 0


def branches_of(rule: Rule, pack: Pack, moments: Sequence[Moment]) -> list[Branch]:
    """The branches of a rule in the order of its condition; one that was missing was neither true nor false."""
    leaves = rule.when.leaves
    scalar = compile_scalar({number: replace(rule.when, tree=leaf.node) for number, leaf in enumerate(leaves)})
    lists = pack.entries_by_list
    true, false = [0] * len(leaves), [0] * len(leaves)
    for moment in moments:
        row = [moment.values.get(read) for read in scalar.inputs]
        hit, lack = scalar.evaluate(row, lists, moment.timestamp_ms)
        for number in range(len(leaves)):
            true[number] += hit >> number & 1
            false[number] += ~(hit | lack) >> number & 1
    texts = [" ".join(rule.when.text[leaf.start : leaf.end].split()) for leaf in leaves]
    return [Branch(rule.id, *branch) for branch in zip(texts, true, false, strict=True)]
