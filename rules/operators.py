"""The types of operators and functions: what may be combined with what, and what comes out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from rules.findings import Ledger, did_you_mean, quoted
from rules.literals import money_of
from rules.scopes import Scope
from rules.sources import Spot
from rules.syntax import (
    PREFIXES,
    Arithmetic,
    Call,
    Compare,
    Comparison,
    Function,
    Input,
    InputKind,
    Literal,
    Node,
    Operator,
    Read,
    ValueType,
)
from schemas import EXPONENTS, STRUCTS

_COMPARISONS: dict[str, Comparison] = {symbol: symbol for symbol in get_args(Comparison)}
_OPERATORS: dict[str, Operator] = {symbol: symbol for symbol in get_args(Operator)}
_FUNCTIONS: dict[str, Function] = {name: name for name in get_args(Function)}
_NUMERIC: tuple[ValueType, ...] = ("number", "money", "duration")
_ATTRIBUTE_TYPES: tuple[ValueType, ...] = ("number", "text", "bool")
_WORDS: dict[ValueType, str] = {
    "number": "a number",
    "money": "money",
    "duration": "a duration",
    "text": "a text",
    "bool": "true or false",
}
_ARGUMENTS_MAX = 16


@dataclass(frozen=True, slots=True)
class Untyped:
    """An attribute of the event, or what the profile has of its user, whose type nothing has said yet."""

    name: str
    kind: InputKind

    @property
    def path(self) -> str:
        return PREFIXES[self.kind] + self.name


Term = Node | Untyped


class Operators:
    """Types terms of one expression. A method returns None where something is wrong and has been reported."""

    def __init__(self, scope: Scope, ledger: Ledger) -> None:
        self.scope = scope
        self.ledger = ledger
        self.currency = scope.vocabulary.currency

    def as_type(self, term: Term, wanted: ValueType, spot: Spot) -> Node | None:
        if isinstance(term, Untyped):
            if wanted in _ATTRIBUTE_TYPES:
                return Read(Input(term.kind, term.name, wanted))
            message = f"`{term.path}` can be a number, a text or true or false, not {_WORDS[wanted]}"
            self.ledger.report("type-mismatch", spot, message)
            return None
        if term.type == wanted:
            return term
        if wanted == "money" and isinstance(term, Literal) and term.type == "number":
            return self._money(term, spot)
        hint = None
        if wanted == "duration" and isinstance(term, Literal):
            hint = "put a duration such as `10m` under `params:` and use it as `params.NAME`"
        self.ledger.report("type-mismatch", spot, f"expected {_WORDS[wanted]}, got {_WORDS[term.type]}", hint)
        return None

    def as_bool(self, term: Term, spot: Spot) -> Node | None:
        return self.as_type(term, "bool", spot)

    def as_numeric(self, term: Term, spot: Spot) -> Node | None:
        """A term that can be computed with; an attribute becomes a number."""
        if isinstance(term, Untyped):
            return self.as_type(term, "number", spot)
        if term.type in _NUMERIC:
            return term
        self.ledger.report("type-mismatch", spot, f"expected a number, money or a duration, got {_WORDS[term.type]}")
        return None

    def report_untyped(self, term: Untyped, spot: Spot) -> None:
        message = f"nothing says whether `{term.path}` is a number, a text or true or false"
        self.ledger.report("untyped-attribute", spot, message, "compare it with a literal")

    def _money(self, number: Literal, spot: Spot) -> Node | None:
        value = number.value
        minor = None if isinstance(value, str) else money_of(value, self.currency)
        if minor is None:
            places = EXPONENTS[self.currency]
            message = f"as money in {self.currency} this has more than {places} decimal places, or is too large"
            self.ledger.report("bad-literal", spot, message)
            return None
        return Literal(minor, "money", number.param)

    def unify(self, left: Term, right: Term, spot: Spot) -> tuple[Node, Node] | None:
        """Both terms in one type, where a bare number beside money is money of the pack."""
        if isinstance(left, Untyped):
            if isinstance(right, Untyped):
                self.report_untyped(left, spot)
                return None
            wanted = right.type
        elif isinstance(right, Untyped):
            wanted = left.type
        else:
            wanted = "money" if right.type == "money" and _is_bare(left) else left.type
            if right.type != wanted and not (wanted == "money" and _is_bare(right)):
                self._report_pair(left, right, spot)
                return None
        first, second = self.as_type(left, wanted, spot), self.as_type(right, wanted, spot)
        return None if first is None or second is None else (first, second)

    def _report_pair(self, left: Node, right: Node, spot: Spot) -> None:
        types = [_WORDS[left.type], _WORDS[right.type]]
        hint = None
        if "a duration" in types and "a number" in types:
            hint = "put a duration such as `10m` under `params:` and use it as `params.NAME`"
        self.ledger.report("type-mismatch", spot, f"{types[0]} and {types[1]} cannot be compared or combined", hint)

    def compare(self, symbol: str, left: Term, right: Term, spot: Spot) -> Compare | None:
        pair = self.unify(left, right, spot)
        if pair is None:
            return None
        if symbol not in ("==", "!=") and pair[0].type not in _NUMERIC:
            message = f"`{symbol}` cannot compare {_WORDS[pair[0].type]} with another"
            self.ledger.report("type-mismatch", spot, message, "use `==` or `!=`")
            return None
        return Compare(_COMPARISONS[symbol], *pair)

    def arithmetic(self, symbol: str, left: Term, right: Term, spot: Spot) -> Node | None:
        if symbol in "+-" and not (isinstance(left, Untyped) and isinstance(right, Untyped)):
            pair = self.unify(left, right, spot)
            if pair is None:
                return None
            kind: ValueType | None = pair[0].type if pair[0].type in _NUMERIC else None
        else:
            first, second = self.as_numeric(left, spot), self.as_numeric(right, spot)
            if first is None or second is None:
                return None
            pair = first, second
            kind = _scaled_type(symbol, first.type, second.type)
        if kind is None:
            message = f"{_WORDS[pair[0].type]} `{symbol}` {_WORDS[pair[1].type]} has no meaning"
            self.ledger.report("type-mismatch", spot, message)
            return None
        if isinstance(pair[0], Literal) and isinstance(pair[1], Literal):
            return self._fold(symbol, pair[0], pair[1], kind, spot)
        return Arithmetic(_OPERATORS[symbol], *pair, kind)

    def _fold(self, symbol: str, left: Literal, right: Literal, kind: ValueType, spot: Spot) -> Node | None:
        a, b = float(left.value), float(right.value)
        result = math.nan
        match symbol:
            case "+":
                result = a + b
            case "-":
                result = a - b
            case "*":
                result = a * b
            case "/" if b:
                result = a / b
        if math.isfinite(result):
            return Literal(result, kind)
        self.ledger.report("bad-literal", spot, "the result of this is not a finite number")
        return None

    def call(self, name: str, terms: Sequence[Term], spots: Sequence[Spot], spot: Spot) -> Node | None:
        function = _FUNCTIONS[name]
        if not self._count_fits(function, len(terms), spot):
            return None
        match function:
            case "min" | "max":
                return self._extreme(function, terms, spots)
            case "abs":
                operand = self.as_numeric(terms[0], spots[0])
                return None if operand is None else Call(function, (operand,), operand.type, operand.whole)
            case "round":
                number = self.as_type(terms[0], "number", spots[0])
                return None if number is None else Call(function, (number,), "number")
        texts = [self.as_type(term, "text", each) for term, each in zip(terms, spots, strict=True)]
        present = tuple(text for text in texts if text is not None)
        if len(present) < len(texts):
            return None
        if function == "len":
            return Call(function, present, "number", True)
        return Call(function, present, "text" if function == "lower" else "bool")

    def _count_fits(self, function: Function, count: int, spot: Spot) -> bool:
        least, most = {
            "min": (2, _ARGUMENTS_MAX),
            "max": (2, _ARGUMENTS_MAX),
            "startswith": (2, 2),
            "endswith": (2, 2),
        }.get(function, (1, 1))
        if least <= count <= most:
            return True
        wanted = f"{least}" if least == most else f"{least} to {most}"
        message = f"`{function}` takes {wanted} argument{'s' if most > 1 else ''}, got {count}"
        self.ledger.report("type-mismatch", spot, message)
        return False

    def _extreme(self, function: Function, terms: Sequence[Term], spots: Sequence[Spot]) -> Node | None:
        types = {term.type for term in terms if not isinstance(term, Untyped)}
        wanted: ValueType = "money" if "money" in types else "duration" if "duration" in types else "number"
        nodes = [self.as_type(term, wanted, spot) for term, spot in zip(terms, spots, strict=True)]
        present = tuple(node for node in nodes if node is not None)
        if len(present) < len(nodes):
            return None
        return Call(function, present, wanted, all(node.whole for node in present))

    def check_event_name(self, name: str, spot: Spot) -> None:
        """Whether `type` can be this at all."""
        if name not in STRUCTS:
            hint = did_you_mean(name, STRUCTS)
            self.ledger.report("unknown-event", spot, f"{quoted(name)} is not a type of event", hint)


def _is_bare(node: Node) -> bool:
    """Whether a node is a number written out, which beside money is money."""
    return isinstance(node, Literal) and node.type == "number"


def _scaled_type(symbol: str, left: ValueType, right: ValueType) -> ValueType | None:
    """The type of a product or quotient, None where it has no meaning."""
    if right == "number":
        return left
    if symbol == "*" and left == "number":
        return right
    return "number" if symbol == "/" and left == right else None
