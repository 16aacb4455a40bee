"""Amounts are exact: held to fractions of whole numbers, for currencies with 0, 2 and 3 places."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import AMOUNT_MAX, EXPONENTS, MoneyError, exponent_of, major_text, minor_units
from schemas.batches import COLUMN_MIN, decode

CURRENCIES = ("JPY", "CNY", "KWD")


def payment(amount: str, currency: str) -> bytes:
    """A payment whose amount is written exactly so."""
    return (
        b'{"type":"payment","transaction_id":"t","timestamp":1790000000000,"user_id":"u","amount":%b,"currency":"%b"}'
        % (amount.encode(), currency.encode())
    )


def written(minor: int, places: int) -> str:
    """A decimal text of `minor`, without the help of Decimal."""
    digits = str(minor).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


@st.composite
def amounts(draw: st.DrawFn) -> tuple[str, str]:
    """A currency, and an amount as JSON may write it, often with a digit too many or near a bound."""
    currency = draw(st.sampled_from(CURRENCIES))
    places = EXPONENTS[currency] + draw(st.sampled_from((-1, 0, 0, 0, 1, 9)))
    places = max(0, places)
    top = AMOUNT_MAX * 10**places
    minor = draw(st.integers(0, 10**5) | st.integers(0, top) | st.integers(top - 3, top + 3))
    return currency, written(minor, places)


def exactly(text: str, currency: str) -> int | None:
    """The oracle: minor units, or None where the amount is to be refused."""
    minor = Fraction(text) * 10 ** EXPONENTS[currency]
    return int(minor) if minor.denominator == 1 and Fraction(text) <= AMOUNT_MAX else None


@given(amounts())
def test_texts_are_exact(case: tuple[str, str]) -> None:
    currency, text = case
    expected = exactly(text, currency)
    if expected is None:
        with pytest.raises(MoneyError):
            minor_units(text, currency)
    else:
        assert minor_units(text, currency) == expected


@given(amounts(), st.sampled_from((1, COLUMN_MIN - 1, COLUMN_MIN, COLUMN_MIN + 1)))
def test_numbers_are_exact_one_by_one_and_in_columns(case: tuple[str, str], count: int) -> None:
    """A number is what the shortest text that reads back as its double says."""
    currency, text = case
    expected = exactly(repr(float(text)), currency)
    batch = decode([payment(text, currency)] * count)
    assert batch.amount_minor.tolist() == ([] if expected is None else [expected] * count)
    assert {each.reason for each in batch.rejections} == ({"invalid_amount"} if expected is None else set())


@given(st.lists(amounts(), max_size=20), st.data())
def test_a_batch_takes_what_each_amount_alone_would(cases: list[tuple[str, str]], data: st.DataObject) -> None:
    raws = [payment(f'"{text}"' if data.draw(st.booleans()) else text, currency) for currency, text in cases]
    alone = [decode([raw]).amount_minor.tolist() for raw in raws]
    batch = decode(raws)
    assert batch.amount_minor.tolist() == [minor for amount in alone for minor in amount]
    assert [each.index for each in batch.rejections] == [index for index, amount in enumerate(alone) if not amount]


@given(st.integers(0, AMOUNT_MAX * 1000), st.sampled_from(CURRENCIES))
def test_major_text_reads_back(minor: int, currency: str) -> None:
    if minor <= AMOUNT_MAX * 10 ** exponent_of(currency):
        assert minor_units(major_text(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("12.345", "CNY", "expected at most 2 decimal places for CNY, got `12.345`"),
        ("1.5", "JPY", "expected at most 0 decimal places for JPY, got `1.5`"),
        ("1.2345", "KWD", "expected at most 3 decimal places for KWD, got `1.2345`"),
        ("-0.01", "CNY", "expected an amount of at least 0, got `-0.01`"),
        ("10000000000.01", "CNY", "expected an amount of at most 10,000,000,000, got `10000000000.01`"),
        ("1e13", "CNY", "expected an amount of at most 10,000,000,000, got `1e13`"),
        ("NaN", "CNY", "expected a decimal amount such as `12.34`, got `NaN`"),
        ("Infinity", "CNY", "expected a decimal amount such as `12.34`, got `Infinity`"),
        ("1_000", "CNY", "expected a decimal amount such as `12.34`, got `1_000`"),
        (" 12", "CNY", "expected a decimal amount such as `12.34`, got ` 12`"),
        ("\uff11\uff12", "CNY", "expected a decimal amount such as `12.34`, got `\uff11\uff12`"),
        ("currency code", "CNY", "expected a decimal amount such as `12.34`, got `currency code`"),
        ("1e-2000000", "CNY", "expected a decimal amount such as `12.34`, got `1e-2000000`"),
        ("1", "cny", "expected an ISO 4217 currency code such as `CNY`, got `cny`"),
        ("1", "XXX", "expected an ISO 4217 currency code such as `CNY`, got `XXX`"),
    ],
)
def test_what_is_no_amount_says_why(text: str, currency: str, message: str) -> None:
    with pytest.raises(MoneyError) as caught:
        minor_units(text, currency)
    assert str(caught.value) == message
    place = "$.currency" if currency not in EXPONENTS else "$.amount"
    batch = decode([payment(msgspec.json.encode(text).decode(), currency)])
    assert [(each.reason, each.message) for each in batch.rejections] == [
        ("invalid_amount", f"{message} - at `{place}`")
    ]


def test_digits_beyond_any_precision_are_not_rounded_away() -> None:
    with pytest.raises(MoneyError, match="at most 2 decimal places"):
        minor_units("12.34" + "0" * 200 + "1", "CNY")
    assert minor_units("12.34" + "0" * 200, "CNY") == 1234
