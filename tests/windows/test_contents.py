"""Hashes of contents against their oracle: any order of fields, any white space, and nothing else is the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.content_oracle import content_hash, same_content
from windows import Hasher

KEY = bytes(range(16))
HASHER = Hasher(KEY)

texts = st.text(st.sampled_from('ab#"\\{}[]:,! \n\u00e9\u6f22\x00'), max_size=20)
numbers = st.one_of(st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=6)


@st.composite
def writings(draw: st.DrawFn, value: dict[str, Any]) -> bytes:
    """One of the ways in which an object can be written."""
    ordered = dict(draw(st.permutations(list(value.items()))))
    indent = draw(st.sampled_from((None, None, 0, 3, "\t")))
    separators = draw(st.sampled_from(((",", ":"), (", ", ": "), (" ,\r\n", "\t: "))))
    around = draw(st.sampled_from(("", " ", "\r\n")))
    return (around + json.dumps(ordered, indent=indent, separators=separators) + around).encode()


@settings(max_examples=300)
@given(st.data(), st.lists(objects, min_size=1, max_size=5), st.binary(min_size=16, max_size=16))
def test_contents_equal_the_oracle(data: st.DataObject, batch: list[dict[str, Any]], key: bytes) -> None:
    raws = [data.draw(writings(value)) for value in batch]
    assert Hasher(key).hashes([], raws).tolist() == [content_hash(key, raw) for raw in raws]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """An object, and the same in which perhaps one value is another."""
    value, changes = draw(objects), draw(st.booleans())
    changed = dict(value)
    if value and changes:
        changed[draw(st.sampled_from(list(value)))] = draw(values)
    return draw(writings(value)), draw(writings(changed))


@settings(max_examples=300)
@given(pairs())
def test_only_order_and_white_space_make_no_difference(pair: tuple[bytes, bytes]) -> None:
    raw, other = pair
    first, second = HASHER.hashes([], [raw, other]).tolist()
    assert (first == second) == same_content(raw, other)


@pytest.mark.parametrize(
    ("raw", "other"),
    [
        pytest.param(b'{"a": "x y"}', b'{"a": "xy"}', id="white space in a string"),
        pytest.param(b'{"a": 1, "b": 2}', b'{"a": 2, "b": 1}', id="values swapped"),
        pytest.param(b'{"a": {"b": 1}, "c": 2}', b'{"a": {"b": 1, "c": 2}}', id="moved inside"),
        pytest.param(b'{"a": [1, 2]}', b'{"a": [2, 1]}', id="order of a list"),
        pytest.param(b'{"a": "1"}', b'{"a": 1}', id="a text and a number"),
        pytest.param(b'{"a": 1}', b'{"a": 1, "a": 1}', id="a field twice"),
        pytest.param(b'{"a": 1, "b": 1}', b'{"c": 1, "d": 1}', id="other names"),
        pytest.param(b'{"a": "x\\"}, {"}', b'{"a": "x\\\\"}', id="escaped quotes"),
        pytest.param(b'{"a": "#b"}', b'{"a": "#c"}', id="what follows a byte next to the quote's"),
        pytest.param(b"{}", b'{"": ""}', id="nothing and the empty text"),
    ],
)
def test_what_differs(raw: bytes, other: bytes) -> None:
    first, second = HASHER.hashes([], [raw, other]).tolist()
    assert first != second


raw_bytes = st.lists(st.sampled_from(tuple(b'{}[]:,"\\ \na1\x00\xff')), max_size=40).map(bytes)


@settings(max_examples=300)
@given(st.lists(st.one_of(st.none(), texts), max_size=6), st.lists(raw_bytes, max_size=6))
def test_any_bytes_are_hashed_without_a_look_at_their_neighbours(names: list[str | None], batch: list[bytes]) -> None:
    alone = [HASHER.hashes([], [raw])[0] for raw in batch]
    assert HASHER.hashes(names, batch).tolist() == [*HASHER.ids(names).tolist(), *alone]
