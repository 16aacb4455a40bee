"""Reading features: named aggregates over windows."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from rules.bounds import KEY_FIELDS_MAX, MIN_EVENTS_MAX
from rules.expressions import check_condition
from rules.fields import EVENT_WORDS, PLACE_FIELDS, STORED_FIELDS, Field
from rules.findings import Ledger, did_you_mean, quoted
from rules.literals import duration_ms, whole_number
from rules.models import AGGREGATES, Aggregate, Feature
from rules.scopes import Scope, events_text
from rules.shapes import Shapes, as_options
from rules.syntax import Condition, Has, Junction, Node, ValueType
from rules.trees import Items, Scalar, Table, Tree

FEATURE_KEYS = ("by", "over", "delay", "where", "event")
OWN_OPTIONS: dict[Aggregate, str] = {"zscore": "min_events", "rate": "against", "percentile": "at"}
"""The key that an aggregate alone has."""

_MIN_EVENTS = 10
_MEDIAN = 50_000
_KEYED: tuple[Aggregate, ...] = ("age", "gap", "is_new")
"""Aggregates whose own value is the key, as in `{age: [user_id, device_id], over: 90d}`."""

_NUMERIC: tuple[Aggregate, ...] = ("sum", "mean", "min", "max", "std", "zscore", "rate", "median", "percentile")
_OF_PLACES: tuple[Aggregate, ...] = ("distance", "speed")
_OF_TEXTS: tuple[Aggregate, ...] = ("distinct", "top_share")
_FRACTIONS: tuple[Aggregate, ...] = (
    "mean",
    "std",
    "zscore",
    "rate",
    "median",
    "percentile",
    "top_share",
    "distance",
    "speed",
)
_OF_EVENTS: tuple[Aggregate, ...] = ("count", "rate")
"""Aggregates that take the word `event` too."""

EVENT_HINT = "`event:` says which types of event are meant"


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
    own = (OWN_OPTIONS[chosen],) if chosen in OWN_OPTIONS else ()
    shapes.table(table, what, (chosen, *own, *(each for each in FEATURE_KEYS if each != "by" or chosen not in _KEYED)))
    entering = read_events(table.get("event"), events, shapes)
    over = shapes.scalar(shapes.required(table, "over", what), "a duration for `over`")
    over_ms = None if over is None else duration_ms(over, shapes.ledger)
    delay = None if table.get("delay") is None else shapes.scalar(table.get("delay"), "a duration for `delay`")
    delay_ms = 0 if delay is None else duration_ms(delay, shapes.ledger)
    by = key_fields(value if chosen in _KEYED else shapes.required(table, "by", what), entering, shapes)
    subject = None if chosen in _KEYED else _subject(chosen, key, value, entering, shapes)
    options = _own_options(table, chosen, over_ms, what, shapes)
    where = None if table.get("where") is None else shapes.scalar(table.get("where"), "an expression for `where`")
    if (
        over_ms is None
        or delay_ms is None
        or by is None
        or options is None
        or (subject is None and chosen not in _KEYED)
    ):
        return None
    field = subject if isinstance(subject, Field) else None
    if chosen in _OF_TEXTS and field is not None and len({*by, field.name}) > KEY_FIELDS_MAX:
        message = f"expected `{chosen}` of a field by at most {KEY_FIELDS_MAX - 1} others, got {len(by)}"
        shapes.ledger.report("too-large", key.spot, message)
        return None
    kind = _type_of(chosen, field)
    whole = kind not in ("text", "bool") and chosen not in _FRACTIONS
    name_of = field.name if field else "geo" if subject == "geo" else None
    feature = Feature(name, chosen, name_of, by, over_ms, delay_ms, None, entering, kind, whole, *options)
    return Draft(feature, where)


def _own_options(
    table: Table, chosen: Aggregate, over_ms: int | None, what: str, shapes: Shapes
) -> tuple[int, int, int] | None:
    """`min_events`, `against` in ms and a percentile's share, each 0 where it is not meant; None after a finding."""
    wanted = OWN_OPTIONS.get(chosen)
    if wanted is None:
        return 0, 0, _MEDIAN if chosen == "median" else 0
    if wanted == "min_events" and table.get(wanted) is None:
        return _MIN_EVENTS, 0, 0
    scalar = shapes.scalar(shapes.required(table, wanted, what), f"a value for `{wanted}`")
    if scalar is None:
        return None
    match wanted:
        case "min_events":
            least = whole_number(scalar, shapes.ledger, 2, MIN_EVENTS_MAX)
            return None if least is None else (least, 0, 0)
        case "against":
            against_ms = _against_ms(scalar, over_ms, shapes)
            return None if against_ms is None else (0, against_ms, 0)
        case _:
            share = _share(scalar, shapes)
            return None if share is None else (0, 0, share)


