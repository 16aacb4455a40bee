"""What the hash of an object's content means, from parsed JSON."""

import json
from typing import Any

from support.siphash import siphash


class Written(str):
    """A number as it is written."""

    __slots__ = ()


class Fields(list[tuple[str, Any]]):
    """An object's fields in their order."""


def fields_of(raw: bytes) -> Fields:
    """The object's fields; equal names stay apart and numbers are as written."""
    parsed = json.loads(raw, object_pairs_hook=Fields, parse_int=Written, parse_float=Written)
    assert isinstance(parsed, Fields)
    return parsed


def tokens_of(value: Any) -> list[str]:
    """The tokens of a value whose strings are written as `json.dumps` writes them."""
    if isinstance(value, Fields):
        inner = [[json.dumps(name), ":", *tokens_of(each)] for name, each in value]
        return ["{", *_joined(inner), "}"]
    if isinstance(value, list):
        return ["[", *_joined([tokens_of(each) for each in value]), "]"]
    return [value if isinstance(value, Written) else json.dumps(value)]


def spans_of(raw: bytes) -> list[list[str]]:
    """The tokens of each field of the object."""
    return [[json.dumps(name), *tokens_of(value)] for name, value in fields_of(raw)]


def content_hash(key: bytes, raw: bytes) -> int:
    """The hash of an object's content."""
    total = 0
    for tokens in spans_of(raw):
        filled = [token.encode() + bytes(-len(token.encode()) % 8) for token in tokens]
        total += siphash(key, b"".join(filled), 1, 3)
    return total % 2**64


def same_content(raw: bytes, other: bytes) -> bool:
    """Whether two objects have the same fields in any order."""
    return sorted(spans_of(raw)) == sorted(spans_of(other))


def _joined(parts: list[list[str]]) -> list[str]:
    tokens: list[str] = []
    for part in parts:
        tokens += [",", *part] if tokens else part
    return tokens
