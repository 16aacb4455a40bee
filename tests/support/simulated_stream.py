"""Streams for the simulation: random events that overtake each other, damaged ones between them, over partitions."""

import random
from typing import NamedTuple

import msgspec

from schemas.batches import decode
from support.random_packs import NOW_MS
from support.random_streams import random_stream

STEP_MS = 60_000
"""The clock of the arrivals does not follow an event further than that at once."""


class Coming(NamedTuple):
    """An event as bytes, the partition it goes to, and when it comes, in epoch milliseconds."""

    raw: bytes
    partition: int
    at_ms: int


def simulated_stream(draw: random.Random, count: int, partitions: int) -> list[Coming]:
    """At least `count` events in order of arrival: most of one user are in one partition, the others anywhere."""
    damaged, reach = draw.choice((0.01, 0.05, 0.2)), draw.choice((0, 0, 3, 20))
    raws = [incoming.raw for incoming in random_stream(draw, count)]
    raws += [_damaged(draw, draw.choice(raws)) for _ in range(int(damaged * count))]
    raws += [_early(draw, number) for number in range(int(damaged * count))]
    order = sorted(
        range(len(raws)), key=lambda at: (at if at < count else draw.uniform(0, count)) + draw.uniform(0, reach)
    )
    at_ms, stream = NOW_MS, list[Coming]()
    for raw in (raws[at] for at in order):
        events = decode([raw]).events
        at_ms = max(at_ms, min(events[0].timestamp_ms, at_ms + STEP_MS)) if events else at_ms
        home = sum(events[0].user_id.encode()) % partitions if events else 0
        stream.append(Coming(raw, home if draw.random() < 0.8 else draw.randrange(partitions), at_ms))
    return stream


def _damaged(draw: random.Random, raw: bytes) -> bytes:
    """With a wrong byte in it, or cut off."""
    if draw.random() < 0.5:
        return raw[: draw.randrange(1, len(raw))]
    damaged = bytearray(raw)
    damaged[draw.randrange(len(damaged))] = draw.choice((0, 11, 34, 255))
    return bytes(damaged)


def _early(draw: random.Random, number: int) -> bytes:
    """The reversal of a transaction that may not have come yet."""
    reversal = {
        "type": "reversal",
        "event_id": f"early-{number}",
        "timestamp": NOW_MS + draw.randint(0, 600_000),
        "user_id": "u1",
        "original_transaction_id": f"t{draw.randrange(100)}",
    }
    return msgspec.json.encode(reversal)
