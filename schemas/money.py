"""Money: exact integers in the minor unit of an ISO 4217 currency."""

import re
from decimal import Context, Decimal

AMOUNT_MAX = 10**10
"""The largest amount taken, in major units: a float holds each minor unit below it, an int64 a sum of nine million."""

_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY "
    "COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: dict[str, int] = {
    code: exponent for codes, exponent in ((_TWO, 2), (_ZERO, 0), (_THREE, 3)) for code in codes.split()
}
"""Decimal places of each currency in use (ISO 4217, list one)."""

_SCALES = {code: 10.0**exponent for code, exponent in EXPONENTS.items()}
_DECIMAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_EXACT = Context(prec=512)


class MoneyError(ValueError):
    """An amount or a currency that cannot be taken."""


def exponent_of(currency: str) -> int:
    """Decimal places of `currency`. Raises MoneyError for a code that is not in ISO 4217."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(f"expected an ISO 4217 currency code such as `CNY`, got `{currency}`") from None


def minor_units(amount: float | str, currency: str) -> int:
    """`amount` in minor units, exactly: never rounded. Raises MoneyError.

    A float is taken for the shortest decimal that reads back as it, which is what was written in the JSON.
    """
    scale = _SCALES.get(currency)
    if scale is not None and isinstance(amount, float) and 0 <= amount <= AMOUNT_MAX:
        nearest = round(amount * scale)
        if nearest / scale == amount:
            return nearest
    exponent = exponent_of(currency)
    text = str(amount)
    if not _DECIMAL.fullmatch(text):
        raise MoneyError(f"expected a decimal amount such as `12.34`, got `{amount}`")
    value = Decimal(text)
    if value.is_signed() and value != 0:
        raise MoneyError(f"expected an amount of at least 0, got `{amount}`")
    if value > AMOUNT_MAX:
        raise MoneyError(f"expected an amount of at most {AMOUNT_MAX:,}, got `{amount}`")
    minor = value.scaleb(exponent, _EXACT)
    if minor != minor.to_integral_value():
        raise MoneyError(f"expected at most {exponent} decimal places for {currency}, got `{amount}`")
    return int(minor)


def major_text(minor: int, currency: str) -> str:
    """`minor` as a decimal text in major units, such as `12.34`."""
    return str(Decimal(minor).scaleb(-EXPONENTS[currency]))
