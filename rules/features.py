"""Reading features: named aggregates over windows."""

from dataclasses import dataclass, replace

from rules.bounds import KEY_FIELDS_MAX
from rules.expressions import check_condition
from rules.fields import EVENT_WORDS, STORED_FIELDS, Field
from rules.findings import Ledger, did_you_mean, quoted
from rules.literals import duration_ms
from rules.models import AGGREGATES, Aggregate, Feature
from rules.scopes import Scope, events_text
from rules.shapes import Shapes, as_options
from rules.syntax import ValueType
from rules.trees import Items, Scalar, Table, Tree

FEATURE_KEYS = ("by", "over", "delay", "where", "event")
_KEYED: tuple[Aggregate, ...] = ("age", "gap", "is_new")
"""Aggregates whose own value is the key, as in `{age: [user_id, device_id], over: 90d}`."""

EVENT_HINT = "`event:` says which types of event are meant"

_NUMERIC: tuple[Aggregate, ...] = ("sum", "mean", "min", "max", "std")


@dataclass(frozen=True, slots=True)
class Draft:
    """A feature whose `where` has not been checked yet."""

    feature: Feature
    where: Scalar | None


def read_events(node: Tree | None, default: frozenset[str], shapes: Shapes) -> frozenset[str]:
    """The types of event an `event:` names: a type, a list of types, or `transaction`."""
    if node is None:
        return default
    nodes = node.values if isinstance(node, Items) else (node,)
    found: set[str] = set()
    for each in nodes:
        scalar = shapes.scalar(each, "a type of event")
        if scalar is not None and shapes.known(scalar, EVENT_WORDS, "unknown-event", "a type of event"):
            found |= EVENT_WORDS[scalar.value]
    if not nodes:
        shapes.ledger.report("bad-value", node.spot, "expected at least one type of event")
    return frozenset(found) or default


def read_feature(name: str, node: Tree, events: frozenset[str], shapes: Shapes) -> Draft | None:
    """One entry of `features:` without its `where` checked; None after findings. `events` is the pack's default."""
    what = f"the feature `{name}`"
    table = shapes.table(node, what)
    aggregate = None if table is None else _aggregate(table, what, shapes)
    if table is None or aggregate is None:
        return None
    key, value, chosen = aggregate
    keys = (chosen, "over", "delay", "where", "event") if chosen in _KEYED else (chosen, *FEATURE_KEYS)
    shapes.table(table, what, keys)
    entering = read_events(table.get("event"), events, shapes)
    over = shapes.scalar(shapes.required(table, "over", what), "a duration for `over`")
    over_ms = None if over is None else duration_ms(over, shapes.ledger)
    delay = None if table.get("delay") is None else shapes.scalar(table.get("delay"), "a duration for `delay`")
    delay_ms = 0 if delay is None else duration_ms(delay, shapes.ledger)
    by = key_fields(value if chosen in _KEYED else shapes.required(table, "by", what), entering, shapes)
    field = None if chosen in _KEYED else _subject(chosen, key, value, entering, shapes)
    where = None if table.get("where") is None else shapes.scalar(table.get("where"), "an expression for `where`")
    if over_ms is None or delay_ms is None or by is None or (field is None and chosen not in (*_KEYED, "count")):
        return None
    if chosen == "distinct" and field is not None and len({*by, field.name}) > KEY_FIELDS_MAX:
        message = f"expected `distinct` of a field by at most {KEY_FIELDS_MAX - 1} others, got {len(by)}"
        shapes.ledger.report("too-large", key.spot, message)
        return None
    kind = _type_of(chosen, field)
    whole = kind not in ("text", "bool") and chosen not in ("mean", "std")
    name_of = field.name if field else None
    return Draft(Feature(name, chosen, name_of, by, over_ms, delay_ms, None, entering, kind, whole), where)


def finish_feature(draft: Draft, scope: Scope, ledger: Ledger) -> Feature | None:
    """The feature with its `where` checked; None after findings."""
    if draft.where is None:
        return draft.feature
    condition = check_condition(draft.where, scope, ledger)
    return None if condition is None else replace(draft.feature, where=condition)


