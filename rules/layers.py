"""Layers: the truths of many conditions as rows of one table, all that are computed alike in one call of numpy.

Comparisons of one value by one operator are alike, whatever their thresholds, and so are gates (`and`, `or`, `not`,
comparisons of truths) of one kind at one height above these. A thousand rules have a few dozen layers.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.programs import Program
from rules.steps import (
    COMPARISONS,
    Frame,
    Mask,
    Numbers,
    Result,
    TextId,
    Texts,
    Values,
    allowed_values,
    among,
    constant_of,
    step_of,
)
from rules.syntax import Compare, Comparison, Input, InTuples, Junction, Literal, Node, Not, Read, Value, children

Places = NDArray[np.intp]
Gate = Callable[[Mask, Mask | None], None]
"""Fills its rows in the table of what is true, and in that of what is possible, from rows before them."""

_MIRRORED: dict[Comparison, Comparison] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class _Threshold(NamedTuple):
    """A comparison with a literal, which stands on the right."""

    node: Node
    operand: Node
    operator: Comparison
    literal: Literal


class _Thresholds(NamedTuple):
    """Comparisons of the value with the number `operand` with a column of literals; they fill `rows`."""

    operand: int
    compare: Any
    literals: Values
    rows: slice


class _Memberships:
    """All nodes that ask whether the same fields have values that are written out, as rows from `start` on.

    Seldom has the first field one of these values. Where it has, all nodes are looked up at once.
    """

    def __init__(self, fields: Sequence[int], nodes: Sequence[InTuples], rows: slice, text_id: TextId) -> None:
        self._fields = fields
        self._rows = rows
        self._named: dict[tuple[Value | None, ...], list[int]] = {}
        for row, node in enumerate(nodes, rows.start):
            for values in node.tuples:
                self._named.setdefault(values, []).append(row)
        self._first = allowed_values([values[0] for values in self._named], text_id)

    def fill(self, frame: Frame, true: Mask) -> None:
        true[self._rows] = False
        columns = [frame.inputs[field] for field in self._fields]
        for at in np.flatnonzero(among(columns[0], self._first)).tolist():
            values = [None if each.missing is not None and each.missing[at] else each.values[at] for each in columns]
            true[self._named.get(tuple(values), []), at] = True


class _Sorted:
    """The nodes of a program by how they are computed."""

    def __init__(self, program: Program) -> None:
        self.values: list[Node] = []
        self.thresholds: defaultdict[tuple[Node, Comparison, type], list[_Threshold]] = defaultdict(list)
        self.memberships: defaultdict[tuple[Input, ...], list[InTuples]] = defaultdict(list)
        self.single: list[Node] = []
        self.gates: defaultdict[tuple[int, str, int], list[Node]] = defaultdict(list)
        heights = dict.fromkeys(program.nodes, 0)
        for node in program.nodes:
            if node.type != "bool":
                self.values.append(node)
            elif (word := _gate(node)) is not None:
                operands = children(node)
                heights[node] = 1 + max(heights[each] for each in operands)
                self.gates[heights[node], word, len(operands)].append(node)
            elif (found := _threshold(node)) is not None:
                self.thresholds[found.operand, found.operator, type(found.literal.value)].append(found)
            elif isinstance(node, InTuples):
                self.memberships[node.fields].append(node)
            else:
                self.single.append(node)


class Layers:
    """The nodes of a program, compiled; `text_id` gives the id that a text has in columns."""

    def __init__(self, program: Program, text_id: TextId) -> None:
        numbers, nodes = program.nodes, _Sorted(program)
        inputs = {read: index for index, read in enumerate(program.inputs)}
        rows: dict[Node, int] = {}
        self._constants: list[Result] = [
            constant_of(node, text_id) if isinstance(node, Literal) else None for node in numbers
        ]
        self._values = [
            (numbers[node], step_of(node, numbers, inputs, text_id))
            for node in nodes.values
            if not isinstance(node, Literal)
        ]
        self._thresholds = [
            _Thresholds(
                numbers[operand],
                COMPARISONS[operator],
                _column([each.literal for each in found], text_id),
                _append(rows, [each.node for each in found]),
            )
            for (operand, operator, _), found in nodes.thresholds.items()
        ]
        self._memberships = [
            _Memberships([inputs[each] for each in fields], same, _append(rows, same), text_id)
            for fields, same in nodes.memberships.items()
        ]
        self._single = [(step_of(node, numbers, inputs, text_id), _append(rows, [node])) for node in nodes.single]
        self._leaves = len(rows)
        self._gates: list[Gate] = []
        for (_, word, _), gates in sorted(nodes.gates.items(), key=lambda item: item[0][0]):
            operands = [np.array([rows[each] for each in some]) for some in zip(*map(children, gates), strict=True)]
            self._gates.append(_GATES[word](operands, _append(rows, gates)))
        self._height = len(rows)
        ordered = list(numbers)
        self._outcomes = np.array([rows[ordered[number]] for number in program.outcomes], dtype=np.intp)

    def evaluate(self, frame: Frame) -> tuple[Mask, Mask | None]:
        """Where the conditions are true, and where they are possible: bool[conditions, n], None if nowhere missing."""
        true = np.empty((self._height, frame.count), dtype=np.bool_)
        lacks: list[tuple[slice, Mask]] = []
        frame.results = self._constants.copy()
        for number, step in self._values:
            frame.results[number] = step(frame)
        for operand, compare, literals, rows in self._thresholds:
            values, missing = _operand(frame.results[operand])
            found = compare(values, literals, out=true[rows])
            if missing is not None:
                np.greater(found, missing, out=found)
                lacks.append((rows, missing))
        for step, rows in self._single:
            masks = step(frame)
            true[rows] = masks.true
            if masks.possible is not None:
                lacks.append((rows, masks.possible))
        for memberships in self._memberships:
            memberships.fill(frame, true)
        possible = None
        if lacks:
            possible = np.empty_like(true)
            possible[: self._leaves] = true[: self._leaves]
            for rows, mask in lacks:
                possible[rows] |= mask
        for gate in self._gates:
            gate(true, possible)
        return true[self._outcomes], None if possible is None else possible[self._outcomes]


def _gate(node: Node) -> str | None:
    """Of which kind of gate the node is: one whose operands are truths."""
    match node:
        case Not():
            return "not"
        case Junction():
            return node.word
        case Compare() if node.left.type == "bool":
            return node.operator
    return None


def _threshold(node: Node) -> _Threshold | None:
    """The comparison of a value with a literal of its kind; of texts, one that has an id."""
    if not isinstance(node, Compare):
        return None
    if isinstance(node.right, Literal):
        found = _Threshold(node, node.left, node.operator, node.right)
    elif isinstance(node.left, Literal):
        found = _Threshold(node, node.right, _MIRRORED[node.operator], node.left)
    else:
        return None
    of_texts = found.literal.type == "text"
    if of_texts != (found.operand.type == "text") or (of_texts and not isinstance(found.operand, Read)):
        return None
    return found


def _operand(result: Numbers | Texts) -> tuple[Values, Mask | None]:
    return (result.ids if isinstance(result, Texts) else result.values), result.missing


def _column(literals: Sequence[Literal], text_id: TextId) -> Values:
    """The literals, of one type, as a column; texts by their ids."""
    if isinstance(literals[0].value, str):
        return np.array([text_id(str(each.value)) for each in literals], dtype=np.uint64)[:, None]
    kind = np.int64 if isinstance(literals[0].value, int) else np.float64
    return np.array([each.value for each in literals], dtype=kind)[:, None]


def _append(rows: dict[Node, int], nodes: Sequence[Node]) -> slice:
    """Gives the nodes the next rows."""
    start = len(rows)
    rows.update((node, at) for at, node in enumerate(nodes, start))
    return slice(start, len(rows))


def _junctions(combine: np.ufunc) -> Callable[[Sequence[Places], slice], Gate]:
    def of(operands: Sequence[Places], rows: slice) -> Gate:
        first, *others = operands

        def join(table: Mask) -> None:
            found = table[first]
            for each in others:
                combine(found, table[each], out=found)
            table[rows] = found

        def gate(true: Mask, possible: Mask | None) -> None:
            join(true)
            if possible is not None:
                join(possible)

        return gate

    return of


def _negations(operands: Sequence[Places], rows: slice) -> Gate:
    (of,) = operands

    def gate(true: Mask, possible: Mask | None) -> None:
        if possible is None:
            true[rows] = ~true[of]
        else:
            true[rows], possible[rows] = ~possible[of], ~true[of]

    return gate


def _equalities(compare: np.ufunc) -> Callable[[Sequence[Places], slice], Gate]:
    def of(operands: Sequence[Places], rows: slice) -> Gate:
        left, right = operands

        def gate(true: Mask, possible: Mask | None) -> None:
            one, other = true[left], true[right]
            equal = compare(one, other)
            if possible is None:
                true[rows] = equal
            else:
                missing = (possible[left] != one) | (possible[right] != other)
                true[rows], possible[rows] = equal & ~missing, equal | missing

        return gate

    return of


_GATES: dict[str, Callable[[Sequence[Places], slice], Gate]] = {
    "and": _junctions(np.logical_and),
    "or": _junctions(np.logical_or),
    "not": _negations,
    "==": _equalities(np.equal),
    "!=": _equalities(np.not_equal),
}