def _against_ms(scalar: Scalar, over_ms: int | None, shapes: Shapes) -> int | None:
    """Milliseconds of a rate's longer window; None after a finding."""
    against_ms = duration_ms(scalar, shapes.ledger)
    if against_ms is None or over_ms is None:
        return None
    if against_ms > over_ms:
        return against_ms
    message = f"expected `against` longer than `over`, got {quoted(scalar.value)}"
    shapes.ledger.report("bad-value", scalar.spot, message, "it is the time that `over` is the last part of")
    return None


def _share(scalar: Scalar, shapes: Shapes) -> int | None:
    """Thousandths of a percent; None after a finding."""
    if re.fullmatch(r"(0|[1-9]\d{0,2})(\.\d{1,3})?", scalar.value, re.ASCII) and float(scalar.value) <= 100:
        return int(Decimal(scalar.value) * 1_000)
    message = f"expected a percentage from 0 to 100 with at most three decimal places, got {quoted(scalar.value)}"
    shapes.ledger.report("bad-literal", scalar.spot, message)
    return None


def finish_feature(draft: Draft, scope: Scope, ledger: Ledger) -> Feature | None:
    """The feature with its `where` checked; None after findings."""
    condition = None if draft.where is None else check_condition(draft.where, scope, ledger)
    if draft.where is not None and condition is None:
        return None
    return replace(draft.feature, where=_placed(condition) if draft.feature.field == "geo" else condition)


def _placed(condition: Condition | None) -> Condition:
    """The condition, and that the event has a place."""
    places: list[Node] = [Has(STORED_FIELDS[name].input) for name in PLACE_FIELDS]
    tree = Junction("and", tuple(places if condition is None else [*places, condition.tree]))
    return Condition("", tree) if condition is None else replace(condition, tree=tree)


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
    others = [key for key, _ in table.entries if key.value not in (*FEATURE_KEYS, *OWN_OPTIONS.values())]
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


def _subject(
    aggregate: Aggregate, key: Scalar, node: Tree, events: frozenset[str], shapes: Shapes
) -> Field | Literal["event", "geo"] | None:
    """The field that is aggregated, or the word that stands there for one; None after a finding."""
    if aggregate in _OF_EVENTS and isinstance(node, Scalar) and node.value == "event":
        return "event"
    if aggregate == "count":
        scalar = shapes.scalar(node, "`event` for `count`")
        if scalar is not None:
            message = f"expected `count: event`, got {quoted(scalar.value)}"
            shapes.ledger.report("bad-value", scalar.spot, message, "`distinct:` counts the values of a field")
        return None
    if aggregate in _OF_PLACES:
        scalar = shapes.scalar(node, f"`geo` for `{key.value}`")
        if scalar is None or scalar.value == "geo":
            return None if scalar is None else "geo"
        message = f"expected `{key.value}: geo`, got {quoted(scalar.value)}"
        shapes.ledger.report(
            "bad-value", scalar.spot, message, "`geo` is the place that `latitude` and `longitude` tell"
        )
        return None
    field = event_field(node, events, shapes)
    if field is None:
        return None
    if aggregate in _NUMERIC and not field.whole:
        message = f"`{key.value}` takes `amount` or `quantity`, but `{field.name}` is neither"
        shapes.ledger.report("type-mismatch", node.spot, message)
        return None
    if aggregate in _OF_TEXTS and field.type != "text":
        message = f"`{key.value}` takes a text, but `{field.name}` is none"
        shapes.ledger.report("type-mismatch", node.spot, message)
        return None
    if field.name in PLACE_FIELDS:
        message = f"`{key.value}` takes no part of a place, but `{field.name}` is one"
        shapes.ledger.report("type-mismatch", node.spot, message, "`distance: geo` and `speed: geo` read places")
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
    if aggregate in ("count", "distinct", "top_share", "zscore", "rate") or field is None:
        return "number"
    return field.type
