"""Timestamps are exact: held to the sum of the days, hours and seconds that the text names."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import EARLIEST_MS, LATEST_MS, TimestampError, epoch_ms
from schemas.batches import decode


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, int]:
    """An RFC 3339 text with the milliseconds it means, cut to whole ones."""
    day = draw(st.dates(date(2000, 1, 2), date(2099, 12, 30)))
    hour, minute, second = draw(st.integers(0, 23)), draw(st.integers(0, 59)), draw(st.integers(0, 59))
    digits = draw(st.text("0123456789", max_size=9))
    sign, off_hour, off_minute = draw(st.sampled_from((1, -1))), draw(st.integers(0, 23)), draw(st.integers(0, 59))
    offset = draw(st.sampled_from(("Z", "z", "numeric")))
    seconds = hour * 3600 + minute * 60 + second
    if offset == "numeric":
        offset = f"{'+' if sign > 0 else '-'}{off_hour:02}:{off_minute:02}"
        seconds -= sign * (off_hour * 3600 + off_minute * 60)
    fraction = f".{digits}" if digits else ""
    between = draw(st.sampled_from("Tt "))
    days = day.toordinal() - date(1970, 1, 1).toordinal()
    milliseconds = (days * 86_400 + seconds) * 1000 + int((digits + "000")[:3])
    return f"{day.isoformat()}{between}{hour:02}:{minute:02}:{second:02}{fraction}{offset}", milliseconds


def login(timestamp: object) -> bytes:
    return msgspec.json.encode({"type": "login", "event_id": "e", "user_id": "u", "timestamp": timestamp})


@given(texts())
def test_rfc_3339_is_exact(case: tuple[str, int]) -> None:
    text, milliseconds = case
    assert epoch_ms(text) == milliseconds


@given(st.lists(texts() | st.integers(EARLIEST_MS, LATEST_MS - 1).map(lambda ms: (ms, ms)), max_size=9))
def test_texts_and_numbers_share_a_batch(cases: list[tuple[str | int, int]]) -> None:
    batch = decode([login(timestamp) for timestamp, _ in cases])
    assert batch.timestamp_ms.tolist() == [milliseconds for _, milliseconds in cases]


RANGE = "expected a time from 2000-01-01 until 2100-01-01 in milliseconds, got `{}`"
FORM = "expected an RFC 3339 time such as `2026-01-31T12:00:00Z`, got `{}`"
REFUSED: list[tuple[int | str, str]] = [
    (EARLIEST_MS - 1, RANGE),
    (LATEST_MS, RANGE),
    (0, RANGE),
    (-1, RANGE),
    (1_790_000_000, RANGE),
    (1_790_000_000_000_000, RANGE),
    (2**63, RANGE),
    (10**30, RANGE),
    ("1999-12-31T23:59:59.999Z", RANGE),
    ("2100-01-01T00:00:00Z", RANGE),
    ("0001-01-01T00:00:00+10:00", RANGE),
    ("1790000000000", FORM),
    ("2026-01-31", FORM),
    ("2026-01-31T12:00:00", FORM),
    ("2026-01-31T12:00Z", FORM),
    ("20260131T120000Z", FORM),
    ("2026-01-31T12:00:00.1234567890Z", FORM),
    ("2026-01-31T12:00:00+0800", FORM),
    ("\u0662026-01-31T12:00:00Z", FORM),
    ("2026-01-31T12:00:00Z\n", FORM),
    ("2026-02-30T12:00:00Z", "expected an RFC 3339 time, got `{}`: day is out of range for month"),
    ("2026-01-31T24:00:00Z", "expected an RFC 3339 time, got `{}`: hour must be in 0..23"),
    ("2026-01-31T12:00:60Z", "expected an RFC 3339 time, got `{}`: second must be in 0..59"),
]


@pytest.mark.parametrize(("timestamp", "message"), REFUSED)
def test_what_is_no_time_says_why(timestamp: int | str, message: str) -> None:
    with pytest.raises(TimestampError) as caught:
        epoch_ms(timestamp)
    assert str(caught.value) == message.format(timestamp)


@pytest.mark.parametrize(("timestamp", "message"), REFUSED)
@pytest.mark.parametrize("company", [(), (1_790_000_000_000,), ("2026-01-31T12:00:00Z",), (2**63,)])
def test_company_does_not_make_a_time_acceptable(
    timestamp: int | str, message: str, company: tuple[int | str, ...]
) -> None:
    batch = decode([login(timestamp), *map(login, company)])
    first = batch.rejections[0]
    assert (first.index, first.reason) == (0, "invalid_timestamp")
    assert first.message == f"{message.format(timestamp)} - at `$.timestamp`"


def test_the_ends_of_the_range() -> None:
    assert epoch_ms("2000-01-01T00:00:00Z") == epoch_ms(EARLIEST_MS) == EARLIEST_MS
    assert epoch_ms("2099-12-31T23:59:59.999999999Z") == epoch_ms(LATEST_MS - 1) == LATEST_MS - 1
