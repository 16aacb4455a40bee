"""Conditions for one event: they become generated Python functions, of many conditions each.

A function is a straight line of assignments to names of our own; texts of the pack enter it as constants alone. A
value that is missing is None, and logic is three-valued: `False and missing` is False, `True and missing` is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.programs import compile_program
from rules.syntax import (
    Arithmetic,
    Before,
    Call,
    Compare,
    Condition,
    Has,
    InList,
    Input,
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
from schemas import Value

Lists = Mapping[str, Mapping[str, int] | None]
Evaluate = Callable[[Sequence[Value], Lists, int], tuple[int, int]]

_Logic = Has | Not | Compare | OneOf | InList | InTuples | Before

CONDITIONS_MAX = 40
"""So many conditions are compiled at once: while Python compiles, no other thread can go on."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """Compiled conditions. `inputs_of` has, for each condition, the indexes of its inputs.

    `evaluate(values, lists, timestamp_ms)` takes one value for each of `inputs` (None: missing; what stands at a list's
    place is not read), what each list holds (None or absent: not known) and the event's time. It returns the bits of
    the conditions that are true, and of those that are missing.
    """

    inputs: tuple[Input, ...]
    inputs_of: tuple[tuple[int, ...], ...]
    evaluate: Evaluate


def compile_scalar(conditions: Mapping[int, Condition]) -> Scalar:
    """The conditions as one function; that of number n has bit n."""
    program = compile_program(list(conditions.values()))
    indexes = {read: index for index, read in enumerate(program.inputs)}
    numbered = list(conditions.items())
    starts = range(0, max(len(numbered), 1), CONDITIONS_MAX)
    parts = [_function(dict(numbered[start : start + CONDITIONS_MAX]), indexes) for start in starts]
    return Scalar(program.inputs, program.inputs_of, parts[0] if len(parts) == 1 else _in_turn(parts))


def _function(conditions: Mapping[int, Condition], inputs: Mapping[Input, int]) -> Evaluate:
    writer = _Writer(inputs)
    for node, number in compile_program(list(conditions.values())).nodes.items():
        writer.write(node, number)
    values = "".join(f"v{index}, " for index in range(len(inputs)))
    outcomes = [line for number, each in conditions.items() for line in writer.outcome_lines(each.tree, 1 << number)]
    body = [f"({values}) = values"] if values else []
    body += ["hit = lack = 0", *writer.list_lines(), *writer.lines, *outcomes, "return hit, lack"]
    source = "def evaluate(values, lists, timestamp_ms):\n" + "\n".join(f"    {line}" for line in body)
    namespace: dict[str, Any] = dict(writer.constants)
    exec(compile(source, "<conditions>", "exec"), namespace)
    evaluate: Evaluate = namespace["evaluate"]
    return evaluate


def _in_turn(parts: Sequence[Evaluate]) -> Evaluate:
    def evaluate(values: Sequence[Value], lists: Lists, timestamp_ms: int) -> tuple[int, int]:
        hit = lack = 0
        for part in parts:
            hits, lacks = part(values, lists, timestamp_ms)
            hit |= hits
            lack |= lacks
        return hit, lack

    return evaluate


class _Writer:
    """Writes one assignment, sometimes with a check after it, for each node."""

    def __init__(self, inputs: Mapping[Input, int]) -> None:
        self.inputs = inputs
        self.lines: list[str] = []
        self.constants: dict[str, object] = {}
        self._names: dict[Node, str] = {}
        self._lists: dict[Input, str] = {}
        self._never_missing: set[Node] = set()

    def list_lines(self) -> list[str]:
        return [f"{name} = lists.get({self._constant(read.name)})" for read, name in self._lists.items()]

    def outcome_lines(self, node: Node, bit: int) -> list[str]:
        """Puts the bit where the outcome of a condition's tree belongs."""
        lines = [f"if {self._names[node]}: hit |= {bit}"]
        if node not in self._never_missing:
            lines.append(f"elif {self._names[node]} is None: lack |= {bit}")
        return lines

    def write(self, node: Node, number: int) -> None:
        """Writes the assignment to `t<number>`; what is only a value of the caller's or a constant needs none."""
        unsure = [self._names[each] for each in dict.fromkeys(children(node)) if each not in self._never_missing]
        if isinstance(node, Junction):
            formula = self._junction(node, unsure)
        elif unsure:
            formula = f"None if {' or '.join(f'{each} is None' for each in unsure)} else {self._formula(node)}"
        else:
            formula = self._formula(node)
        if not unsure and not _can_lose_value(node):
            self._never_missing.add(node)
        if isinstance(node, Literal) or (isinstance(node, Read) and node.type != "bool"):
            self._names[node] = formula
            return
        name = self._names[node] = f"t{number}"
        self.lines.append(f"{name} = {formula}")
        if isinstance(node, Arithmetic):
            self.lines.append(f"if {name} is not None and {name} - {name} != 0.0: {name} = None")

    def _constant(self, value: object) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def _formula(self, node: Literal | Read | _Logic | Arithmetic | Negate | Call) -> str:
        """The value of a node where none of its operands is missing."""
        match node:
            case Literal():
                return self._constant(node.value) if isinstance(node.value, str) else f"({node.value!r})"
            case Read():
                return self._read(node)
            case Arithmetic():
                return self._arithmetic(node)
            case Negate():
                return f"-{self._number(node.operand, True)}"
            case Call():
                return self._call(node)
        return self._logic(node)

    def _logic(self, node: _Logic) -> str:
        match node:
            case Has():
                return f"v{self.inputs[node.input]} is not None"
            case Not():
                return f"not {self._names[node.operand]}"
            case Compare():
                mixed = node.left.whole != node.right.whole
                return f"{self._number(node.left, mixed)} {node.operator} {self._number(node.right, mixed)}"
            case OneOf():
                return f"{self._names[node.operand]} in {self._constant(frozenset(node.options))}"
            case InList():
                return self._in_list(node)
            case InTuples():
                values = "".join(f"v{self.inputs[read]}, " for read in node.fields)
                return f"({values}) in {self._constant(node.tuples)}"
            case Before():
                return f"timestamp_ms < {node.moment_ms}"

    def _read(self, node: Read) -> str:
        name = f"v{self.inputs[node.input]}"
        return f"None if {name} is None else {name} == True" if node.type == "bool" else name

    def _number(self, node: Node, in_float: bool) -> str:
        return f"float({self._names[node]})" if in_float and node.whole else self._names[node]

    def _in_list(self, node: InList) -> str:
        entries = self._lists.setdefault(node.list, f"l{len(self._lists)}")
        return f"None if {entries} is None else {entries}.get({self._names[node.operand]}, -1) > timestamp_ms"

    def _arithmetic(self, node: Arithmetic) -> str:
        left, right = self._number(node.left, True), self._number(node.right, True)
        division = f"None if {right} == 0.0 else " if node.operator == "/" else ""
        return f"{division}{left} {node.operator} {right}"

    def _call(self, node: Call) -> str:
        arguments = [self._number(each, not node.whole) for each in node.arguments]
        match node.function:
            case "round":
                return f"float(round({arguments[0]}))"
            case "lower":
                return f"{arguments[0]}.lower()"
            case "len":
                return f"len({self._names[node.arguments[0]]})"
            case "startswith" | "endswith":
                return f"{arguments[0]}.{node.function}({arguments[1]})"
            case "abs" | "min" | "max":
                return f"{node.function}({', '.join(arguments)})"

    def _junction(self, node: Junction, unsure: Sequence[str]) -> str:
        names = [self._names[operand] for operand in node.operands]
        if not unsure:
            return f" {node.word} ".join(names)
        decided = " or ".join(f"{name} is False" if node.word == "and" else name for name in names)
        missing = " or ".join(f"{name} is None" for name in unsure)
        return f"{node.word == 'or'} if {decided} else None if {missing} else {node.word == 'and'}"


def _can_lose_value(node: Node) -> bool:
    """Whether a node can be missing although no operand is."""
    return isinstance(node, InList | Arithmetic) or (isinstance(node, Read) and not node.input.required)
