"""Reading exceptions: events that a rule does not match, whatever its condition says, until they expire."""

from collections.abc import Sequence

from rules.bounds import EXCEPTION_VALUES_MAX, EXCEPTIONS_MAX, KEY_FIELDS_MAX
from rules.expiry import read_expiry
from rules.features import event_field
from rules.fields import Field
from rules.findings import quoted
from rules.literals import literal, money_of
from rules.shapes import Shapes
from rules.syntax import Before, InTuples, Junction, Node, Not, Value
from rules.trees import Items, Scalar, Tree

EXCEPTION_KEYS = ("fields", "values", "expires", "note")
_WORDS = {"text": "a text", "number": "a whole number", "money": "an amount", "bool": "`true` or `false`"}


def read_exceptions(node: Tree | None, events: frozenset[str], currency: str, shapes: Shapes) -> list[Node]:
    """What must hold that no exception of a rule that judges `events` does; one with findings is left out."""
    items = () if node is None else shapes.items(node, "exceptions", EXCEPTIONS_MAX)
    read = [_exception(item, events, currency, shapes) for item in items]
    return [each for each in read if each is not None]


def _exception(node: Tree, events: frozenset[str], currency: str, shapes: Shapes) -> Node | None:
    what = "an exception"
    table = shapes.table(node, what, EXCEPTION_KEYS)
    if table is None:
        return None
    fields = _fields(shapes.required(table, "fields", what), events, shapes)
    values = shapes.required(table, "values", what)
    expires_ms = read_expiry(shapes.required(table, "expires", what), "this exception", shapes)
    note = shapes.required(table, "note", what)
    if note is not None:
        shapes.scalar(note, "a text for `note`")
    tuples = None if fields is None or values is None else _tuples(values, fields, currency, shapes)
    if fields is None or tuples is None or expires_ms is None:
        return None
    return Not(Junction("and", (InTuples(tuple(field.input for field in fields), tuples), Before(expires_ms))))


def _fields(node: Tree | None, events: frozenset[str], shapes: Shapes) -> list[Field] | None:
    if node is None:
        return None
    nodes = shapes.items(node, "fields", KEY_FIELDS_MAX)
    fields = [field for each in nodes if (field := event_field(each, events, shapes)) is not None]
    if isinstance(node, Items) and not nodes:
        shapes.ledger.report("bad-value", node.spot, "expected at least one field")
    if len({field.name for field in fields}) < len(fields):
        shapes.ledger.report("bad-value", node.spot, "expected different fields, got one of them twice")
        return None
    return fields if fields and len(fields) == len(nodes) <= KEY_FIELDS_MAX else None


def _tuples(node: Tree, fields: Sequence[Field], currency: str, shapes: Shapes) -> frozenset[tuple[Value, ...]] | None:
    """What the fields may be together; None after findings."""
    rows = shapes.items(node, "values", EXCEPTION_VALUES_MAX)
    if isinstance(node, Items) and not rows:
        shapes.ledger.report("bad-value", node.spot, "expected at least one list of values")
    found: set[tuple[Value, ...]] = set()
    for row in rows:
        cells = shapes.items(row, f"a value for each of {len(fields)} fields", KEY_FIELDS_MAX)
        if isinstance(row, Items) and len(cells) != len(fields):
            message = f"expected a value for each of the fields, which are {len(fields)}, got {len(cells)}"
            shapes.ledger.report("bad-value", row.spot, message)
        elif cells:
            values = [_value(cell, field, currency, shapes) for cell, field in zip(cells, fields, strict=True)]
            present = tuple(value for value in values if value is not None)
            if len(present) == len(fields):
                found.add(present)
    return frozenset(found) if found and len(rows) <= EXCEPTION_VALUES_MAX else None


def _value(node: Tree, field: Field, currency: str, shapes: Shapes) -> Value | None:
    """A value in the type of the field."""
    scalar = shapes.scalar(node, f"a value for `{field.name}`")
    if scalar is None or field.type == "text":
        return scalar.value if scalar else None
    before = len(shapes.ledger.findings)
    found = None if scalar.style else literal(scalar, currency, shapes.ledger)
    value = None if found is None else found.value
    if found is not None and field.type == "money" and found.type == "number" and not isinstance(value, str | None):
        value = money_of(value, currency)
    elif found is None or found.type != field.type or not isinstance(value, int):
        value = None
    if value is None and len(shapes.ledger.findings) == before:
        _report(scalar, field, shapes)
    return value


def _report(scalar: Scalar, field: Field, shapes: Shapes) -> None:
    message = f"expected {_WORDS[field.type]} for `{field.name}`, got {quoted(scalar.value)}"
    shapes.ledger.report("type-mismatch", scalar.spot, message)
