"""Literals: durations, money, numbers and texts as a pack writes them, and values as a sentence shows them."""

import math
import re
from decimal import Decimal

from rules.bounds import DURATION_MS_MAX, INTEGER_MAX, TEXT_CHARS_MAX
from rules.findings import Ledger, quoted
from rules.syntax import Literal, Value, ValueType
from rules.trees import Scalar
from schemas import EXPONENTS, major_text

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

DURATION = re.compile(r"(\d{1,15})(ms|s|m|h|d|w)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_MONEY = re.compile(r"(-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?) ([A-Z]{3})", re.ASCII)
_NUMERIC_START = re.compile(r"[-+.]?\d", re.ASCII)


def duration_ms(scalar: Scalar, ledger: Ledger, *, least_ms: int = 1) -> int | None:
    """Milliseconds of a duration such as `10m`; else a finding."""
    match = DURATION.fullmatch(scalar.value)
    if match is None:
        hint = "write a whole number and a unit: ms, s, m, h, d or w"
        ledger.report(
            "bad-literal", scalar.spot, f"expected a duration such as `10m`, got {quoted(scalar.value)}", hint
        )
        return None
    milliseconds = int(match[1]) * UNITS_MS[match[2]]
    if not least_ms <= milliseconds <= DURATION_MS_MAX:
        least = "0s" if least_ms == 0 else duration_text(least_ms)
        message = f"expected a duration from {least} to {duration_text(DURATION_MS_MAX)}, got {quoted(scalar.value)}"
        ledger.report("bad-literal", scalar.spot, message)
        return None
    return milliseconds


def whole_number(scalar: Scalar, ledger: Ledger, least: int, most: int) -> int | None:
    """An integer within bounds; else a finding."""
    text = scalar.value
    if re.fullmatch(r"0|[1-9]\d{0,15}", text, re.ASCII) and least <= int(text) <= most:
        return int(text)
    message = f"expected a whole number from {least:,} to {most:,}, got {quoted(text)}"
    ledger.report("bad-literal", scalar.spot, message)
    return None


def literal(scalar: Scalar, currency: str, ledger: Ledger) -> Literal | None:
    """The typed literal a scalar writes: a quoted one is a text, a plain one what it looks like; else a finding."""
    text = scalar.value
    if len(text) > TEXT_CHARS_MAX:
        message = f"expected at most {TEXT_CHARS_MAX:,} characters, got {len(text):,}"
        ledger.report("too-large", scalar.spot, message)
        return None
    if scalar.style:
        return Literal(text, "text")
    if text in ("true", "false"):
        return Literal(text == "true", "bool")
    if DURATION.fullmatch(text):
        milliseconds = duration_ms(scalar, ledger, least_ms=0)
        return None if milliseconds is None else Literal(milliseconds, "duration")
    if match := _MONEY.fullmatch(text):
        return _money(scalar, match[1], match[2], currency, ledger)
    if _NUMBER.fullmatch(text):
        return _number(scalar, ledger)
    if not text or _NUMERIC_START.match(text):
        message = f"expected a number, a duration such as `10m`, money such as `5.00 {currency}` or a text"
        hint = "put it in quotes if it is a text"
        ledger.report("bad-literal", scalar.spot, f"{message}, got {quoted(text) if text else 'nothing'}", hint)
        return None
    return Literal(text, "text")


def _number(scalar: Scalar, ledger: Ledger) -> Literal | None:
    text = scalar.value
    number: int | float = int(text) if re.fullmatch(r"-?\d{1,17}", text, re.ASCII) else float(text)
    problem = number_problem(number)
    if problem:
        ledger.report("bad-literal", scalar.spot, f"{quoted(text)} {problem}")
        return None
    return Literal(number, "number")


def number_problem(number: int | float) -> str | None:
    """What is wrong with a number as a literal, if anything."""
    if isinstance(number, float) and not math.isfinite(number):
        return "is too large a number"
    if isinstance(number, int) and abs(number) > INTEGER_MAX:
        return f"is too large an integer: the largest is {INTEGER_MAX:,}"
    return None


def _money(scalar: Scalar, amount: str, code: str, currency: str, ledger: Ledger) -> Literal | None:
    if code not in EXPONENTS:
        ledger.report("bad-literal", scalar.spot, f"`{code}` is not an ISO 4217 currency code")
        return None
    if code != currency:
        message = f"expected money in the pack's currency `{currency}`, got {quoted(scalar.value)}"
        ledger.report("wrong-currency", scalar.spot, message, "amounts of events are compared in that currency")
        return None
    minor = minor_of(Decimal(amount), currency)
    if minor is None:
        message = f"expected at most {EXPONENTS[currency]} decimal places for {currency}, got {quoted(scalar.value)}"
        ledger.report("bad-literal", scalar.spot, message)
        return None
    return Literal(minor, "money")


def minor_of(amount: Decimal, currency: str) -> int | None:
    """`amount` in minor units, None where that is no integer or beyond what is taken."""
    minor = amount.scaleb(EXPONENTS[currency])
    if abs(minor) > INTEGER_MAX or minor != minor.to_integral_value():
        return None
    return int(minor)


def money_of(number: int | float, currency: str) -> int | None:
    """Minor units of a bare number, taken for the shortest decimal that reads back as it; None as `minor_of`."""
    return minor_of(Decimal(repr(number)), currency)


def written(value: Literal, currency: str) -> str:
    """A literal as a pack writes it, so that `literal` reads it back: `12.50 CNY`, `90m`, `0.25`, `"CN"`."""
    if isinstance(value.value, bool):
        return "true" if value.value else "false"
    if isinstance(value.value, str):
        return '"' + "".join(map(_escaped, value.value)) + '"'
    if value.type == "money":
        return f"{major_text(round(value.value), currency)} {currency}"
    if value.type == "duration":
        return duration_literal(round(value.value))
    return str(value.value)


def _escaped(char: str) -> str:
    """A character as it stands between double quotes in YAML."""
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def duration_literal(milliseconds: int) -> str:
    """A duration, exactly, in the largest unit that it is a whole number of: `90m`, `0s` for none."""
    if milliseconds == 0:
        return "0s"
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if milliseconds % UNITS_MS[unit] == 0)
    return f"{milliseconds // UNITS_MS[unit]}{unit}"


def shown(value: Value | None, kind: ValueType, currency: str) -> str:
    """A value as a person reads it: `12.50 CNY`, `1h 30m`, `6`, `0.25`; `missing` for None."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if kind == "money":
        return f"{major_text(round(value), currency)} {currency}"
    if kind == "duration":
        return duration_text(round(value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def duration_text(milliseconds: int) -> str:
    """The two largest units of a duration, cut: `1h 30m`; `0s` for none."""
    if milliseconds < 0:
        return "-" + duration_text(-milliseconds)
    parts: list[str] = []
    rest = milliseconds
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, UNITS_MS[unit])
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def exact_duration(milliseconds: int) -> str:
    """A duration of at least 0 in all its units, as it can be written but for the spaces: `1h 5m 41s`."""
    parts: list[str] = []
    rest = milliseconds
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, UNITS_MS[unit])
        parts += [f"{count}{unit}"] * bool(count)
    return " ".join(parts) or "0s"
