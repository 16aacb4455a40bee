"""Proofs that a condition cannot come out in some way, whatever an event brings.

A condition's parts are assumed to come out as wanted, one after the other; what that says of the values is kept as
intervals, sets of texts, and what is there or missing. Where it contradicts itself the assumptions are impossible, and
that is a proof. Where no contradiction is found nothing is proven.
"""

from collections.abc import Iterator, Sequence
from typing import Literal as OneOfThese
from typing import NamedTuple

from rules.domains import Domain
from rules.facts import Contradiction, Effort, Facts, OutOfEffort
from rules.syntax import (
    Arithmetic,
    Before,
    Call,
    Compare,
    Has,
    InList,
    InTuples,
    Junction,
    Literal,
    Negate,
    Node,
    Not,
    OneOf,
    Read,
    children,
)

Outcome = OneOfThese["true", "false", "missing", "untrue", "unfalse", "lost"]
"""`untrue`: false or missing; `unfalse`: true or missing; `lost`: missing although all operands are there."""

Goal = tuple[Node, Outcome]
Options = Sequence[Sequence[Goal]]

BRANCHES_MAX = 128
"""So many alternatives are looked at in one proof; beyond, nothing is proven."""

_NEGATED: dict[Outcome, Outcome] = {
    "true": "false",
    "false": "true",
    "missing": "missing",
    "untrue": "unfalse",
    "unfalse": "untrue",
}


class Case(NamedTuple):
    """What is known where a condition came out in some way, and the choices that this leaves."""

    facts: Facts
    choices: list[Options]


class Prover:
    """Proves for events of one domain."""

    def __init__(self, domain: Domain, effort: Effort) -> None:
        self.domain = domain
        self.effort = effort
        self._strict: dict[Node, tuple[Node, ...]] = {}
        self._possible: dict[tuple[Goal, ...], bool] = {}

    def possible(self, goals: Sequence[Goal], case: "Case | None" = None) -> bool:
        """Whether the nodes may come out like this together, in this case; False is a proof that they cannot."""
        try:
            if case is not None:
                return _Search(self, BRANCHES_MAX).go(case.facts.copy(), list(goals), list(case.choices))
            key = tuple(goals)
            if key not in self._possible:
                search = _Search(self, BRANCHES_MAX)
                self._possible[key] = search.go(Facts(self.domain, self.effort), list(goals), [])
            return self._possible[key]
        except OutOfEffort:
            return True

    def case(self, goal: Goal) -> "Case | None":
        """What follows if a node comes out like this; None where it is proven not to. Raises OutOfEffort."""
        facts, choices = Facts(self.domain, self.effort), list[Options]()
        return Case(facts, choices) if _Search(self, BRANCHES_MAX).settle(facts, [goal], choices) else None

    def strict(self, node: Node) -> tuple[Node, ...]:
        """The nodes that all have a value wherever this one is true or false."""
        found = self._strict.get(node)
        if found is None:
            found = self._strict[node] = tuple(dict.fromkeys(_strict(node)))
        return found


def _strict(node: Node) -> Iterator[Node]:
    match node:
        case Not() | Negate():
            yield from _strict(node.operand)
        case OneOf():
            yield from _strict(node.operand)
        case InList():
            yield from _strict(node.operand)
            yield node
        case Compare():
            yield from _strict(node.left)
            yield from _strict(node.right)
        case Arithmetic():
            yield from _strict(node.left)
            yield from _strict(node.right)
            yield node
        case Call():
            for argument in node.arguments:
                yield from _strict(argument)
        case Read():
            yield node


class _Search:
    """One search for a way to meet all goals."""

    def __init__(self, prover: Prover, branches: int) -> None:
        self.prover = prover
        self.branches = branches

    def go(self, facts: Facts, goals: list[Goal], choices: list[Options]) -> bool:
        """Whether the goals, and one option of each choice, may be met; `facts` is the search's to change."""
        if not self.settle(facts, goals, choices):
            return False
        if not choices:
            return True
        choices.sort(key=len)
        options, rest = choices[0], choices[1:]
        for option in options:
            self.branches -= 1
            if self.branches <= 0 or self.go(facts.copy(), list(option), list(rest)):
                return True
        return False

    def settle(self, facts: Facts, goals: list[Goal], choices: list[Options]) -> bool:
        """Whether the goals may be met as far as they leave no choice; what does is added to `choices`."""
        try:
            while goals:
                self._assume(facts, *goals.pop(), goals, choices)
            facts.settle()
        except Contradiction:
            return False
        return True

    def _assume(self, facts: Facts, node: Node, wanted: Outcome, goals: list[Goal], choices: list[Options]) -> None:
        facts.effort.spend()
        if wanted == "lost":
            facts.lose(node)
            return
        match node:
            case Not():
                goals.append((node.operand, _NEGATED[wanted]))
            case Junction():
                self._assume_junction(node, wanted, goals, choices)
            case _ if wanted in ("untrue", "unfalse"):
                choices.append([[(node, "false" if wanted == "untrue" else "true")], [(node, "missing")]])
            case _ if wanted == "missing":
                options = _ways_to_miss(node)
                if not options:
                    raise Contradiction
                choices.append(options)
            case Literal():
                if node.value is not (wanted == "true"):
                    raise Contradiction
            case Compare() if node.left.type == "bool":
                choices.append(_ways_to_compare(node, wanted == "true"))
            case _:
                for each in self.prover.strict(node):
                    facts.keep(each)
                _decide(facts, node, wanted == "true")

    def _assume_junction(self, node: Junction, wanted: Outcome, goals: list[Goal], choices: list[Options]) -> None:
        """One operand makes all of `and` false, or untrue; where none does, one makes it missing."""
        deciding: tuple[Outcome, Outcome] = ("false", "untrue") if node.word == "and" else ("true", "unfalse")
        each: list[Goal] = [(operand, wanted) for operand in node.operands]
        if wanted in deciding:
            choices.append([[goal] for goal in each])
            return
        if wanted == "missing":
            choices.append([[goal] for goal in each])
            each = [(operand, "unfalse" if node.word == "and" else "untrue") for operand in node.operands]
        goals += each


def _ways_to_miss(node: Node) -> Options:
    match node:
        case Literal() | Has() | InTuples() | Before():
            return []
        case Read():
            return [] if node.input.required else [[(node, "lost")]]
    ways: list[list[Goal]] = [[(each, "missing")] for each in children(node) if not isinstance(each, Literal)]
    if isinstance(node, Arithmetic | InList):
        ways.append([(node, "lost")])
    return ways


def _ways_to_compare(node: Compare, wanted: bool) -> Options:
    """Two conditions are equal, or are not."""
    equal = wanted == (node.operator == "==")
    words: tuple[Outcome, Outcome] = ("true", "false")
    return [[(node.left, words[one]), (node.right, words[one if equal else 1 - one])] for one in (0, 1)]


def _decide(facts: Facts, node: Node, wanted: bool) -> None:
    match node:
        case Has():
            if wanted:
                facts.keep(Read(node.input))
            else:
                facts.lose(Read(node.input))
        case OneOf():
            facts.name(node.operand, frozenset(node.options), wanted)
        case Compare():
            facts.compare(node, wanted)
        case _:
            facts.decide(node, wanted)
