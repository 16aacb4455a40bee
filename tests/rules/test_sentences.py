"""Sentences and the values in them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.literals import duration_text, shown
from rules.sentences import PLAIN_MINOR_MAX, compile_sentence, show_of
from rules.syntax import ValueType
from rules.templates import Part, TemplateError, parts
from schemas import Value
from support.rule_packs import sound_pack

_FEATURES = "features: {n_1h: {count: event, by: user_id, over: 1h}, known_for: {age: user_id, over: 90d}}\n"


def _rendered(tmp_path: Path, rule: str, values: Mapping[str, Value]) -> str:
    lists = "lists: {bad: {type: string, file: bad.csv}}\n"
    files = {"bad.csv": "value,added_by,reason,expires_at\n"}
    pack = sound_pack(tmp_path, f"{_FEATURES}{lists}rules:\n- id: a.rule\n  then: tag\n{rule}", files)
    sentence = compile_sentence(pack.rules[0], pack)
    return sentence.render([values.get(read.name) for read in sentence.inputs])


def test_explain_is_filled_in(tmp_path: Path) -> None:
    rule = (
        "  when: n_1h > params.most and amount > params.min\n  params: {most: 5, min: 500.00 CNY}\n"
        "  explain: '{n_1h} in an hour, limit {params.most}; {amount} of {{ {params.min} }}, known for { known_for }'\n"
    )
    values = {"n_1h": 6, "amount": 123_456, "known_for": 5_400_000}
    expected = "6 in an hour, limit 5; 1234.56 CNY of { 500.00 CNY }, known for 1h 30m"
    assert _rendered(tmp_path, rule, values) == expected


def test_without_explain_the_condition_has_its_values(tmp_path: Path) -> None:
    rule = (
        '  when: |-\n    (n_1h > params.most\n      or card_id in lists.bad) and attributes.tier == "gold"\n'
        "  params: {most: 5}\n"
    )
    expected = '(n_1h (6) > params.most (5) or card_id (missing) in lists.bad) and attributes.tier (gold) == "gold"'
    assert _rendered(tmp_path, rule, {"n_1h": 6, "tier": "gold"}) == expected


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (1_000, "1s"),
        (60_000, "1m"),
        (90_000, "1m 30s"),
        (86_400_000, "1d"),
        (86_399_999, "23h 59m"),
        (86_460_000, "1d"),
        (-90_000, "-1m 30s"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(milliseconds: int, text: str) -> None:
    assert duration_text(milliseconds) == text


def test_values_are_shown_as_a_person_reads_them() -> None:
    assert shown(None, "money", "CNY") == "missing"
    assert shown(1_205, "money", "CNY") == "12.05 CNY"
    assert shown(1_205.4, "money", "JPY") == "1205 JPY"
    assert shown(1 / 3, "number", "CNY") == "0.333333"
    assert shown(True, "bool", "CNY") == "true"
    assert shown("x", "text", "CNY") == "x"


@given(
    st.sampled_from(["number", "money", "duration", "text", "bool"]),
    st.sampled_from(["CNY", "JPY", "KWD"]),
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.integers(-2_000, 2_000)
    | st.sampled_from([PLAIN_MINOR_MAX, PLAIN_MINOR_MAX + 1, -0.0, 0.5, 1e300])
    | st.floats(-1e12, 1e12)
    | st.text(),
)
def test_values_of_one_type_are_shown_as_any(kind: ValueType, currency: str, value: Value) -> None:
    assert show_of(kind, currency)(value) == shown(value, kind, currency)


def test_percent_signs_are_texts(tmp_path: Path) -> None:
    rule = "  when: n_1h > 5\n  explain: '100% %s %% {n_1h} %(x)d {user_id}'\n"
    assert _rendered(tmp_path, rule, {"n_1h": 6, "user_id": "50%s"}) == "100% %s %% 6 %(x)d 50%s"


def test_a_template_is_cut_into_its_parts() -> None:
    assert parts("a {b} {{c}}") == (
        Part("a ", 0, 2, False),
        Part("b", 3, 4, True),
        Part(" ", 5, 6, False),
        Part("{", 6, 8, False),
        Part("c", 8, 9, False),
        Part("}", 9, 11, False),
    )


@pytest.mark.parametrize(("template", "index"), [("a {b", 2), ("a }b", 2), ("{a {b}", 0), ("{{}", 2)])
def test_a_brace_without_partner_is_found(template: str, index: int) -> None:
    with pytest.raises(TemplateError) as caught:
        parts(template)
    assert caught.value.index == index
