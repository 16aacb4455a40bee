"""Workload W: a stream of transactions in time order, the same bytes for the same scale on every machine.

Users are drawn from a Zipf distribution, so that a few keys are very hot; each has three devices and four addresses.
Amounts are log-normal, and the times between events exponential.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

START_MS = 1_790_000_000_000
MERCHANTS = 2_000
PAYEES = 5_000
DEVICES_OF_USER = 3
ADDRESSES_OF_USER = 4
COUNTRIES = {"CN": 0.8, "US": 0.08, "GB": 0.05, "SG": 0.05, "NG": 0.02}
CHANNELS = ("app", "web", "api")
TYPES = {"payment": 0.8, "topup": 0.15, "refund": 0.05}
DELAY_MS = 3_600_000
"""The most by which an event is late that still takes its place in the windows."""

_DISTURBING_SEED = 1
_ZIPF_EXPONENT = 1.2
_SPREAD = 2_654_435_761
_CHUNK = 8_192
_TIME = re.compile(rb'"timestamp": (\d+)')
_USER = re.compile(rb'"user_id": "(\w+)"')

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Scale:
    """How much of W. The default spans 5.6 hours; with `gap_ms` 5000 it spans 23 days, and every window evicts."""

    events: int = 400_000
    users: int = 100_000
    gap_ms: float = 50.0
    seed: int = 7


class _Drawn(NamedTuple):
    """The random part of each event, as columns; the last three are positions in the tables above."""

    user: Whole
    time_ms: Whole
    amount: NDArray[np.float64]
    merchant: Whole
    device: Whole
    address: Whole
    country: Whole
    channel: Whole
    kind: Whole


def write_lines(scale: Scale) -> Iterator[bytes]:
    """The events as JSON, one line each without its end; all are drawn before the first, and written one by one."""
    return _written(_draw(scale), 0)


def write_long(scale: Scale, part: int, leaving: int) -> Iterator[bytes]:
    """A stream of any length, drawn in parts of so many events; `leaving` users have left with each, others come."""
    after_ms = 0
    for number, first in enumerate(range(0, scale.events, part)):
        drawn = _draw(replace(scale, events=min(part, scale.events - first), seed=scale.seed + number))
        drawn = drawn._replace(user=drawn.user + number * leaving, time_ms=drawn.time_ms + after_ms)
        after_ms = int(drawn.time_ms[-1]) - START_MS
        yield from _written(drawn, first)


def _written(drawn: _Drawn, first: int) -> Iterator[bytes]:
    """The events as lines; the number of the first is `first`."""
    countries, channels, kinds = list(COUNTRIES), list(CHANNELS), list(TYPES)
    for start in range(0, len(drawn.user), _CHUNK):
        columns = [column[start : start + _CHUNK].tolist() for column in drawn]
        for number, row in enumerate(zip(*columns, strict=True), first + start):
            user, time_ms, amount, merchant, device, address, country, channel, kind = row
            yield (
                f'{{"transaction_id": "t{number:09d}", "timestamp": {time_ms}, "user_id": "u{user:07d}",'
                f' "type": "{kinds[kind]}", "amount": {amount}, "currency": "CNY", "merchant_id": "m{merchant:05d}",'
                f' "payee_id": "p{merchant * 7 % PAYEES:05d}", "device_id": "d{user:07d}{device}",'
                f' "ip": "10.{user % 200}.{user // 200 % 200}.{address}", "country": "{countries[country]}",'
                f' "channel": "{channels[channel]}", "goods": "game_points",'
                f' "metadata": {{"game": "hero", "server": {merchant % 40}}}}}'
            ).encode()


def out_of_step(lines: Iterable[bytes], partitions: int, turn: int) -> Iterator[bytes]:
    """The events as a consumer of a full topic gets them: a `turn` of one partition, then one of the next, by user."""
    parts: list[list[bytes]] = [[] for _ in range(partitions)]
    for line in lines:
        parts[zlib.crc32(user_of(line)) % partitions].append(line)
    for start in range(0, max(map(len, parts)), turn):
        for part in parts:
            yield from part[start : start + turn]


def disturbed(lines: Iterable[bytes], late: float, again: float) -> Iterator[bytes]:
    """The events with a share that comes late, and a share that comes again; both by up to an hour, evenly spread."""
    ordered, random = list(lines), np.random.default_rng(_DISTURBING_SEED)
    count = len(ordered)
    comes_ms = np.fromiter(map(_time_of, ordered), np.float64, count)
    comes_ms += np.where(random.random(count) < late, random.uniform(0, DELAY_MS, count), 0)
    repeated = np.flatnonzero(random.random(count) < again)
    repeats_ms = comes_ms[repeated] + random.uniform(0, DELAY_MS, len(repeated))
    events = np.concatenate([np.arange(count), repeated])
    for at in events[np.argsort(np.concatenate([comes_ms, repeats_ms]), kind="stable")].tolist():
        yield ordered[at]


def user_of(line: bytes) -> bytes:
    """The user of one of W's events: the key that decides its partition."""
    found = _USER.search(line)
    assert found is not None
    return found[1]


def _time_of(line: bytes) -> int:
    found = _TIME.search(line)
    assert found is not None
    return int(found[1])


def _draw(scale: Scale) -> _Drawn:
    """Draws column by column; the order of the draws makes the stream what it is."""
    count, random = scale.events, np.random.default_rng(scale.seed)
    return _Drawn(
        user=_ranks(random, scale) * _SPREAD % scale.users,
        time_ms=np.cumsum(random.exponential(scale.gap_ms, count)).astype(np.int64) + START_MS,
        amount=random.lognormal(3, 1, count).round(2),
        merchant=random.integers(0, MERCHANTS, count),
        device=random.integers(0, DEVICES_OF_USER, count),
        address=random.integers(0, ADDRESSES_OF_USER, count),
        country=random.choice(len(COUNTRIES), count, p=list(COUNTRIES.values())),
        channel=random.choice(len(CHANNELS), count),
        kind=random.choice(len(TYPES), count, p=list(TYPES.values())),
    )


def _ranks(random: Generator, scale: Scale) -> Whole:
    """How popular the user of each event is, from 1 for the most popular; what exceeds the users is drawn again."""
    ranks = np.empty(0, dtype=np.int64)
    drawn = 2 * scale.events
    while len(ranks) < scale.events:
        more = random.zipf(_ZIPF_EXPONENT, drawn)
        ranks = np.concatenate([ranks, more[more < scale.users]])
        drawn = scale.events
    return ranks[: scale.events]
