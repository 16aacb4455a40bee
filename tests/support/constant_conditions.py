"""Random conditions that are often constant, since they compare few values with few thresholds; values of events."""

import random
from typing import Any

from rules import Input

BODY = """\
detectors:
  own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events}
macros:
  is_card: method == "card"
  many: n_1h > 3
features:
  n_1h: {count: event, by: user_id, over: 1h, event: [payment, topup]}
  known_for: {age: device_id, over: 5s, event: [payment, topup]}
  mean_1h: {mean: quantity, by: user_id, over: 1h, event: [payment, topup]}
  names: {distinct: method, by: [user_id, method], over: 1h, event: [payment, topup]}
  first_goods: {first: goods, by: user_id, over: 1h, event: [payment, topup]}
  share_1h: {top_share: method, by: user_id, over: 1h, event: [payment, topup]}
  surge: {rate: event, by: user_id, over: 1h, against: 5h, event: [payment, topup]}
  way: {distance: geo, by: user_id, over: 1h, event: [payment, topup]}
  pace: {speed: geo, by: user_id, over: 1h, event: [payment, topup]}
  odd: {zscore: quantity, by: user_id, over: 1h, event: [payment, topup]}
  usual: {median: quantity, by: user_id, over: 1h, event: [payment, topup]}
  high: {percentile: quantity, at: 95, by: user_id, over: 1h, event: [payment, topup]}
  is_new_device: {is_new: device_id, over: 1h, event: [payment, topup]}
lists:
  blocked: {type: string, file: blocked.csv}
"""
EVENTS = ("payment", "topup")
PARAMS = "{short: 2s, window: 5s}"
_WHOLE = ["n_1h", "quantity", "names"]
_POSITIVE = ["mean_1h", "surge", "way", "pace", "usual", "high"]
_SHARES = ["share_1h", "score.own.quantile"]
_REAL = [*_POSITIVE, *_SHARES, "odd", "latitude", "score.own.value", "attributes.level"]
_LIMITS = ["-1", "0", "1", "2", "3", "4", "2.5", "0.5", "-90", "20016"]
_ORDERS = ["<", "<=", ">", ">=", "==", "!="]
_TEXTS = ["card", "Card", "wallet", ""]
_BOOLS = ["is_card", "many", "is_new_device", "attributes.vip", "has(quantity)", "has(method)", "has(n_1h)"]


def random_condition(draw: random.Random, depth: int = 2) -> str:
    if depth and draw.random() < 0.7:
        parts = [random_condition(draw, depth - 1) for _ in range(draw.randint(2, 3))]
        joined = draw.choice((" and ", " or ")).join(parts)
        return f"not ({joined})" if draw.random() < 0.2 else f"({joined})"
    kind = draw.choice(("number", "number", "number", "text", "duration", "money", "bool", "type"))
    order = draw.choice(_ORDERS)
    match kind:
        case "number":
            return _of_number(draw, order)
        case "text":
            return _of_text(draw)
        case "duration":
            return f"known_for {order} params.{draw.choice(('short', 'window'))}"
        case "money":
            return draw.choice((f"amount {order} {draw.choice(('0', '2', '1e10'))}", "currency == 'USD'"))
        case "type":
            return draw.choice(
                ("type == 'topup'", "type != 'payment'", "type == 'payout'", "type in ('topup', 'login')")
            )
    return draw.choice(("", "not ")) + draw.choice(_BOOLS)


def _of_number(draw: random.Random, order: str) -> str:
    name, other = draw.choice(_WHOLE + _REAL), draw.choice(_WHOLE + _REAL[:-1])
    left = draw.choice((name, name, name, f"abs({name})", f"min({name}, {other})", f"{other} - 1", f"2 * {other}"))
    if draw.random() < 0.25:
        return f"{other} / quantity {order} {draw.choice(_LIMITS)}"
    return f"{left} {order} {draw.choice(_LIMITS) if draw.random() < 0.7 or 'attributes' in left else other}"


def _of_text(draw: random.Random) -> str:
    name = draw.choice(("method", "first_goods", "lower(method)", "attributes.tier"))
    texts = ", ".join(map(repr, draw.sample(_TEXTS, 2)))
    forms = [f"{name} == {draw.choice(_TEXTS)!r}", f"{name} != {draw.choice(_TEXTS)!r}", f"{name} in ({texts})"]
    return draw.choice([*forms, f"{name} in lists.blocked", f"{name} not in ({texts})", "method == first_goods"])


def random_values(draw: random.Random, inputs: tuple[Input, ...]) -> list[Any]:
    """Values that an event can bring; None is missing."""
    values = {read: None if not read.required and draw.random() < 0.2 else _value(draw, read) for read in inputs}
    for read in inputs:
        if read.name == "amount" and any(each.name == "currency" and values[each] != "CNY" for each in inputs):
            values[read] = None
    return [values[read] for read in inputs]


def _value(draw: random.Random, read: Input) -> Any:
    if read.name == "type":
        return draw.choice(EVENTS)
    if read.name == "currency":
        return draw.choice(("CNY", "USD"))
    if read.name == "known_for":
        return draw.choice((0, 1, 1_999, 2_000, 2_001, 4_999))
    if read.name == "amount":
        return draw.choice((0, 1, 199, 200, 201, 10**12))
    if read.name == "names":
        return draw.choice((0, 1))
    if read.name in ("own.quantile", "share_1h"):
        return draw.choice((0.0, 0.25, 0.5, 1.0))
    if read.name == "latitude":
        return draw.choice((-90.0, -1.0, 0.0, 0.5, 2.5, 90.0))
    if read.name == "way":
        return draw.choice((0.0, 0.5, 2.0, 2.5, 4.0, 20_015.1))
    if read.type == "text":
        return draw.choice(_TEXTS if read.kind == "attribute" else _TEXTS[:3])
    if read.type == "bool":
        return draw.choice((True, False))
    if read.whole:
        return draw.choice((0, 1, 2, 3, 4, 5, 10**12))
    positive = (0.0, 0.25, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0, 1e12)
    return draw.choice(positive if read.name in _POSITIVE else (*positive, -0.5, -1.0, -1e300, 1e300, 5e-324))
