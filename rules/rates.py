"""Rates: what money of other currencies is worth in the pack's."""

from bisect import bisect_right
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from schemas import AMOUNT_MAX, EXPONENTS

_EXACT = Context(prec=60)


class Course(NamedTuple):
    """How much one unit of a currency was worth, in units of the pack's: `rates[n]` from `from_ms[n]` on, in order."""

    from_ms: tuple[int, ...]
    rates: tuple[Decimal, ...]


Rates = Mapping[str, Course]
"""By the code of the currency."""


def converted(minor: int, currency: str, timestamp_ms: int, into: str, rates: Rates) -> int | None:
    """An amount as it was then in minor units of the currency `into`, rounded to the even neighbour at a half.

    None where there was no rate, and where it is more than an amount can be.
    """
    course = rates.get(currency)
    place = 0 if course is None else bisect_right(course.from_ms, timestamp_ms)
    if course is None or not place:
        return None
    worth = _EXACT.multiply(Decimal(minor), course.rates[place - 1])
    exact = _EXACT.scaleb(worth, EXPONENTS[into] - EXPONENTS[currency])
    found = int(exact.to_integral_value(ROUND_HALF_EVEN, _EXACT))
    return found if found <= AMOUNT_MAX * 10 ** EXPONENTS[into] else None
