"""Steps of the column evaluator: one function for each node, from the results before it to its own."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.syntax import (
    Arithmetic,
    Before,
    Call,
    Compare,
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
)

Mask = NDArray[np.bool_]
Values = NDArray[Any]
TextId = Callable[[str], int]


class Masks(NamedTuple):
    """A condition: where it is true, and where it is true or missing (None: nowhere missing)."""

    true: Any
    possible: Any


class Numbers(NamedTuple):
    """Numbers, money or durations, or one of them for all events."""

    values: Any
    missing: Mask | None


class Texts(NamedTuple):
    """Texts; `ids` is None for computed ones. A text of the pack stands for all events: one value, one id."""

    values: Sequence[str | None] | str
    ids: Any
    missing: Mask | None


Result = Any


class Frame:
    """One evaluation: the columns of the inputs, and the results of the steps so far."""

    __slots__ = ("count", "inputs", "lists", "results", "timestamp_ms")

    def __init__(
        self,
        inputs: Sequence[Any],
        lists: Mapping[str, Mapping[str, int] | None],
        timestamp_ms: NDArray[np.int64],
    ) -> None:
        self.inputs = inputs
        self.lists = lists
        self.timestamp_ms = timestamp_ms
        self.count = len(timestamp_ms)
        self.results: list[Result] = []


Step = Callable[[Frame], Result]

COMPARISONS: dict[str, Any] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_OPERATORS: dict[str, Any] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def step_of(node: Node, numbers: Mapping[Node, int], inputs: Mapping[Input, int], text_id: TextId) -> Step:
    """The step of one node; `numbers` are the places of all nodes' results, `inputs` those of the columns."""
    match node:
        case Literal():
            result = constant_of(node, text_id)
            return lambda _: result
        case Read():
            return _read(node, inputs[node.input])
        case Has():
            return _has(inputs[node.input])
        case Not():
            return _not(numbers[node.operand])
        case Junction():
            return _junction(node, [numbers[each] for each in node.operands])
        case OneOf():
            return _one_of(node, numbers[node.operand], text_id)
        case InList():
            return _in_list(node, numbers[node.operand])
        case InTuples():
            return _in_tuples(node, [inputs[read] for read in node.fields], text_id)
        case Before():
            return lambda frame: Masks(frame.timestamp_ms < node.moment_ms, None)
        case Negate():
            return _negate(numbers[node.operand])
    return _computed(node, numbers)


def _computed(node: Compare | Arithmetic | Call, numbers: Mapping[Node, int]) -> Step:
    match node:
        case Compare():
            compare = {"text": _compare_texts, "bool": _compare_bools}.get(node.left.type, _compare_numbers)
            return compare(node, numbers[node.left], numbers[node.right])
        case Arithmetic():
            return _arithmetic(node, numbers[node.left], numbers[node.right])
        case Call():
            arguments = [numbers[each] for each in node.arguments]
            return (
                _TEXT_CALLS[node.function](arguments) if node.function in _TEXT_CALLS else _number_call(node, arguments)
            )


def _either(*missing: Mask | None) -> Mask | None:
    """Where any of the operands is missing."""
    found: Mask | None = None
    for mask in missing:
        if mask is not None:
            found = mask if found is None else np.logical_or(found, mask)
    return found


def _masks(true: Any, missing: Mask | None) -> Masks:
    return Masks(true, None) if missing is None else Masks(np.greater(true, missing), np.logical_or(true, missing))


def constant_of(node: Literal, text_id: TextId) -> Result:
    """The result of a literal, for any frame."""
    value = node.value
    if isinstance(value, str):
        return Texts(value, np.uint64(text_id(value)), None)
    if isinstance(value, bool):
        return Masks(np.bool_(value), None)
    return Numbers(np.asarray(value, dtype=np.int64 if isinstance(value, int) else np.float64), None)


def _read(node: Read, index: int) -> Step:
    if node.type != "bool":
        return lambda frame: frame.inputs[index]

    def read(frame: Frame) -> Masks:
        column = frame.inputs[index]
        return _masks(column.values.astype(np.bool_, copy=False), column.missing)

    return read


def _has(index: int) -> Step:
    def has(frame: Frame) -> Masks:
        column = frame.inputs[index]
        return Masks(np.True_ if column.missing is None else ~column.missing, None)

    return has


def _not(operand: int) -> Step:
    def negate(frame: Frame) -> Masks:
        true, possible = frame.results[operand]
        return Masks(~true, None) if possible is None else Masks(~possible, ~true)

    return negate


def _junction(node: Junction, operands: Sequence[int]) -> Step:
    combine = np.logical_and if node.word == "and" else np.logical_or

    def junction(frame: Frame) -> Masks:
        true, possible = frame.results[operands[0]]
        for operand in operands[1:]:
            other, other_possible = frame.results[operand]
            if possible is not None or other_possible is not None:
                first = true if possible is None else possible
                possible = combine(first, other if other_possible is None else other_possible)
            true = combine(true, other)
        return Masks(true, possible)

    return junction


def _compare_numbers(node: Compare, left: int, right: int) -> Step:
    compare = COMPARISONS[node.operator]

    def step(frame: Frame) -> Masks:
        (a, a_missing), (b, b_missing) = frame.results[left], frame.results[right]
        return _masks(compare(a, b), _either(a_missing, b_missing))

    return step


def _compare_bools(node: Compare, left: int, right: int) -> Step:
    compare = COMPARISONS[node.operator]

    def step(frame: Frame) -> Masks:
        (a, a_possible), (b, b_possible) = frame.results[left], frame.results[right]
        missing = _either(*(None if p is None else p != t for t, p in ((a, a_possible), (b, b_possible))))
        return _masks(compare(a, b), missing)

    return step


