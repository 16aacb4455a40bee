"""Findings about conditions that can never be true, or never false, and about the parts that make them so."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import isinf
from typing import Literal as OneOfThese
from typing import NamedTuple

from rules.domains import Domain
from rules.findings import Code, Ledger
from rules.literals import duration_text, shown
from rules.models import OnMissing
from rules.proofs import Outcome, Prover
from rules.scopes import events_text
from rules.syntax import (
    PREFIXES,
    Call,
    Compare,
    Condition,
    Input,
    Junction,
    Literal,
    Node,
    Not,
    OneOf,
    Part,
    Read,
    inputs_of,
)
from rules.trees import Scalar

Verdict = OneOfThese["never", "always"]
"""Never true, or never false: always true where it is not missing."""

_PAIRED_MAX = 32
"""So many parts of a condition are held against each other to tell which two make it constant."""


class Checked(NamedTuple):
    """A condition with the place where it is written; `subject` is what a message says of it as a whole."""

    condition: Condition
    scalar: Scalar
    subject: str
    on_missing: OnMissing = "no_match"


def verdict_of(node: Node, prover: Prover) -> Verdict | None:
    """What can be proven of a condition, if anything."""
    if not prover.possible([(node, "true")]):
        return "never"
    return None if prover.possible([(node, "false")]) else "always"


def check_verdicts(checked: Checked, prover: Prover, ledger: Ledger) -> None:
    """Reports what can be proven of a condition as a whole, else of its parts."""
    condition = checked.condition
    if not inputs_of(condition.tree):
        return
    judged = [(part, verdict_of(part.node, prover)) for part in condition.leaves]
    constant = [(part, verdict) for part, verdict in judged if verdict is not None]
    whole = verdict_of(condition.tree, prover)
    reporter = _Reporter(checked, prover, ledger)
    if whole is not None:
        reporter.report_whole(whole, constant)
    elif constant:
        for part, verdict in constant:
            reporter.report_part(part, verdict)
    else:
        for part in condition.parts:
            found = verdict_of(part.node, prover) if isinstance(part.node, Junction) else None
            if found is not None:
                reporter.report_part(part, found)


class _Reporter:
    """Words the findings of one condition."""

    def __init__(self, checked: Checked, prover: Prover, ledger: Ledger) -> None:
        self.checked = checked
        self.condition = checked.condition
        self.prover = prover
        self.ledger = ledger

    def report_whole(self, verdict: Verdict, constant: Sequence[tuple[Part, Verdict]]) -> None:
        tree, subject = self.condition.tree, self.checked.subject
        code: Code = "never-matches" if verdict == "never" else "always-matches"
        consequence = f"{subject} never matches" if verdict == "never" else f"{subject} matches all that it looks at"
        if verdict == "never" and self.checked.on_missing == "match" and self.prover.possible([(tree, "missing")]):
            code, consequence = "constant-condition", f"{subject} matches only where a value is missing"
        guilty = next((part for part, found in constant if self._decides(part, found, verdict)), None)
        if guilty is not None:
            self._report(code, guilty, f"{self._told(guilty, dict(constant)[guilty])}: {consequence}")
            return
        first, second = next(self._clashing(verdict), (None, None))
        if first is None or second is None:
            outcome = "true" if verdict == "never" else "false"
            self._report(code, self.condition.parts[0], f"this is never {outcome}: {consequence}")
            return
        both = f"{self._text(first)} and {self._text(second)}"
        how = "are never true together" if verdict == "never" else "are never false together"
        hint = None
        if any(read.name == "currency" for part in (first, second) for read in inputs_of(part.node)):
            known = " or ".join(sorted(self.prover.domain.currencies))
            hint = f"an amount in another currency than {known} is missing"
        self._report(code, second, f"{both} {how}: {consequence}", hint)

    def report_part(self, part: Part, verdict: Verdict) -> None:
        code: Code = "out-of-reach" if isinstance(part.node, Compare) and _bounded(part.node) else "constant-condition"
        self._report(code, part, self._told(part, verdict))

    def _report(self, code: Code, part: Part, message: str, hint: str | None = None) -> None:
        self.ledger.report(code, self.checked.scalar.spot_of(part.start, part.end), message, hint)

    def _decides(self, part: Part, found: Verdict, verdict: Verdict) -> bool:
        """Whether a part that comes out as `found` alone makes the whole come out as `verdict`."""
        return _carries(self.condition.tree, part.node, found, verdict)

    def _clashing(self, verdict: Verdict) -> Iterator[tuple[Part, Part]]:
        """Two parts of which one must be true, or false, though they cannot both be."""
        outcome: Outcome = "true" if verdict == "never" else "false"
        joined = set(_joined(self.condition.tree, "and" if verdict == "never" else "or"))
        parts = [part for part in self.condition.parts if part.node in joined][:_PAIRED_MAX]
        for first, second in combinations(parts, 2):
            if not self.prover.possible([(first.node, outcome), (second.node, outcome)]):
                yield first, second

    def _text(self, part: Part) -> str:
        text = " ".join(self.condition.text[part.start : part.end].split())
        return f"`{text if len(text) <= 60 else text[:57] + '...'}`"

    def _told(self, part: Part, verdict: Verdict) -> str:
        reason = _reason(part.node, self.prover.domain)
        outcome = "never true" if verdict == "never" else "never false"
        return f"{self._text(part)} is {outcome}{'' if reason is None else f', since {reason}'}"


def _bounded(node: Compare) -> Read | None:
    """The number, money or duration that is compared with a literal, None for any other comparison."""
    pairs = ((node.left, node.right), (node.right, node.left))
    found = next((each for each, other in pairs if isinstance(other, Literal)), None)
    return found if isinstance(found, Read) and found.type in ("number", "money", "duration") else None


def _reason(node: Node, domain: Domain) -> str | None:
    """Why one comparison or membership always comes out the same, where that can be said in a few words."""
    match node:
        case Not():
            return _reason(node.operand, domain)
        case Compare(left=Call(function="lower")) | OneOf(operand=Call(function="lower")):
            return "`lower` gives no capitals"
        case (
            Compare(left=Read(input=Input(kind="field", name="type")))
            | OneOf(operand=Read(input=Input(kind="field", name="type")))
        ):
            return f"only {events_text(domain.events)} comes here"
        case Compare() if found := _bounded(node):
            return _reach(found, domain)
    return None


def _reach(read: Read, domain: Domain) -> str | None:
    name = _name_of(read.input)
    feature = domain.features.get(read.input.name) if read.input.kind == "feature" else None
    if feature is not None and feature.aggregate in ("age", "gap"):
        return f"`{name}` is less than its window of {duration_text(feature.over_ms)}"
    ends = [shown(end, read.type, domain.currency) for end in domain.interval(read.input) if not isinf(end)]
    return None if not ends else f"`{name}` is {'from ' if len(ends) == 2 else 'at least '}{' to '.join(ends)}"


def _name_of(read: Input) -> str:
    return PREFIXES.get(read.kind, "") + read.name


def _joined(node: Node, word: str) -> Iterator[Node]:
    """The operands of a junction, and of the same junctions in it."""
    if isinstance(node, Junction) and node.word == word:
        for operand in node.operands:
            yield from _joined(operand, word)
    else:
        yield node


def _carries(tree: Node, part: Node, found: Verdict, verdict: Verdict) -> bool:
    if tree == part:
        return found == verdict
    if isinstance(tree, Not):
        return _carries(tree.operand, part, found, "always" if verdict == "never" else "never")
    if isinstance(tree, Junction) and (tree.word == "and") == (verdict == "never"):
        return any(_carries(operand, part, found, verdict) for operand in tree.operands)
    return False
