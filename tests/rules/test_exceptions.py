"""Exceptions: what they are read into, and that they end."""

from itertools import repeat
from pathlib import Path

import msgspec
import pytest

from engine.outcomes import COLUMNS_MIN
from rules.bounds import EXCEPTION_VALUES_MAX, EXCEPTIONS_MAX
from support.cuts import decided
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import errors, load_text, sound_pack

_RULE = "- id: a.rule\n  event: {event}\n  when: {when}\n  then: review\n  mode: live\n  exceptions:\n  - {exception}\n"
DAY_MS = 1_801_353_600_000
"""2027-01-31T00:00:00Z"""


def _body(exception: str, when: str = "user_id != 'nobody'", event: str = "payment") -> str:
    return "rules:\n" + _RULE.format(exception=exception, when=when, event=event)


def _hits(tmp_path: Path, body: str, raws: list[bytes]) -> list[bool]:
    """For each event whether the rule matched, by itself and, with others behind it, in columns."""
    pack = sound_pack(tmp_path, body)
    others = [nth_event(100 + at, "payment", timestamp=NOW_MS + at) for at in range(COLUMNS_MIN)]
    ones, many = decided(pack, raws, {}, repeat(1)), decided(pack, [*raws, *others], {}, repeat(1_000))
    assert ones == many[: len(ones)]
    return [msgspec.json.decode(each)["rules"] == ["a.rule"] for each in ones]


def test_it_holds_until_the_beginning_of_its_day(tmp_path: Path) -> None:
    exception = "{fields: [user_id, merchant_id], values: [[u_bot, m_test]], expires: 2027-01-31, note: load test}"
    times = [NOW_MS, DAY_MS - 1, DAY_MS]
    raws = [
        nth_event(at, "payment", timestamp=time_ms, user_id="u_bot", merchant_id="m_test")
        for at, time_ms in enumerate(times)
    ]
    assert _hits(tmp_path, "lateness: 900d\nskew: 900d\n" + _body(exception), raws) == [False, False, True]


@pytest.mark.parametrize(
    ("fields", "excepted"),
    [
        ({"user_id": "u_bot", "merchant_id": "m_test"}, True),
        ({"user_id": "u_bot", "merchant_id": "m_other"}, False),
        ({"user_id": "u_other", "merchant_id": "m_test"}, False),
        ({"user_id": "u_cat", "merchant_id": "m_test"}, False),
        ({"user_id": "u_bot"}, False),
    ],
)
def test_all_fields_must_be_those_of_one_tuple(tmp_path: Path, fields: dict[str, str], excepted: bool) -> None:
    values = "[[u_bot, m_test], [u_cat, m_other]]"
    body = _body(f"{{fields: [user_id, merchant_id], values: {values}, expires: 2027-01-31, note: load test}}")
    assert _hits(tmp_path, body, [nth_event(0, "payment", **fields)]) == [not excepted]


@pytest.mark.parametrize(
    ("field", "value", "event", "given"),
    [
        ("quantity", "3", "payment", {"quantity": 3}),
        ("amount", "12.35", "payment", {"amount": "12.35"}),
        ("amount", "12.35 CNY", "payment", {"amount": "12.35"}),
        ("user_id", "0123", "payment", {"user_id": "0123"}),
        ("user_id", "NO", "payment", {"user_id": "NO"}),
        ("success", "false", "login", {"success": False}),
    ],
)
def test_a_value_has_the_type_of_its_field(
    tmp_path: Path, field: str, value: str, event: str, given: dict[str, object]
) -> None:
    exception = f"{{fields: [{field}], values: [[{value}]], expires: 2027-01-31, note: a test}}"
    hits = _hits(tmp_path, _body(exception, event=event), [nth_event(0, event, **given), nth_event(1, event)])
    assert hits == [False, True]


def test_an_amount_in_another_currency_is_no_exception(tmp_path: Path) -> None:
    exception = "{fields: [amount], values: [[12.34]], expires: 2027-01-31, note: a test}"
    assert _hits(tmp_path, _body(exception), [nth_event(0, "payment", amount="12.34", currency="USD")]) == [True]


def test_what_is_missing_does_not_match_where_there_is_an_exception(tmp_path: Path) -> None:
    exception = "{fields: [user_id], values: [[u_bot]], expires: 2027-01-31, note: a test}"
    body = _body(exception, when="quantity > 1") + "  on_missing: match\n"
    users = [nth_event(0, "payment", user_id="u_bot"), nth_event(1, "payment")]
    assert _hits(tmp_path, body, users) == [False, True]


def test_the_sentence_is_that_of_the_condition(tmp_path: Path) -> None:
    exception = "{fields: [user_id], values: [[u_bot]], expires: 2027-01-31, note: a test}"
    pack = sound_pack(tmp_path, _body(exception) + "  reason: SOME\n")
    decision = msgspec.json.decode(decided(pack, [nth_event(0, "payment")], {}, [1])[0])
    assert decision["reasons"][0]["text"] == "user_id (u1) != 'nobody'"


@pytest.mark.parametrize(
    "exceptions",
    [
        "\n  - ".join(["{fields: [user_id], values: [[u1]], expires: 2027-01-31, note: one}"] * (EXCEPTIONS_MAX + 1)),
        f"{{fields: [user_id], values: [{'[u1], ' * (EXCEPTION_VALUES_MAX + 1)}], expires: 2027-01-31, note: one}}",
        "{fields: [user_id, ip, country, channel, method], values: [[a, b, c, d, e]], expires: 2027-01-31, note: one}",
    ],
)
def test_too_many_are_refused(tmp_path: Path, exceptions: str) -> None:
    assert "too-large" in {finding.code for finding in errors(load_text(tmp_path, _body(exceptions)))}


def test_no_clock_is_read_unless_a_time_is_given(tmp_path: Path) -> None:
    exception = "{fields: [user_id], values: [[u_bot]], expires: 2001-01-31, note: a test}"
    codes = {finding.code for finding in load_text(tmp_path, _body(exception)).findings}
    assert "expired" not in codes
