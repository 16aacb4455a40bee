"""The typed syntax tree of a checked expression, with macros and params already put in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal as OneOfThese

ValueType = OneOfThese["number", "money", "duration", "text", "bool"]
"""Money is in minor units of the pack's currency, a duration in milliseconds."""

InputKind = OneOfThese["field", "feature", "score", "attribute", "profile", "list"]

PREFIXES: dict[InputKind, str] = {
    "score": "score.",
    "attribute": "attributes.",
    "profile": "profile.",
    "list": "lists.",
}
"""What stands before the name of such an input in an expression."""

CARRIED: tuple[InputKind, ...] = ("attribute", "profile")
"""What comes without a type, and has the one that the expression needs."""

Comparison = OneOfThese["==", "!=", "<", "<=", ">", ">="]
Operator = OneOfThese["+", "-", "*", "/"]
Function = OneOfThese["min", "max", "abs", "round", "len", "lower", "startswith", "endswith"]
Value = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Input:
    """What an expression reads. A score's name is `NAME.value` or `NAME.quantile`.

    `whole`: its values are integers. `required`: no event is without it. The type of an attribute and of what the
    profile has is the one the expression needs; a value of another type counts as missing.
    """

    kind: InputKind
    name: str
    type: ValueType
    whole: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A value known when the pack is loaded; `param` names the param whose value it is, if it is one's as it stands."""

    value: Value
    type: ValueType
    param: str | None = field(default=None, compare=False, repr=False)

    @property
    def whole(self) -> bool:
        return isinstance(self.value, int) and not isinstance(self.value, bool)


@dataclass(frozen=True, slots=True)
class Read:
    """The value of an input."""

    input: Input

    @property
    def type(self) -> ValueType:
        return self.input.type

    @property
    def whole(self) -> bool:
        return self.input.whole


@dataclass(frozen=True, slots=True)
class Has:
    """Whether an input has a value; never missing."""

    input: Input
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Node"
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Junction:
    """All of (`and`) or any of (`or`) its operands, in three-valued logic."""

    word: OneOfThese["and", "or"]
    operands: tuple["Node", ...]
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """Both sides are of one type. Integers are compared exactly, an integer with a fraction in float64."""

    operator: Comparison
    left: "Node"
    right: "Node"
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether a text is one of the texts written out."""

    operand: "Node"
    options: tuple[str, ...]
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class InList:
    """Whether a text is in a list as of the event's time."""

    operand: "Node"
    list: Input
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class InTuples:
    """Whether the values of fields are together one of the tuples; False where one of them is missing."""

    fields: tuple[Input, ...]
    tuples: frozenset[tuple[Value, ...]]
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """Whether the event's time, in epoch milliseconds, is before a moment."""

    moment_ms: int
    type: ValueType = "bool"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Computed in float64; a result that is not finite is missing."""

    operator: Operator
    left: "Node"
    right: "Node"
    type: ValueType
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Negate:
    operand: "Node"
    type: ValueType
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`min`, `max` and `abs` of integers are integers; `round` goes to the even neighbour at a half."""

    function: Function
    arguments: tuple["Node", ...]
    type: ValueType
    whole: bool = False


Node = Literal | Read | Has | Not | Junction | Compare | OneOf | InList | InTuples | Before | Arithmetic | Negate | Call


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters `start:end` of an expression's text name an input or a list, or a param with this value."""

    start: int
    end: int
    means: Input | Literal


@dataclass(frozen=True, slots=True)
class Part:
    """Characters `start:end` of an expression's text are a condition with this tree, the whole or a part of it."""

    start: int
    end: int
    node: Node


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked expression of type bool: its text as written, its tree, what its text names and its parts, in order.

    A part stands before the parts in it.
    """

    text: str
    tree: Node
    mentions: tuple[Mention, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def leaves(self) -> tuple[Part, ...]:
        """The parts that have no parts in them: comparisons, memberships, names."""
        followers = (*self.parts[1:], None)
        return tuple(
            part
            for part, follower in zip(self.parts, followers, strict=False)
            if follower is None or follower.start >= part.end
        )

    def restricted(self, by: Sequence[Node]) -> "Condition":
        """This condition where all of the others hold too; its text stays as it is."""
        return replace(self, tree=Junction("and", (self.tree, *by))) if by else self

    @property
    def unrestricted(self) -> "Condition | None":
        """The condition without the exceptions and the end that restrict it; None where nothing does."""
        tree = self.tree
        if not isinstance(tree, Junction) or not any(isinstance(node, InTuples | Before) for node in walk(tree)):
            return None
        return replace(self, tree=tree.operands[0])


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Not() | Negate() | OneOf() | InList():
            return (node.operand,)
        case Compare() | Arithmetic():
            return (node.left, node.right)
        case Junction():
            return node.operands
        case Call():
            return node.arguments
        case Literal() | Read() | Has() | InTuples() | Before():
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The nodes of a tree, operands before what uses them."""
    for child in children(node):
        yield from walk(child)
    yield node


def inputs_of(node: Node) -> tuple[Input, ...]:
    """The inputs a tree reads, each once, in the order of their first use."""
    found: dict[Input, None] = {}
    for each in walk(node):
        match each:
            case Read() | Has():
                found[each.input] = None
            case InList():
                found[each.list] = None
            case InTuples():
                found |= dict.fromkeys(each.fields)
    return tuple(found)
