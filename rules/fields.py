"""The fields of events that expressions and features may read, taken from the structs of `schemas`."""

import types
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from rules.syntax import Input, ValueType
from schemas import STRUCTS, TRANSACTION_TYPES

_NOT_READABLE = ("timestamp", "attributes", "metadata")


@dataclass(frozen=True, slots=True)
class Field:
    """`events` are the types of event that have the field; `required`: every event has it, with a value.

    `whole`: its values are integers.
    """

    name: str
    type: ValueType
    events: frozenset[str]
    required: bool
    whole: bool

    @property
    def input(self) -> Input:
        return Input("field", self.name, self.type, self.whole, self.required)


def _alternatives(annotation: Any) -> set[Any]:
    """The plain types an annotation allows."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return set().union(*map(_alternatives, get_args(annotation)))
    return {annotation}


def _value_type(name: str, alternatives: set[Any]) -> ValueType:
    if name == "amount":
        return "money"
    if bool in alternatives:
        return "bool"
    return "number" if alternatives & {int, float} else "text"


def _collect() -> dict[str, Field]:
    events: dict[str, set[str]] = {}
    found: dict[str, tuple[ValueType, bool, bool]] = {}
    for event, struct in STRUCTS.items():
        for info in msgspec.structs.fields(struct):
            if info.name in _NOT_READABLE:
                continue
            alternatives = _alternatives(info.type)
            _, required, _ = found.get(info.name, ("text", True, False))
            kind = _value_type(info.name, alternatives)
            whole = kind == "money" or (kind == "number" and float not in alternatives)
            found[info.name] = kind, required and type(None) not in alternatives, whole
            events.setdefault(info.name, set()).add(event)
    return {
        name: Field(name, kind, frozenset(events[name]), required and len(events[name]) == len(STRUCTS), whole)
        for name, (kind, required, whole) in found.items()
    }


STORED_FIELDS: dict[str, Field] = _collect()
"""Fields by name; a name means the same in every event that has it."""

FIELDS: dict[str, Field] = STORED_FIELDS | {"type": Field("type", "text", frozenset(STRUCTS), True, False)}
"""What an expression may read: the stored fields, and the type of the event."""

PLACE_FIELDS = {"latitude": 90, "longitude": 180}
"""What `geo` stands for, and how many degrees each has to both sides."""

EVENT_WORDS: dict[str, frozenset[str]] = {name: frozenset((name,)) for name in STRUCTS} | {
    "transaction": frozenset(TRANSACTION_TYPES)
}
"""What `event:` may say, and the types it stands for."""


def fields_on(events: frozenset[str]) -> list[str]:
    """Names of the fields that every one of these types of event has."""
    return [field.name for field in FIELDS.values() if events <= field.events]