def _aggregate(table: Table, what: str, shapes: Shapes) -> tuple[Scalar, Tree, Aggregate] | None:
    """The one key of a feature that names an aggregate, with its value."""
    options = as_options(AGGREGATES)
    found = [(key, value, options[key.value]) for key, value in table.entries if key.value in options]
    if len(found) == 1:
        return found[0]
    if found:
        shapes.ledger.report(
            "bad-value", found[1][0].spot, f"{what} has two aggregates: {quoted(found[0][0].value)} too"
        )
        return None
    others = [key for key, _ in table.entries if key.value not in FEATURE_KEYS]
    hint = f"the aggregates are {', '.join(AGGREGATES)}"
    if others:
        message = f"{quoted(others[0].value)} is not an aggregate"
        shapes.ledger.report(
            "unknown-aggregate", others[0].spot, message, did_you_mean(others[0].value, AGGREGATES) or hint
        )
    else:
        shapes.ledger.report("missing-key", table.spot, f"{what} needs an aggregate such as `count: event`", hint)
    return None


def key_fields(
    node: Tree | None, events: frozenset[str], shapes: Shapes, hint: str = EVENT_HINT
) -> tuple[str, ...] | None:
    """The fields of a key: one, or a list of several."""
    if node is None:
        return None
    nodes = node.values if isinstance(node, Items) else (node,)
    fields = [_text_field(each, events, shapes, hint) for each in nodes]
    names = tuple(field.name for field in fields if field is not None)
    if not 1 <= len(nodes) <= KEY_FIELDS_MAX:
        message = f"expected 1 to {KEY_FIELDS_MAX} fields as a key, got {len(nodes)}"
        shapes.ledger.report("too-large" if nodes else "bad-value", node.spot, message)
        return None
    if len(set(names)) < len(names):
        shapes.ledger.report("bad-value", node.spot, "expected different fields as a key, got one of them twice")
        return None
    return names if len(names) == len(nodes) else None


def _text_field(node: Tree, events: frozenset[str], shapes: Shapes, hint: str) -> Field | None:
    field = event_field(node, events, shapes, hint)
    if field is not None and field.type != "text":
        shapes.ledger.report("type-mismatch", node.spot, f"a key is made of texts, but `{field.name}` is none")
        return None
    return field


def event_field(node: Tree | None, events: frozenset[str], shapes: Shapes, hint: str = EVENT_HINT) -> Field | None:
    """The field a node names, which every one of `events` has."""
    scalar = None if node is None else shapes.scalar(node, "a field of the event")
    if scalar is None:
        return None
    field = STORED_FIELDS.get(scalar.value)
    if field is None:
        names = [each.name for each in STORED_FIELDS.values() if events <= each.events]
        message = f"{quoted(scalar.value)} is not a field of {events_text(events)}"
        shapes.ledger.report("unknown-field", scalar.spot, message, did_you_mean(scalar.value, names))
        return None
    lacking = events - field.events
    if lacking:
        message = f"`{field.name}` is not a field of {events_text(lacking)}"
        shapes.ledger.report("field-not-on-event", scalar.spot, message, hint)
        return None
    return field


def _subject(aggregate: Aggregate, key: Scalar, node: Tree, events: frozenset[str], shapes: Shapes) -> Field | None:
    """The field that is aggregated; None for a count, whose value is the word `event`."""
    if aggregate == "count":
        scalar = shapes.scalar(node, "`event` for `count`")
        if scalar is not None and scalar.value != "event":
            message = f"expected `count: event`, got {quoted(scalar.value)}"
            shapes.ledger.report("bad-value", scalar.spot, message, "`distinct:` counts the values of a field")
        return None
    field = event_field(node, events, shapes)
    if field is None:
        return None
    if aggregate in _NUMERIC and field.type not in ("money", "number"):
        message = f"`{key.value}` takes `amount` or `quantity`, but `{field.name}` is neither"
        shapes.ledger.report("type-mismatch", node.spot, message)
        return None
    if aggregate == "distinct" and field.type != "text":
        message = f"`{key.value}` takes a text, but `{field.name}` is none"
        shapes.ledger.report("type-mismatch", node.spot, message)
        return None
    if field.type == "bool":
        message = f"`{key.value}` takes a text, money or a number, but `{field.name}` is true or false"
        shapes.ledger.report("type-mismatch", node.spot, message, "filter with `where:` and count")
        return None
    return field


def _type_of(aggregate: Aggregate, field: Field | None) -> ValueType:
    if aggregate in ("age", "gap"):
        return "duration"
    if aggregate == "is_new":
        return "bool"
    if aggregate in ("count", "distinct") or field is None:
        return "number"
    return field.type
