"""A naive reading of rule expressions: walks Python's own syntax tree with values, types and all, one event at a time.

It shares nothing with the checker and the compilers but the meaning that `docs/rules/language.md` states.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

EXPONENT = 2
"""Decimal places of the currency that the tests use."""

_DIMENSIONS = ("money", "duration")


@dataclass(frozen=True)
class Typed:
    """A value with its type; `bare` is a number written out, which beside money is money. None is missing."""

    value: Any
    type: str
    bare: bool = False


@dataclass(frozen=True)
class World:
    """Values of names (`params.x` and `score.x.value` with their dots), lists, and the time of the event."""

    names: Mapping[str, Typed]
    lists: Mapping[str, Mapping[str, int] | None]
    timestamp_ms: int


def outcome(text: str, world: World) -> bool | None:
    """True, False, or None for missing."""
    value = _value(ast.parse(text.strip(), mode="eval").body, world).value
    assert value is None or isinstance(value, bool)
    return value


def _value(node: ast.expr, world: World) -> Typed:
    if isinstance(node, ast.Constant):
        kind = {bool: "bool", str: "text"}.get(type(node.value), "number")
        return Typed(node.value, kind, kind == "number")
    if isinstance(node, ast.Name | ast.Attribute):
        return world.names[ast.unparse(node)]
    if isinstance(node, ast.BoolOp):
        return Typed(_junction([_value(each, world).value for each in node.values], node.op), "bool")
    if isinstance(node, ast.UnaryOp):
        return _unary(node, _value(node.operand, world))
    if isinstance(node, ast.BinOp):
        return _arithmetic(node.op, _value(node.left, world), _value(node.right, world))
    if isinstance(node, ast.Compare):
        return _chain(node, world)
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _call(node.func.id, [_value(each, world) for each in node.args])


def _junction(values: list[bool | None], word: ast.boolop) -> bool | None:
    decisive = isinstance(word, ast.Or)
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _unary(node: ast.UnaryOp, operand: Typed) -> Typed:
    if operand.value is None:
        return Typed(None, operand.type)
    if isinstance(node.op, ast.Not):
        return Typed(not operand.value, "bool")
    return Typed(-operand.value if operand.bare else -float(operand.value), operand.type, operand.bare)


def _together(left: Typed, right: Typed) -> tuple[Any, Any, str]:
    """Both values in one type."""
    kind = "money" if "money" in (left.type, right.type) else left.type
    return _in(left, kind), _in(right, kind), kind


def _in(each: Typed, kind: str) -> Any:
    return int(Fraction(repr(each.value)) * 10**EXPONENT) if kind == "money" and each.bare else each.value


def _arithmetic(operator: ast.operator, left: Typed, right: Typed) -> Typed:
    bare = left.bare and right.bare
    if isinstance(operator, ast.Add | ast.Sub):
        a, b, kind = _together(left, right)
    else:
        a, b = left.value, right.value
        kind = next((each.type for each in (left, right) if each.type in _DIMENSIONS), "number")
        if isinstance(operator, ast.Div) and left.type == right.type:
            kind = "number"
    if a is None or b is None or (isinstance(operator, ast.Div) and b == 0):
        return Typed(None, kind)
    a, b = float(a), float(b)
    compute = {ast.Add: a.__add__, ast.Sub: a.__sub__, ast.Mult: a.__mul__, ast.Div: a.__truediv__}
    result = compute[type(operator)](b)
    return Typed(result if math.isfinite(result) else None, kind, bare)


def _chain(node: ast.Compare, world: World) -> Typed:
    links = []
    left = _value(node.left, world)
    for operator, right_node in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.In | ast.NotIn):
            links.append(_membership(left.value, operator, right_node, world))
            continue
        right = _value(right_node, world)
        links.append(_compare(operator, *_together(left, right)[:2]))
        left = right
    return Typed(_junction(links, ast.And()), "bool")


def _compare(operator: ast.cmpop, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    if isinstance(left, float) != isinstance(right, float):
        left, right = float(left), float(right)
    if isinstance(operator, ast.Eq):
        return bool(left == right)
    if isinstance(operator, ast.NotEq):
        return bool(left != right)
    if isinstance(operator, ast.Lt | ast.LtE):
        return bool(left < right or (isinstance(operator, ast.LtE) and left == right))
    return bool(left > right or (isinstance(operator, ast.GtE) and left == right))


def _membership(value: str | None, operator: ast.cmpop, options: ast.expr, world: World) -> bool | None:
    if isinstance(options, ast.Attribute):
        entries = world.lists.get(options.attr)
        if value is None or entries is None:
            return None
        found = value in entries and entries[value] > world.timestamp_ms
    else:
        if value is None:
            return None
        found = value in ast.literal_eval(options)
    return found == isinstance(operator, ast.In)


def _call(name: str, arguments: list[Typed]) -> Typed:
    if name == "has":
        return Typed(arguments[0].value is not None, "bool")
    kind = {"len": "number", "startswith": "bool", "endswith": "bool"}.get(name, arguments[0].type)
    if name in ("min", "max"):
        kind = next((each.type for each in arguments if each.type in _DIMENSIONS), "number")
    if any(each.value is None for each in arguments):
        return Typed(None, kind)
    values = [_in(each, kind) for each in arguments]
    if any(isinstance(each, float) for each in values):
        values = [float(each) for each in values]
    functions: dict[str, Any] = {
        "min": min,
        "max": max,
        "abs": abs,
        "round": lambda x: float(round(x)),
        "len": len,
        "lower": str.lower,
        "startswith": str.startswith,
        "endswith": str.endswith,
    }
    return Typed(functions[name](*values), kind)
