"""Amounts of other currencies: how they are converted, and what a pack with rates may say of them."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.rates import Course, converted
from schemas import AMOUNT_MAX, EXPONENTS, epoch_ms
from support.rule_packs import load_text, sound_pack

RATES = "currency,rate,from\nUSD,7.25,\nUSD,7.2,2026-03-01\nJPY,0.05,2026-01-01T12:00:00Z\n\n"
RULES = "rules:\n- {id: a.rule, when: amount > 5, then: review}\n"


@given(
    st.integers(0, 10**14),
    st.sampled_from(("USD", "JPY", "KWD", "VND")),
    st.sampled_from(("CNY", "JPY", "KWD")),
    st.decimals("0.000000000001", "999999999", places=12),
)
def test_an_amount_is_rounded_to_the_even_neighbour(minor: int, currency: str, into: str, rate: Decimal) -> None:
    exact = Fraction(minor, 10 ** EXPONENTS[currency]) * Fraction(rate) * 10 ** EXPONENTS[into]
    expected = round(exact) if round(exact) <= AMOUNT_MAX * 10 ** EXPONENTS[into] else None
    assert converted(minor, currency, 5, into, {currency: Course((0,), (rate,))}) == expected


def test_the_rate_is_that_of_the_time(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, f"rates: rates.csv\n{RULES}", {"rates.csv": RATES})

    def worth(currency: str, time: str) -> int | None:
        return converted(100, currency, epoch_ms(time), "CNY", pack.rates)

    assert worth("USD", "2020-01-01T00:00:00Z") == worth("USD", "2026-02-28T23:59:59Z") == 725
    assert worth("USD", "2026-03-01T00:00:00Z") == worth("USD", "2030-01-01T00:00:00Z") == 720
    assert worth("JPY", "2026-01-01T11:59:59Z") is None
    assert worth("JPY", "2026-01-01T12:00:00Z") == 500
    assert worth("EUR", "2026-03-01T00:00:00Z") is None


def test_rates_belong_to_the_version(tmp_path: Path) -> None:
    one = sound_pack(tmp_path / "one", f"rates: rates.csv\n{RULES}", {"rates.csv": RATES})
    other = sound_pack(tmp_path / "other", f"rates: rates.csv\n{RULES}", {"rates.csv": RATES.replace("7.2,", "7.3,")})
    assert one.version != other.version


@pytest.mark.parametrize(("rates", "codes"), [("", {"never-matches"}), ("rates: rates.csv\n", set())])
def test_what_has_a_rate_can_be_compared(tmp_path: Path, rates: str, codes: set[str]) -> None:
    rule = "rules:\n- {id: a.rule, when: 'currency == \"USD\" and amount > 5', then: review}\n"
    loaded = load_text(tmp_path, f"{rates}{rule}", {"rates.csv": RATES})
    assert {finding.code for finding in loaded.findings} == codes


@pytest.mark.parametrize(("currency", "codes"), [("USD", set()), ("EUR", {"wrong-currency"})])
def test_what_has_a_rate_can_be_summed(tmp_path: Path, currency: str, codes: set[str]) -> None:
    feature = f"features:\n  spent: {{sum: amount, by: user_id, over: 1h, where: currency == '{currency}'}}\n"
    rule = "rules:\n- {id: a.rule, when: spent > 5, then: review}\n"
    loaded = load_text(tmp_path, f"rates: rates.csv\n{feature}{rule}", {"rates.csv": RATES})
    assert {finding.code for finding in loaded.findings} == codes
