"""Workload W decided in plain Python: each key has the list of its events, each window says where in it it begins."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YUAN = 100


class Row(NamedTuple):
    """What windows look at of an event; the amount in fen."""

    time_ms: int
    amount: int
    user: str
    device: str
    ip: str
    merchant: str
    country: str


class Count:
    """How many events of a key are in (t - over, t], t being the time of the newest, which is the last of `rows`."""

    def __init__(self, over_ms: int) -> None:
        self.over_ms = over_ms
        self.begins: dict[str, int] = {}

    def leaving(self, key: str, rows: list[Row]) -> list[Row]:
        """The events that were in the window at the key's last event, and are not any more."""
        begin = end = self.begins.get(key, 0)
        latest_out = rows[-1].time_ms - self.over_ms
        while rows[end].time_ms <= latest_out:
            end += 1
        self.begins[key] = end
        return rows[begin:end]

    def at(self, key: str, rows: list[Row]) -> int:
        self.leaving(key, rows)
        return len(rows) - self.begins[key]


class Sum(Count):
    """The amount that is in the window, in fen."""

    def __init__(self, over_ms: int) -> None:
        super().__init__(over_ms)
        self.totals: defaultdict[str, int] = defaultdict(int)

    def at(self, key: str, rows: list[Row]) -> int:
        self.totals[key] += rows[-1].amount - sum(row.amount for row in self.leaving(key, rows))
        return self.totals[key]


class Distinct(Count):
    """How many different values of a column are in the window."""

    def __init__(self, over_ms: int, column: str) -> None:
        super().__init__(over_ms)
        self.column = Row._fields.index(column)
        self.present: defaultdict[str, Counter[object]] = defaultdict(Counter)

    def at(self, key: str, rows: list[Row]) -> int:
        present = self.present[key]
        present[rows[-1][self.column]] += 1
        for row in self.leaving(key, rows):
            present[row[self.column]] -= 1
            if present[row[self.column]] == 0:
                del present[row[self.column]]
        return len(present)


class Oracle:
    """Decides events that come in order of time."""

    def __init__(self) -> None:
        self.windows: dict[str, tuple[Count, ...]] = {
            "user": (
                Count(MINUTE), Count(10 * MINUTE), Count(HOUR), Count(DAY), Count(7 * DAY),
                Sum(10 * MINUTE), Sum(HOUR), Sum(DAY), Sum(7 * DAY),
                Distinct(HOUR, "merchant"), Distinct(DAY, "device"), Distinct(DAY, "ip"), Distinct(7 * DAY, "country"),
            ),
            "device": (Count(10 * MINUTE), Count(HOUR), Distinct(DAY, "user"), Sum(DAY)),
            "ip": (Count(MINUTE), Count(10 * MINUTE), Distinct(HOUR, "user")),
            "payee": (Count(10 * MINUTE), Distinct(HOUR, "user"), Sum(HOUR)),
            "pair": (Count(DAY),),
        }  # fmt: skip
        self.rows: dict[str, defaultdict[str, list[Row]]] = {entity: defaultdict(list) for entity in self.windows}

    def decide(self, line: bytes) -> list[int]:
        """The numbers of the rules that the event hits."""
        event = json.loads(line, parse_float=Decimal)
        user, device, ip, payee = event["user_id"], event["device_id"], event["ip"], event["payee_id"]
        amount, country = int(event["amount"] * YUAN), event["country"]
        row = Row(event["timestamp"], amount, user, device, ip, event["merchant_id"], country)

        by_user = self._see("user", user, row)
        u1m, u10m, u1h, u24h, u7d, s10m, s1h, s24h, s7d, merchants, devices, ips, countries = by_user
        d10m, d1h, device_users, device_sum = self._see("device", device, row)
        i1m, i10m, ip_users = self._see("ip", ip, row)
        p10m, payee_users, payee_sum = self._see("payee", payee, row)
        (pair,) = self._see("pair", f"{user} {payee}", row)
        hits = (
            u1m > 5,
            u10m > 10,
            s10m > 500 * YUAN,
            u1h > 20 and amount > 100 * YUAN,
            s1h > 2000 * YUAN,
            merchants > 10,
            u24h > 50,
            s24h > 5000 * YUAN,
            devices > 3,
            ips > 6,
            u7d > 200,
            s7d > 20000 * YUAN,
            countries > 3,
            amount > 1000 * YUAN and country != "CN",
            d10m > 8,
            d1h > 20,
            device_users > 3,
            device_sum > 5000 * YUAN,
            i1m > 20,
            i10m > 50,
            ip_users > 10,
            p10m > 50 and amount < 5 * YUAN,
            payee_users > 100,
            payee_sum > 50000 * YUAN,
            pair > 5 and event["type"] == "topup",
        )
        return [number for number, hit in enumerate(hits) if hit]

    def _see(self, entity: str, key: str, row: Row) -> list[int]:
        """What each window of the entity says with this event in."""
        rows = self.rows[entity][key]
        rows.append(row)
        return [window.at(key, rows) for window in self.windows[entity]]


def rules_hit(lines: Iterable[bytes]) -> Iterator[list[str]]:
    """For each event the ids of the rules it hits, as the pack of W names them."""
    oracle = Oracle()
    for line in lines:
        yield [f"w.{number:02d}" for number in oracle.decide(line)]
