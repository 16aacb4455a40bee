"""Events of every type as JSON bytes, with what each type needs and nothing more."""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas import STRUCTS, TRANSACTION_TYPES

NOW_MS = 1_790_000_000_000

_REQUIRED: dict[str, dict[str, Any]] = {
    "chargeback": {"original_transaction_id": "t0"},
    "reversal": {"original_transaction_id": "t0"},
    "correction": {"original_transaction_id": "t0", "amount": 12.34, "currency": "CNY"},
    "feedback": {"original_transaction_id": "t0", "fraud": True},
    "order": {"order_id": "o1"},
    "delivery": {"order_id": "o1"},
}


def fields_of(kind: str) -> dict[str, Any]:
    """The least event of the type `kind`."""
    own: dict[str, Any] = {"event_id": "e1"} | _REQUIRED.get(kind, {})
    if kind in TRANSACTION_TYPES:
        own = {"transaction_id": "t1", "amount": 12.34, "currency": "CNY"}
    return {"type": kind, "timestamp": NOW_MS, "user_id": "u1"} | own


def raw_event(kind: str, **fields: object) -> bytes:
    return msgspec.json.encode(fields_of(kind) | fields)


def raw_events(kinds: Sequence[str], first: int = 0, **fields: object) -> list[bytes]:
    """An event of each kind in turn, with ids that tell them apart: they are numbered from `first` on."""
    return [nth_event(at, kind, **fields) for at, kind in enumerate(kinds, first)]


def nth_event(number: int, kind: str, **fields: object) -> bytes:
    """The event of that number."""
    return raw_event(kind, **{id_name(kind): f"n{number}"}, **fields)


def id_name(kind: str) -> str:
    """The field with the id of such an event."""
    return "transaction_id" if kind in TRANSACTION_TYPES else "event_id"


def with_raw(kind: str, name: str, value: bytes) -> bytes:
    """The event with one field more, whose value is written exactly so."""
    fields = {each: content for each, content in fields_of(kind).items() if each != name}
    return msgspec.json.encode(fields)[:-1] + b',"%b":%b}' % (name.encode(), value)


EVERY = tuple(raw_event(kind) for kind in STRUCTS)
