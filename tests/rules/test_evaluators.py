"""Both evaluators against the oracle, on random typed expressions, values and missing values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import Condition, Input
from rules.columns import Column, NumberColumn, TextColumn, compile_columns
from rules.conditions import compile_scalar
from rules.syntax import PREFIXES
from support.expression_oracle import Typed, World, outcome
from support.expressions import (
    FEATURES,
    LISTS,
    PARAMS,
    TEXTS,
    ExceptionText,
    conditions,
    exceptions_at,
    values_of,
)
from support.rule_packs import load_text, sound_pack

NOW_MS = 1_790_000_000_000
_lists = st.dictionaries(st.sampled_from(TEXTS), st.sampled_from([NOW_MS - 1, NOW_MS, NOW_MS + 1]), max_size=3)


def _body(texts: Sequence[str], exceptions: Sequence[ExceptionText] = ()) -> str:
    """Rules with these conditions and exceptions; each uses every param, so that none is unused."""
    params = ", ".join(f"{name}: {text}" for name, (text, _) in PARAMS.items())
    explain = " ".join(f"{{params.{name}}}" for name in PARAMS)
    excepted = f"  exceptions: [{', '.join(each.yaml for each in exceptions)}]\n" if exceptions else ""
    head = f"  then: review\n  params: {{{params}}}\n  explain: '{explain}'\n{excepted}"
    rules = "".join(f"- id: r.n{number}\n  when: |-\n    {text}\n{head}" for number, text in enumerate(texts))
    return f"{FEATURES}rules:\n{rules}"


def _text_id(text: str) -> int:
    return sum((index + 1) * 257 * ord(char) for index, char in enumerate(text)) + 1


def _column(read: Input, values: Sequence[Any]) -> Column | None:
    if read.kind == "list":
        return None
    if read.type == "text":
        return TextColumn(values, np.array([0 if v is None else _text_id(v) for v in values], dtype=np.uint64))
    dtype = np.bool_ if read.type == "bool" else np.int64 if read.whole else np.float64
    missing = np.array([value is None for value in values])
    filled = np.array([0 if value is None else value for value in values], dtype=dtype)
    return NumberColumn(filled, missing if missing.any() else None)


def _world(inputs: Sequence[Input], values: Sequence[Any], lists: Mapping[str, Mapping[str, int] | None]) -> World:
    names = {name: typed for name, (_, typed) in ((f"params.{name}", each) for name, each in PARAMS.items())}
    for read, value in zip(inputs, values, strict=True):
        if read.kind != "list":
            names[PREFIXES.get(read.kind, "") + read.name] = Typed(value, read.type)
    for name, text in (("is_card", 'method == "card"'), ("spare", None)):
        names[name] = _macro(text, World(names, lists, NOW_MS))
    return World(names, lists, NOW_MS)


def _macro(text: str | None, world: World) -> Typed:
    if text is not None:
        return Typed(outcome(text, world) if "method" in world.names else None, "bool")
    parts = [world.names.get(name, Typed(None, "money")).value for name in ("spent_1h", "amount")]
    return Typed(None if None in parts else float(parts[0]) - float(parts[1]), "money")


def _numbered(conditions: Sequence[Condition]) -> dict[int, Condition]:
    """Numbers with gaps, as rules that are judged by turns leave them."""
    return {3 * number: condition for number, condition in enumerate(conditions)}


def _bits(outcomes: Sequence[bool | None]) -> tuple[int, int]:
    """The bits of what is true, and of what is missing, by the numbers of `_numbered`."""
    hit = sum(1 << 3 * number for number, outcome in enumerate(outcomes) if outcome is True)
    return hit, sum(1 << 3 * number for number, outcome in enumerate(outcomes) if outcome is None)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    texts=st.lists(conditions(), min_size=1, max_size=8),
    exceptions=st.lists(exceptions_at(NOW_MS), max_size=2),
)
def test_scalar_and_columns_equal_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, texts: list[str], exceptions: list[ExceptionText]
) -> None:
    loaded = load_text(tmp_path_factory.mktemp("pack"), _body(texts, exceptions), LISTS)
    if loaded.pack is None:
        assert {each.code for each in loaded.findings if each.severity == "error"} <= {"bad-literal"}
        return
    compiled: list[Condition] = [rule.when for rule in loaded.pack.rules]
    scalar, columns = compile_scalar(_numbered(compiled)), compile_columns(compiled, _text_id)
    assert (scalar.inputs, scalar.inputs_of) == (columns.inputs, columns.inputs_of)
    rows = [
        _excepted(data, row, scalar.inputs, exceptions)
        for row in data.draw(st.lists(st.tuples(*map(values_of, scalar.inputs)), min_size=1, max_size=4))
    ]
    lists: dict[str, Mapping[str, int] | None] = {"blocked": data.draw(_lists), "absent": None}
    worlds = [_world(scalar.inputs, row, lists) for row in rows]
    expected = [
        [False if any(each.covers(world) for each in exceptions) else outcome(text, world) for text in texts]
        for world in worlds
    ]
    assert [scalar.evaluate(row, lists, NOW_MS) for row in rows] == list(map(_bits, expected))
    given_columns = [_column(read, [row[i] for row in rows]) for i, read in enumerate(scalar.inputs)]
    times = np.full(len(rows), NOW_MS)
    matched, missing = columns.evaluate(given_columns, lists, times)
    for row, (true, lacking) in enumerate(columns.one_by_one(given_columns, lists, times)):
        assert true.tolist() == matched[row].tolist()
        assert ([False] * len(rows) if lacking is None else lacking.tolist()) == missing[row].tolist()
    assert matched.T.tolist() == [[value is True for value in row] for row in expected]
    assert missing.T.tolist() == [[value is None for value in row] for row in expected]


def _excepted(
    data: st.DataObject, row: Sequence[Any], inputs: Sequence[Input], exceptions: Sequence[ExceptionText]
) -> Sequence[Any]:
    """The row, or often one that fits an exception, which a random one seldom does."""
    if not exceptions or data.draw(st.booleans()):
        return row
    chosen = data.draw(st.sampled_from(exceptions))
    fitting = dict(zip(chosen.fields, data.draw(st.sampled_from(chosen.tuples)), strict=True))
    return [
        fitting.get(read.name, value) if read.kind == "field" else value
        for read, value in zip(inputs, row, strict=True)
    ]


def test_no_conditions_evaluate_to_nothing() -> None:
    assert compile_scalar({}).evaluate([], {}, NOW_MS) == (0, 0)
    matched, missing = compile_columns([], _text_id).evaluate([], {}, np.zeros(3, np.int64))
    assert matched.shape == missing.shape == (0, 3)


def test_conditions_share_their_inputs(tmp_path: Path) -> None:
    body = _body(["amount > 5 and method in lists.blocked", "has(method)", "amount < 3"])
    pack = sound_pack(tmp_path, body, LISTS)
    scalar = compile_scalar(_numbered([rule.when for rule in pack.rules]))
    assert [read.name for read in scalar.inputs] == ["amount", "method", "blocked"]
    assert scalar.inputs_of == ((0, 1, 2), (1,), (0,))


def test_an_integer_beyond_the_floats_is_compared_exactly(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, _body(["quantity > n_1h"]), LISTS)
    values = (2**60 + 1, 2**60)
    assert compile_scalar({0: pack.rules[0].when}).evaluate(values, {}, NOW_MS) == (1, 0)
    columns = [NumberColumn(np.array([value]), None) for value in values]
    matched, _ = compile_columns([pack.rules[0].when], _text_id).evaluate(columns, {}, np.array([NOW_MS]))
    assert matched.tolist() == [[True]]


def test_texts_of_the_pack_are_not_in_the_generated_source(tmp_path: Path) -> None:
    text = 'method == "\'); import os #" or method in ("__import__", "b")'
    pack = sound_pack(tmp_path, _body([text]), LISTS)
    evaluate = compile_scalar({70: pack.rules[0].when}).evaluate
    assert evaluate(["'); import os #"], {}, NOW_MS) == (1 << 70, 0)
    assert evaluate(["c"], {}, NOW_MS) == (0, 0)


_EDGES: list[tuple[str, dict[str, Any], bool | None]] = [
    ("method in lists.blocked", {"method": "past"}, False),
    ("method in lists.blocked", {"method": "now"}, False),
    ("method in lists.blocked", {"method": "later"}, True),
    ("method not in lists.blocked", {"method": "never listed"}, True),
    ("method not in lists.blocked", {"method": None}, None),
    ("method in lists.absent", {"method": "later"}, None),
    ("round(score.own.value) == 2", {"own.value": 2.5}, True),
    ("round(score.own.value) == 4", {"own.value": 3.5}, True),
    ("round(score.own.value) == -2", {"own.value": -1.6}, True),
    ("quantity == score.own.value", {"quantity": 2**53 + 1, "own.value": 2.0**53}, True),
    ("quantity == 9007199254740992", {"quantity": 2**53 + 1}, False),
    ("quantity + 0 == 9007199254740992", {"quantity": 2**53 + 1}, True),
    ("-quantity == -9007199254740992", {"quantity": 2**53 + 1}, True),
    ("abs(quantity) == n_1h", {"quantity": -(2**60) - 1, "n_1h": 2**60 + 1}, True),
    ("abs(quantity) == n_1h", {"quantity": -(2**60) - 1, "n_1h": 2**60}, False),
    ("max(quantity, 1) == n_1h", {"quantity": 2**60 + 1, "n_1h": 2**60}, False),
    ("min(quantity, 1e300) == n_1h", {"quantity": 2**60 + 1, "n_1h": 2**60}, True),
    ("min(quantity, 1e300) == score.own.value", {"quantity": 2**60 + 1, "own.value": 2.0**60}, True),
    ("method == goods", {"method": "a", "goods": None}, None),
    ("method == goods", {"method": None, "goods": "a"}, None),
    ("startswith(method, goods)", {"method": "a", "goods": None}, None),
    ("lower(method) == goods", {"method": "A", "goods": None}, None),
    ("is_new_device == attributes.vip", {"is_new_device": True, "vip": None}, None),
    ("quantity / n_1h > 0", {"quantity": 1, "n_1h": 0}, None),
    ("quantity * 1e308 * 10 > 0", {"quantity": 10}, None),
    ("has(quantity) or quantity > 1", {"quantity": None}, None),
    ("quantity > 1 and n_1h > 1", {"quantity": None, "n_1h": 1}, False),
    ("quantity > 1 or n_1h > 1", {"quantity": None, "n_1h": 2}, True),
    ("not (quantity > 1)", {"quantity": None}, None),
    ("amount * 2 >= 10.01", {"amount": 501}, True),
    ("amount >= 0.01", {"amount": 0}, False),
]
_EDGE_LISTS: dict[str, Mapping[str, int] | None] = {
    "blocked": {"past": NOW_MS - 1, "now": NOW_MS, "later": NOW_MS + 1},
    "absent": None,
}


@pytest.mark.parametrize(("text", "values", "expected"), _EDGES)
def test_edges(tmp_path: Path, text: str, values: dict[str, Any], expected: bool | None) -> None:
    conditions_of_one = [sound_pack(tmp_path, _body([text]), LISTS).rules[0].when]
    scalar, columns = compile_scalar(_numbered(conditions_of_one)), compile_columns(conditions_of_one, _text_id)
    row = [values.get(read.name) for read in scalar.inputs]
    assert outcome(text, _world(scalar.inputs, row, _EDGE_LISTS)) is expected
    assert scalar.evaluate(row, _EDGE_LISTS, NOW_MS) == _bits([expected])
    given_columns = [_column(read, [value]) for read, value in zip(scalar.inputs, row, strict=True)]
    matched, missing = columns.evaluate(given_columns, _EDGE_LISTS, np.array([NOW_MS]))
    assert (matched.tolist(), missing.tolist()) == ([[expected is True]], [[expected is None]])
