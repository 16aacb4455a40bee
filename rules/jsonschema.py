"""JSON Schemas of a pack's files for editors, written to `rules/json` by `python -m rules.jsonschema`.

They say which keys there are and what a value looks like; what expressions mean, and whether names are known, only
`riskgate lint` says.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from detectors import KINDS
from rules import bounds
from rules.breakers import BREAKER_KEYS, SHARE, STEPS, TIMES
from rules.cases import CASE_KEYS, EXPECT_KEYS, TIMING_KEYS
from rules.detector_specs import COUNTED, DETECTOR_KEYS
from rules.exceptions import EXCEPTION_KEYS
from rules.features import FEATURE_KEYS, OWN_OPTIONS
from rules.fields import EVENT_WORDS, STORED_FIELDS
from rules.headers import DEFAULT_KEYS, FALLBACK_KEYS, HEAD_KEYS, SCHEMA_VERSION
from rules.lists import LIST_KEYS
from rules.literals import DURATION
from rules.loader import SECTIONS
from rules.models import AGGREGATES, APPROVALS, MODES, ON_MISSING, SEVERITIES, THENS
from rules.overlays import CHANGE_KEYS, OVERLAY_KEYS
from rules.rule_reader import RULE_KEYS
from rules.sequences import ABSENT, SEQUENCE_KEYS
from rules.shapes import NAME, PACK_NAME, REASON, RULE_ID
from schemas import ACTIONS, EXPONENTS, STRUCTS

FOLDER = Path(__file__).parent / "json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}


def documents() -> dict[str, str]:
    """The text of each schema by the name of its file: for `pack.yml`, for rule files and for overlays."""
    sections = _of(SECTIONS, _sections(), "a section of a rule file")
    head = _of(HEAD_KEYS, _head(), "a key of a pack")
    made = {
        "pack": _table({**head, **sections}, ("schema", "pack", "owner", "currency")),
        "rules": _table(sections),
        "overlay": _overlay(),
    }
    return {
        f"{name}.json": json.dumps({"$schema": DIALECT, **schema, "$defs": _used(schema)}, indent=2) + "\n"
        for name, schema in made.items()
    }


def _used(schema: Schema) -> dict[str, Schema]:
    """The definitions that a schema refers to, and those that these refer to."""
    definitions, used, texts = _definitions(), set[str](), [json.dumps(schema)]
    while texts:
        named = set(re.findall(r"#/\$defs/(\w+)", texts.pop())) - used
        used |= named
        texts += [json.dumps(definitions[name]) for name in named]
    return {name: definition for name, definition in definitions.items() if name in used}


def _of(keys: Iterable[str], shapes: Mapping[str, Schema], what: str) -> dict[str, Schema]:
    """The shape of each key that the reader takes; raises KeyError for one that has none here, or has one too many."""
    wanted = list(keys)
    if set(wanted) != set(shapes):
        raise KeyError(f"expected a shape for {what} each, but these differ: {sorted(set(wanted) ^ set(shapes))}")
    return {key: shapes[key] for key in wanted}


def _table(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    names = list(required)
    return schema | {"required": names} if names else schema


def _named(pattern: re.Pattern[str], value: Schema, most: int) -> Schema:
    """A mapping with names of one form."""
    return {
        "type": "object",
        "propertyNames": _matching(pattern),
        "additionalProperties": value,
        "maxProperties": most,
    }


def _matching(pattern: re.Pattern[str]) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}


def _items(value: Schema, most: int, least: int = 1) -> Schema:
    return {"type": "array", "items": value, "minItems": least, "maxItems": most}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _choice(options: Iterable[str]) -> Schema:
    return {"enum": list(options)}


def _sections() -> dict[str, Schema]:
    return {
        "features": _named(NAME, _ref("feature"), bounds.FEATURES_MAX),
        "macros": _named(NAME, _ref("expression"), bounds.MACROS_MAX),
        "lists": _named(NAME, _ref("list"), bounds.LISTS_MAX),
        "detectors": _named(NAME, _ref("detector"), bounds.DETECTORS_MAX),
        "rules": _items(_ref("rule"), bounds.RULES_MAX, least=0),
    }


def _head() -> dict[str, Schema]:
    defaults = {
        "event": _ref("event"),
        "mode": _choice(MODES),
        "severity": _choice(SEVERITIES),
        "on_missing": _choice(ON_MISSING),
        "challenge": _ref("text"),
    }
    fallback = {"deadline": _ref("duration"), "then": _choice(ACTIONS)}
    return {
        "schema": {"enum": [SCHEMA_VERSION, int(SCHEMA_VERSION)]},
        "pack": _matching(PACK_NAME),
        "owner": _ref("text"),
        "currency": _choice(sorted(EXPONENTS)),
        "defaults": _table(_of(DEFAULT_KEYS, defaults, "a default")),
        "fallback": _table(_of(FALLBACK_KEYS, fallback, "a key of the fallback"), FALLBACK_KEYS),
        "rates": _ref("text"),
        "lateness": _ref("duration"),
        "skew": _ref("duration"),
        "dedupe": _ref("duration"),
        "approval": _choice(APPROVALS),
    }


def _overlay() -> Schema:
    change = {"params": _ref("params"), "mode": _choice(MODES), "severity": _choice(SEVERITIES)}
    changes = _table(_of(CHANGE_KEYS, change, "what an overlay changes"))
    return _table(_of(OVERLAY_KEYS, {"rules": _named(RULE_ID, changes, bounds.RULES_MAX)}, "an overlay"), OVERLAY_KEYS)


def _definitions() -> dict[str, Schema]:
    return {
        "text": {**_SCALAR, "maxLength": bounds.TEXT_CHARS_MAX},
        "expression": {**_SCALAR, "maxLength": bounds.TEXT_CHARS_MAX},
        "duration": _matching(DURATION),
        "expiry": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d"},
        "field": _choice(STORED_FIELDS),
        "key": {"anyOf": [_ref("field"), _items(_ref("field"), bounds.KEY_FIELDS_MAX)]},
        "event": {"anyOf": [_choice(EVENT_WORDS), _items(_choice(EVENT_WORDS), len(EVENT_WORDS))]},
        "params": _named(NAME, _SCALAR, bounds.PARAMS_MAX),
        "feature": _feature(),
        "list": _table(_of(LIST_KEYS, {"type": _choice(["string"]), "file": _ref("text")}, "a list"), LIST_KEYS),
        "detector": _detector(),
        "rule": _rule(),
        "sequence": _sequence(),
        "step": {"anyOf": [_choice(EVENT_WORDS), {**_named_events(_ref("expression")), "maxProperties": 1}]},
        "exception": _exception(),
        "breaker": _breaker(),
        "test": _test(),
        "given": _given(),
    }


def _named_events(value: Schema) -> Schema:
    return {"type": "object", "propertyNames": _choice(EVENT_WORDS), "additionalProperties": value}


def _feature() -> Schema:
    aggregates: dict[str, Schema] = {aggregate: _ref("key") for aggregate in AGGREGATES}
    aggregates["count"] = _choice(["event"])
    aggregates["rate"] = _choice(["event", *STORED_FIELDS])
    aggregates |= dict.fromkeys(("distance", "speed"), _choice(["geo"]))
    options = {
        "by": _ref("key"),
        "over": _ref("duration"),
        "delay": _ref("duration"),
        "where": _ref("expression"),
        "event": _ref("event"),
        "min_events": {"type": ["integer", "string"]},
        "against": _ref("duration"),
        "at": {"type": ["number", "string"]},
    }
    keys = (*FEATURE_KEYS, *OWN_OPTIONS.values())
    schema = _table({**aggregates, **_of(keys, options, "a key of a feature")}, ("over",))
    together: dict[str, list[str]] = {key: [aggregate] for aggregate, key in OWN_OPTIONS.items()}
    together |= {aggregate: [key] for aggregate, key in OWN_OPTIONS.items() if key != "min_events"}
    return schema | {
        "dependentRequired": together,
        "oneOf": [{"required": [aggregate]} for aggregate in AGGREGATES],
    }


def _detector() -> Schema:
    shapes = {
        "kind": _choice(KINDS),
        "by": _ref("field"),
        "of": _ref("field"),
        "half_life": _matching(COUNTED),
        "warm_up": _matching(COUNTED),
    }
    return _table(_of(DETECTOR_KEYS, shapes, "a key of a detector"), [key for key in DETECTOR_KEYS if key != "warm_up"])


def _rule() -> Schema:
    shapes = {
        "id": _matching(RULE_ID),
        "title": _ref("text"),
        "when": _ref("expression"),
        "sequence": _ref("sequence"),
        "params": _ref("params"),
        "then": _choice(THENS),
        "mode": _choice(MODES),
        "severity": _choice(SEVERITIES),
        "reason": _matching(REASON),
        "explain": _ref("text"),
        "exceptions": _items(_ref("exception"), bounds.EXCEPTIONS_MAX, least=0),
        "overrides": _items(_matching(RULE_ID), bounds.OVERRIDES_MAX),
        "expires": _ref("expiry"),
        "breaker": _ref("breaker"),
        "challenge": _ref("text"),
        "runbook": _ref("text"),
        "on_missing": _choice(ON_MISSING),
        "event": _ref("event"),
        "tests": _items(_ref("test"), bounds.TESTS_MAX, least=0),
    }
    schema = _table(_of(RULE_KEYS, shapes, "a key of a rule"), ("id", "then"))
    allows = {"properties": {"then": {"const": "allow"}}}
    never = {"not": {"anyOf": [{"required": ["overrides"]}, {"required": ["expires"]}]}}
    return schema | {
        "oneOf": [{"required": ["when"]}, {"required": ["sequence"]}],
        "if": allows,
        "then": {"required": ["overrides", "expires"]},
        "else": never,
    }


def _sequence() -> Schema:
    several = _items(_ref("step"), bounds.STEPS_MAX)
    absent = _table({ABSENT: {"anyOf": [_ref("step"), several]}}, (ABSENT,))
    steps = _items({"anyOf": [_ref("step"), absent]}, bounds.STEPS_MAX)
    shapes = {"by": _ref("key"), "within": _ref("duration"), "steps": steps, "unless": several}
    return _table(_of(SEQUENCE_KEYS, shapes, "a key of a sequence"), [key for key in SEQUENCE_KEYS if key != "unless"])


def _exception() -> Schema:
    row = _items(_SCALAR, bounds.KEY_FIELDS_MAX)
    shapes = {
        "fields": _items(_ref("field"), bounds.KEY_FIELDS_MAX),
        "values": _items(row, bounds.EXCEPTION_VALUES_MAX),
        "expires": _ref("expiry"),
        "note": _ref("text"),
    }
    return _table(_of(EXCEPTION_KEYS, shapes, "a key of an exception"), EXCEPTION_KEYS)


def _breaker() -> Schema:
    shapes = {
        "expected": _matching(SHARE),
        "multiple": {"anyOf": [{"type": "number"}, _matching(TIMES)]},
        "over": _ref("duration"),
        "min_hits": {"type": ["integer", "string"]},
        "steps": _items(_choice(STEPS), len(STEPS)),
    }
    return _table(_of(BREAKER_KEYS, shapes, "a key of a breaker"), ("expected",))


def _test() -> Schema:
    expect = {
        "then": _choice([*THENS, "no_match"]),
        "features": {"type": "object", "additionalProperties": _SCALAR},
    }
    shapes = {
        "name": _ref("text"),
        "profiles": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": _SCALAR},
        },
        "given": _items(_ref("given"), bounds.TEST_EVENTS_MAX),
        "expect": _table(_of(EXPECT_KEYS, expect, "what a test expects"), ("then",)),
    }
    return _table(_of(CASE_KEYS, shapes, "a key of a test"), [key for key in CASE_KEYS if key != "profiles"])


def _given() -> Schema:
    """An event of one type with its fields, and when it comes."""
    timing = {
        "repeat": {"type": ["integer", "string"]},
        "every": _ref("duration"),
        "after": _ref("duration"),
        "at": _ref("duration"),
    }
    events = {name: _fields_of(name) for name in STRUCTS}
    schema = _table({**events, **_of(TIMING_KEYS, timing, "when an event comes")})
    return schema | {"oneOf": [{"required": [name]} for name in STRUCTS]}


def _fields_of(event: str) -> Schema:
    fields: dict[str, Schema] = {name: _SCALAR for name, field in STORED_FIELDS.items() if event in field.events}
    fields["attributes"] = {"type": "object", "additionalProperties": _SCALAR}
    return _table(fields) | {"type": ["object", "null"]}


def write() -> None:
    """Writes every schema."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
