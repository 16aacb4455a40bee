"""Random streams of events for random packs: simultaneous, late, ahead, repeated, changed, and with fields missing."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas import TRANSACTION_TYPES
from support.cuts import Incoming
from support.random_packs import COMMON, HUGE, NOW_MS, OF_TRANSACTIONS, POOLS, TRANSACTION

Event = dict[str, Any]

KINDS = ("payment",) * 6 + (*TRANSACTION_TYPES, "login", "login", "chargeback", "order", "registration")
PLACES = ((31.2304, 121.4737), (31.23, 121.47), (22.3193, 114.1694), (-90, 180), (51.5, -0.125))
STEADY_MS = (0, 500, 3_000)
STEPS_MS = (STEADY_MS, (0, 0, 1, 10, 100), (0, 0, 1, 10, 1_000, 1_000, 7_000, 40_000))
STRAYS_MS = (
    (0,) * 9 + (-1, -3_000, -100_000, 1, 2_000, 400_000),
    (0,) * 6 + (-1, -3_000, -100_000),
    (0,) * 18 + (-100_000, -10_000_000, -(10**10), 100_000, 1_000_000, 10**10),
)
JUMPS_MS = (0,) * 297 + (-4_000_000, 4_000_000, 90_000_000)


def random_stream(draw: random.Random, count: int) -> list[Incoming]:
    """Events in order of arrival, which hold together for a while and then jump in time."""
    return _stream(draw, count, draw.choice(STEPS_MS), draw.choice(STRAYS_MS), JUMPS_MS)


def steady_stream(draw: random.Random, count: int) -> list[Incoming]:
    """Events about a second apart, of which some are late or ahead."""
    return _stream(draw, count, STEADY_MS, STRAYS_MS[0], (0,))


def _stream(
    draw: random.Random, count: int, steps: Sequence[int], strays: Sequence[int], jumps: Sequence[int]
) -> list[Incoming]:
    """When the events arrived is known for all or for none."""
    known = draw.random() < 0.5
    now_ms = arrived_ms = NOW_MS
    past: list[Event] = []
    stream = []
    for number in range(count):
        now_ms += draw.choice(steps) + draw.choice(jumps)
        if draw.random() < 0.3:
            arrived_ms = now_ms
        event = _event(draw, number, now_ms + draw.choice(strays), past)
        past.append(event)
        stream.append(Incoming(_encoded(event), arrived_ms if known else None))
    return stream


def _event(draw: random.Random, number: int, timestamp_ms: int, past: list[Event]) -> Event:
    """A new event, or one that has to do with those of the `past`."""
    dice = draw.random()
    if not past or dice > 0.3:
        return _new(draw, draw.choice(KINDS), _name(draw, number), timestamp_ms)
    old = draw.choice(past[-20:] if draw.random() < 0.7 else past)
    if dice < 0.12:
        return _shuffled(draw, old)
    if dice < 0.16:
        return _shuffled(draw, old | draw.choice(({"timestamp": timestamp_ms + 1}, {"country": "XX"})))
    name = old.get("transaction_id") or old["event_id"]
    if dice < 0.2:
        return _new(draw, draw.choice(KINDS), name, timestamp_ms)
    event = _new(draw, draw.choice(("reversal", "correction")), _name(draw, number), timestamp_ms)
    return event | {"original_transaction_id": name}


def _name(draw: random.Random, number: int) -> str:
    return f"t{number}{draw.choice(('', '', '', chr(34), chr(92), chr(10), '网', chr(127), 'x' * 200))}"


def _shuffled(draw: random.Random, event: Event) -> Event:
    """The same content in another order."""
    return dict(draw.sample(list(event.items()), len(event)))


def _new(draw: random.Random, kind: str, name: str, timestamp_ms: int) -> Event:
    event: Event = {"type": kind, "timestamp": timestamp_ms}
    texts = COMMON if kind not in TRANSACTION else COMMON | OF_TRANSACTIONS
    for field in texts:
        if field in POOLS and (field == "user_id" or draw.random() < 0.85):
            event[field] = draw.choice(POOLS[field])
    if draw.random() < 0.7:
        event["latitude"], event["longitude"] = draw.choice(PLACES)
    elif draw.random() < 0.2:
        event["latitude"] = 90
    if draw.random() < 0.7:
        event["attributes"] = {"level": draw.choice((0, 2, 3.5, 40, HUGE, "3", None, True))}
    if draw.random() < 0.5:
        event["tier"] = draw.choice(("gold", "CN", "", 5, None))
    if draw.random() < 0.5:
        event["vip"] = draw.choice((True, False, 1, "yes"))
    if kind not in TRANSACTION:
        needed: dict[str, Event] = {
            "login": {"success": draw.random() < 0.5},
            "chargeback": {"original_transaction_id": "t0"},
            "correction": _money(draw),
            "order": {"order_id": "o"},
        }
        return event | {"event_id": name} | needed.get(kind, {})
    if draw.random() < 0.6:
        event["quantity"] = draw.choice((0, 1, 2, 3, 40))
    return event | {"transaction_id": name} | _money(draw)


def _money(draw: random.Random) -> Event:
    currency = draw.choice(("CNY",) * 9 + ("JPY", "KWD"))
    amount = draw.choice((0, 1, 2.5, 12.34, 25.5, 40, 99_999)) if currency == "CNY" else 7
    return {"amount": amount, "currency": currency}


def _encoded(event: Event) -> bytes:
    """The event as JSON; an integer beyond 64 bits is written by hand."""
    attributes = event.get("attributes", {})
    if attributes.get("level") != HUGE:
        return msgspec.json.encode(event)
    stand_in = event | {"attributes": {"level": 123_456_789}}
    return msgspec.json.encode(stand_in).replace(b"123456789", str(HUGE).encode())
