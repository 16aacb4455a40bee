"""What is known of an event while its conditions are assumed to come out in some way."""

import math
from typing import NamedTuple

from rules.bounds import INTEGER_MAX
from rules.domains import Domain
from rules.fields import FIELDS
from rules.intervals import ANY, Interval, called, computed, least_over, most_under
from rules.syntax import Arithmetic, Call, Compare, Comparison, Literal, Negate, Node, Read

_ROUNDS_MAX = 8
"""Comparisons narrow each other so many times at most; each time is sound alone."""

_OPPOSITES: dict[Comparison, Comparison] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_ORDERS: dict[Comparison, frozenset[str]] = {
    "==": frozenset("="),
    "!=": frozenset("<>"),
    "<": frozenset("<"),
    "<=": frozenset("<="),
    ">": frozenset(">"),
    ">=": frozenset(">="),
}
_CURRENCY = Read(FIELDS["currency"].input)
_MIRRORED = {"<": ">", ">": "<", "=": "="}


class OutOfEffort(Exception):
    """All effort has been spent: nothing more is proven."""


class Effort:
    """How much may still be spent on the proofs of a pack, in steps of a few microseconds."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self) -> None:
        """One step. Raises OutOfEffort."""
        self.left -= 1
        if self.left < 0:
            raise OutOfEffort


class Contradiction(Exception):
    """What has been assumed cannot be."""


class Texts(NamedTuple):
    """The only texts a node can be (None: any), and texts that it is not."""

    only: frozenset[str] | None
    none_of: frozenset[str]


class Facts:
    """Facts about nodes. What is said must fit what was said before, else Contradiction is raised."""

    def __init__(self, domain: Domain, effort: Effort) -> None:
        self.domain = domain
        self.effort = effort
        self._kept: set[Node] = set()
        self._lost: set[Node] = set()
        self._truths: dict[Node, bool] = {}
        self._texts: dict[Node, Texts] = {}
        self._intervals: dict[Node, Interval] = {}
        self._orders: dict[tuple[Node, Node], frozenset[str]] = {}
        self._comparisons: list[tuple[Comparison, Node, Node]] = []

    def copy(self) -> "Facts":
        other = Facts(self.domain, self.effort)
        other._kept, other._lost = self._kept.copy(), self._lost.copy()
        other._truths, other._texts = self._truths.copy(), self._texts.copy()
        other._intervals, other._orders = self._intervals.copy(), self._orders.copy()
        other._comparisons = self._comparisons.copy()
        return other

    def spans(self, other: "Facts") -> bool:
        """Whether no number and no text that `other` allows is known to be beyond what this allows."""
        for node, interval in self._intervals.items():
            low, high = other.interval(node)
            if low < interval.low or high > interval.high:
                return False
        for node, texts in self._texts.items():
            if texts.only is not None:
                only = other.texts_of(node).only
                if only is None or not only <= texts.only:
                    return False
        return True

    def keep(self, node: Node) -> None:
        """The node has a value."""
        if node in self._kept:
            return
        if node in self._lost:
            raise Contradiction
        self._kept.add(node)
        if isinstance(node, Read) and node.input.kind == "field" and node.input.name == "amount":
            self.name(_CURRENCY, self.domain.currencies, True)

    def lose(self, node: Node) -> None:
        """The node has no value."""
        if node in self._kept or (isinstance(node, Read) and node.input.required):
            raise Contradiction
        self._lost.add(node)

    def decide(self, node: Node, value: bool) -> None:
        """The condition `node` has a value that nothing more is known of."""
        if self._truths.setdefault(node, value) is not value:
            raise Contradiction

    def name(self, node: Node, texts: frozenset[str], wanted: bool) -> None:
        """The text `node` is one of `texts`, or none of them."""
        if isinstance(node, Literal):
            if (node.value in texts) is not wanted:
                raise Contradiction
            return
        only, none_of = self.texts_of(node)
        if wanted:
            only = texts if only is None else only & texts
        else:
            none_of |= texts
        if only is not None:
            only = frozenset(text for text in only if text not in none_of and _can_be(node, text))
            if not only:
                raise Contradiction
        self._texts[node] = Texts(only, none_of)

    def texts_of(self, node: Node) -> Texts:
        """What the text `node` can be."""
        known = self._texts.get(node)
        if known is not None:
            return known
        if isinstance(node, Read):
            return Texts(self.domain.texts(node.input), self.domain.excluded(node.input))
        return Texts(None, frozenset())

    def compare(self, node: Compare, wanted: bool) -> None:
        """The comparison holds, or does not."""
        left, right = node.left, node.right
        operator = node.operator if wanted else _OPPOSITES[node.operator]
        self._order(operator, left, right)
        if left.type != "text":
            self._comparisons.append((operator, left, right))
        elif isinstance(right, Literal):
            self.name(left, frozenset((str(right.value),)), operator == "==")
        elif isinstance(left, Literal):
            self.name(right, frozenset((str(left.value),)), operator == "==")

    def _order(self, operator: Comparison, left: Node, right: Node) -> None:
        """Keeps how two values can lie to each other."""
        orders = _ORDERS[operator]
        if left == right:
            if "=" not in orders:
                raise Contradiction
            return
        pair = (left, right)
        if (right, left) in self._orders:
            pair, orders = (right, left), frozenset(_MIRRORED[each] for each in orders)
        left_over = self._orders.get(pair, orders) & orders
        if not left_over:
            raise Contradiction
        self._orders[pair] = left_over

    def settle(self) -> None:
        """Lets the comparisons narrow what their sides can be, until nothing changes."""
        for _ in range(_ROUNDS_MAX):
            before = len(self._comparisons), dict(self._intervals)
            for operator, left, right in self._comparisons:
                self._narrow(operator, left, right)
            if before[1] == self._intervals:
                return

    def _narrow(self, operator: Comparison, left: Node, right: Node) -> None:
        match operator:
            case "<" | "<=":
                self._put_under(left, right, operator == "<")
            case ">" | ">=":
                self._put_under(right, left, operator == ">")
            case "==":
                self._put_under(left, right, False)
                self._put_under(right, left, False)
            case "!=":
                a, b = self.interval(left), self.interval(right)
                exact = left.whole == right.whole or abs(a.low) < INTEGER_MAX
                if a == b and a.low == a.high and exact:
                    raise Contradiction

    def _put_under(self, lower: Node, upper: Node, strictly: bool) -> None:
        """`lower` is below `upper`, or equal to it if not `strictly`."""
        under, over = self.interval(lower), self.interval(upper)
        most = most_under(over.high, strictly, lower.whole, upper.whole)
        least = least_over(under.low, strictly, upper.whole, lower.whole)
        self._limit(lower, under.meet(Interval(-math.inf, most)))
        self._limit(upper, over.meet(Interval(least, math.inf)))

    def _limit(self, node: Node, interval: Interval) -> None:
        if interval.is_empty:
            raise Contradiction
        if not isinstance(node, Literal):
            self._intervals[node] = interval

    def interval(self, node: Node) -> Interval:
        """What the number `node` can be."""
        self.effort.spend()
        found = self._plain_interval(node)
        known = self._intervals.get(node)
        return found if known is None else found.meet(known)

    def _plain_interval(self, node: Node) -> Interval:
        match node:
            case Literal(value=int() | float() as value):
                return Interval(value, value)
            case Read():
                return self.domain.interval(node.input)
            case Arithmetic():
                return computed(node.operator, self.interval(node.left), self.interval(node.right), node.right.whole)
            case Negate():
                low, high = self.interval(node.operand)
                return Interval(-float(high), -float(low))
            case Call(function="len"):
                return _length(node.arguments[0])
            case Call():
                return called(node.function, [self.interval(each) for each in node.arguments], node.whole)
        return ANY


def _can_be(node: Node, text: str) -> bool:
    """Whether the node can give this text at all: what `lower` gives has no capitals."""
    return not (isinstance(node, Call) and node.function == "lower") or text.lower() == text


def _length(node: Node) -> Interval:
    if isinstance(node, Literal):
        return Interval(len(str(node.value)), len(str(node.value)))
    return Interval(0, math.inf)
