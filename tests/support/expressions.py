"""Random well-typed expressions of the rule language, and values for what they read."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from rules import Input
from support.expression_oracle import Typed, World

FEATURES = """\
features:
  n_1h: {count: event, by: user_id, over: 1h}
  spent_1h: {sum: amount, by: user_id, over: 1h}
  mean_1h: {mean: amount, by: user_id, over: 1h}
  known_for: {age: device_id, over: 30d}
  first_goods: {first: goods, by: user_id, over: 30d}
  is_new_device: {is_new: device_id, over: 30d}
lists:
  blocked: {type: string, file: blocked.csv}
  absent: {type: string, file: blocked.csv}
detectors:
  own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events}
macros:
  is_card: method == "card"
  spare: spent_1h - amount
"""
LISTS = {"blocked.csv": "value,added_by,reason,expires_at\n"}
PARAMS = {
    "limit": ("7", Typed(7, "number", True)),
    "share": ("0.25", Typed(0.25, "number", True)),
    "large": ("5.00 CNY", Typed(500, "money")),
    "young": ("1s", Typed(1000, "duration")),
    "word": ("card", Typed("card", "text")),
    "yes": ("true", Typed(True, "bool")),
}
TEXTS = ("card", "Card", "ca", "d", "", "\u0130", "网卡")

_NUMBERS = ["quantity", "n_1h", "score.own.value", "params.limit", "params.share", "attributes.level", "profile.grade"]
_MONEY = ["amount", "spent_1h", "mean_1h", "params.large", "spare"]
_DURATIONS = ["known_for", "params.young"]
_TEXT_NAMES = ["method", "goods", "user_id", "first_goods", "params.word"]
_BOOLS = ["is_new_device", "is_card", "params.yes", "attributes.vip", "profile.vip", "True", "False"]
_PRESENT = ["quantity", "n_1h", "score.own.value", "amount", "mean_1h", "method", "first_goods", "is_new_device"]

_numeral = st.sampled_from(["0", "1", "7", "2.5", "0.25", "1e3", "1e300", "9007199254740992"])
_price = st.sampled_from(["0", "5", "2.5", "0.01", "1e3"])


def _binary(operators: str, left: st.SearchStrategy[str], right: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("({} {} {})".format, left, st.sampled_from(operators.split()), right)


def _calls(function: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds((function + "(" + ", ".join("{}" for _ in arguments) + ")").format, *arguments)


def _numbers(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(_NUMBERS) | _numeral
    if depth == 0:
        return leaf
    inner, money, durations = _numbers(depth - 1), _money(depth - 1), _durations(depth - 1)
    return st.one_of(
        leaf,
        _binary("+ - * /", st.sampled_from(_NUMBERS), inner),
        _binary("+ - * /", inner, st.sampled_from(_NUMBERS)),
        _binary("/", money, money),
        _binary("/", durations, durations),
        _calls("min", inner, inner),
        _calls("max", inner, st.sampled_from(_NUMBERS), inner),
        _calls("abs", inner),
        _calls("round", inner),
        _calls("len", _texts(depth - 1)),
        st.builds("-{}".format, st.sampled_from(_NUMBERS)),
    )


def _money(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(_MONEY)
    if depth == 0:
        return leaf
    inner = _money(depth - 1)
    return st.one_of(
        leaf,
        _binary("+ -", inner, inner | _price),
        _binary("*", inner, st.sampled_from(_NUMBERS)),
        _binary("*", st.sampled_from(_NUMBERS), inner),
        _binary("/", inner, st.sampled_from(_NUMBERS)),
        _calls("min", inner, _price | inner),
        _calls("max", inner, inner),
        _calls("abs", inner),
    )


def _durations(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(_DURATIONS)
    return leaf | _binary("+ -", leaf, leaf) | _binary("* /", leaf, _numeral) if depth else leaf


def _texts(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(_TEXT_NAMES) | st.sampled_from(TEXTS).map(repr)
    return leaf | _calls("lower", leaf) if depth else leaf


def conditions(depth: int = 3) -> st.SearchStrategy[str]:
    """Texts of expressions of type bool."""
    leaf = st.sampled_from(_BOOLS[:3]) | _calls("has", st.sampled_from(_PRESENT))
    if depth == 0:
        return leaf
    order = "< <= > >= == !="
    numbers, texts = _numbers(depth - 1), _texts(depth - 1)
    typed = st.sampled_from([name for name in _NUMBERS if not name.startswith(("attributes", "profile"))])
    inner = conditions(depth - 1)
    options = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(lambda each: repr(tuple(each)))
    return st.one_of(
        leaf,
        _binary(order, typed, numbers),
        _binary(order, numbers, typed),
        _binary(order, _money(depth - 1), _money(depth - 1) | _price),
        _binary(order, _durations(depth - 1), _durations(depth - 1)),
        st.builds("({} <= {} < {})".format, typed, typed, typed),
        _binary("== !=", texts, texts),
        _binary("== !=", leaf, leaf),
        st.builds("({} {} {})".format, texts, st.sampled_from(["in", "not in"]), options),
        st.builds(
            "({} {} lists.{})".format, texts, st.sampled_from(["in", "not in"]), st.sampled_from(["blocked", "absent"])
        ),
        _calls("startswith", texts, texts),
        _calls("endswith", texts, texts),
        st.builds("(not {})".format, inner | st.sampled_from(_BOOLS)),
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {} or {})".format, inner, inner, st.sampled_from(_BOOLS)),
    )


_INTEGERS = st.integers(-3, 3) | st.sampled_from([500, 700, 2**53, 2**53 + 1, -(2**60), 2**60])
_FLOATS = st.sampled_from([0.0, -0.0, 0.25, 0.5, 2.5, 7.0, -1.5, 1e300, -1e300, 5e-324, 2.0**53, 500.0])


def values_of(read: Input) -> st.SearchStrategy[Any]:
    """Values an input can have; None is missing."""
    if read.type == "text":
        present: st.SearchStrategy[Any] = st.sampled_from([text for text in TEXTS if text])
    elif read.type == "bool":
        present = st.booleans()
    else:
        present = _INTEGERS if read.whole else _FLOATS
    return present if read.required else st.none() | present


@dataclass(frozen=True)
class ExceptionText:
    """An exception as written, and what it means: until `expires_ms` no event whose fields are one of the tuples."""

    fields: tuple[str, ...]
    tuples: tuple[tuple[Any, ...], ...]
    expires_ms: int
    yaml: str

    def covers(self, world: World) -> bool:
        """Whether the event of the world is one that a rule with this exception does not match."""
        own = [world.names[name].value if name in world.names else None for name in self.fields]
        return world.timestamp_ms < self.expires_ms and any(own == list(each) for each in self.tuples)


def rfc3339(timestamp_ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)).isoformat(timespec="milliseconds")


def exception_text(fields: tuple[str, ...], tuples: tuple[tuple[Any, ...], ...], expires_ms: int) -> ExceptionText:
    """Texts are quoted, amounts are written with their currency."""
    rows = [
        [
            f"{value / 100:.2f} CNY" if name == "amount" else json.dumps(value)
            for name, value in zip(fields, row, strict=True)
        ]
        for row in tuples
    ]
    values = ", ".join(f"[{', '.join(row)}]" for row in rows)
    expires = rfc3339(expires_ms)
    yaml = f"{{fields: [{', '.join(fields)}], values: [{values}], expires: '{expires}', note: a test}}"
    return ExceptionText(fields, tuples, expires_ms, yaml)


_FIELD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("user_id", "method", "goods"), st.sampled_from([text for text in TEXTS if text])),
    "quantity": st.integers(-3, 3) | st.sampled_from([500, 2**53]),
    "amount": st.integers(-3, 3) | st.sampled_from([500, 700, 2**53]),
}


@st.composite
def exceptions_at(draw: st.DrawFn, now_ms: int) -> ExceptionText:
    """An exception that expires about then."""
    fields = tuple(draw(st.lists(st.sampled_from(list(_FIELD_VALUES)), min_size=1, max_size=3, unique=True)))
    rows = st.tuples(*(_FIELD_VALUES[name] for name in fields))
    tuples = tuple(draw(st.lists(rows, min_size=1, max_size=4)))
    return exception_text(fields, tuples, draw(st.sampled_from([now_ms - 1, now_ms, now_ms + 1, now_ms + 10**9])))