def _compare_texts(node: Compare, left: int, right: int) -> Step:
    compare = COMPARISONS[node.operator]
    compare_one = operator.eq if node.operator == "==" else operator.ne

    def step(frame: Frame) -> Masks:
        a, b = frame.results[left], frame.results[right]
        if a.ids is not None and b.ids is not None:
            true = compare(a.ids, b.ids)
        else:
            true = _booleans(map(compare_one, _each(a, frame), _each(b, frame)), frame)
        return _masks(true, _either(a.missing, b.missing))

    return step


def _each(texts: Texts, frame: Frame) -> Sequence[str | None]:
    """One text for each event."""
    return [texts.values] * frame.count if isinstance(texts.values, str) else texts.values


def _booleans(values: Iterable[bool], frame: Frame) -> Mask:
    return np.fromiter(values, dtype=np.bool_, count=frame.count)


def _one_of(node: OneOf, operand: int, text_id: TextId) -> Step:
    options = frozenset(node.options)
    ids = [np.uint64(text_id(option)) for option in sorted(options)]

    def step(frame: Frame) -> Masks:
        texts = frame.results[operand]
        if texts.ids is None:
            true = _booleans((text in options for text in texts.values), frame)
        else:
            true = np.logical_or.reduce([texts.ids == each for each in ids])
        return _masks(true, texts.missing)

    return step


def _in_list(node: InList, operand: int) -> Step:
    name = node.list.name

    def step(frame: Frame) -> Masks:
        entries = frame.lists.get(name)
        texts = frame.results[operand]
        if entries is None:
            return Masks(np.zeros(frame.count, np.bool_), np.ones(frame.count, np.bool_))
        expires_ms = [entries.get(text, -1) if text is not None else -1 for text in _each(texts, frame)]
        return _masks(np.array(expires_ms, np.int64) > frame.timestamp_ms, texts.missing)

    return step


def _in_tuples(node: InTuples, fields: Sequence[int], text_id: TextId) -> Step:
    """Each field by itself says who may be meant; of these each is looked at."""
    allowed = [allowed_values(values, text_id) for values in zip(*node.tuples, strict=True)]

    def step(frame: Frame) -> Masks:
        columns = [frame.inputs[field] for field in fields]
        parts = [among(column, values) for column, values in zip(columns, allowed, strict=True)]
        true = np.logical_and.reduce(parts)
        if len(columns) > 1:
            for at in np.flatnonzero(true).tolist():
                true[at] = tuple([column.values[at] for column in columns]) in node.tuples
        return Masks(true, None)

    return step


def allowed_values(values: Sequence[Any], text_id: TextId) -> Values:
    """Values of one type as `among` takes them: texts by their ids."""
    if isinstance(values[0], str):
        return np.array([text_id(value) for value in values], dtype=np.uint64)
    return np.array(values)


def among(column: Numbers | Texts, allowed: Values) -> Mask:
    """Which values of the column are allowed; a missing one is not."""
    own = column.ids if isinstance(column, Texts) else column.values
    found = np.isin(own, allowed, kind="sort")
    return found if column.missing is None else np.greater(found, column.missing)


def _as_float(values: Values) -> Values:
    return values.astype(np.float64, copy=False)


def _arithmetic(node: Arithmetic, left: int, right: int) -> Step:
    compute = _OPERATORS[node.operator]

    def step(frame: Frame) -> Numbers:
        (a, a_missing), (b, b_missing) = frame.results[left], frame.results[right]
        values = compute(_as_float(a), _as_float(b))
        finite = np.isfinite(values)
        return Numbers(values, _either(a_missing, b_missing, None if finite.all() else ~finite))

    return step


def _negate(operand: int) -> Step:
    def step(frame: Frame) -> Numbers:
        values, missing = frame.results[operand]
        return Numbers(np.negative(_as_float(values)), missing)

    return step


def _number_call(node: Call, arguments: Sequence[int]) -> Step:
    compute = {"min": np.minimum, "max": np.maximum, "abs": np.absolute, "round": np.rint}[node.function]

    def step(frame: Frame) -> Numbers:
        operands = [frame.results[each] for each in arguments]
        values = [values if node.whole else _as_float(values) for values, _ in operands]
        result = compute(values[0]) if len(values) == 1 else values[0]
        for other in values[1:]:
            result = compute(result, other)
        return Numbers(result, _either(*(missing for _, missing in operands)))

    return step


def _length(arguments: Sequence[int]) -> Step:
    def step(frame: Frame) -> Numbers:
        texts = frame.results[arguments[0]]
        lengths = [len(text or "") for text in _each(texts, frame)]
        return Numbers(np.array(lengths, np.int64), texts.missing)

    return step


def _lower(arguments: Sequence[int]) -> Step:
    def step(frame: Frame) -> Texts:
        texts = frame.results[arguments[0]]
        return Texts([text and text.lower() for text in _each(texts, frame)], None, texts.missing)

    return step


def _affix(test: Callable[[str, str], bool]) -> Callable[[Sequence[int]], Step]:
    def with_arguments(arguments: Sequence[int]) -> Step:
        def step(frame: Frame) -> Masks:
            texts, affixes = (frame.results[each] for each in arguments)
            pairs = zip(_each(texts, frame), _each(affixes, frame), strict=True)
            true = _booleans((test(text or "", affix or "") for text, affix in pairs), frame)
            return _masks(true, _either(texts.missing, affixes.missing))

        return step

    return with_arguments


_TEXT_CALLS: dict[str, Callable[[Sequence[int]], Step]] = {
    "len": _length,
    "lower": _lower,
    "startswith": _affix(str.startswith),
    "endswith": _affix(str.endswith),
}
