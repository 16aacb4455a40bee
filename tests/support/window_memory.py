"""Run as a program: slides the windows of workload W over a stream and prints what that took of memory, as JSON.

Takes the number of keys that each id column draws from. It is a program of its own so that nothing else is measured.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from windows import Aggregate, Columns, Kind, Plan, WindowStore, plan_of

EVENTS = 200_000
BATCH = 1000
MEMORY_BYTES = 4 << 30

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd: makes small numbers into ids all over 64 bits, as a Hasher's are."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS

WORKLOAD_W: dict[tuple[str, ...], list[tuple[Kind, int, str | None]]] = {
    ("user_id",): [
        ("count", MINUTE_MS, None),
        ("count", 10 * MINUTE_MS, None),
        ("sum", 10 * MINUTE_MS, "amount"),
        ("count", HOUR_MS, None),
        ("sum", HOUR_MS, "amount"),
        ("distinct", HOUR_MS, "merchant_id"),
        ("count", DAY_MS, None),
        ("sum", DAY_MS, "amount"),
        ("distinct", DAY_MS, "device_id"),
        ("distinct", DAY_MS, "ip"),
        ("count", WEEK_MS, None),
        ("sum", WEEK_MS, "amount"),
        ("std", WEEK_MS, "amount"),
        ("distinct", WEEK_MS, "country"),
    ],
    ("device_id",): [
        ("count", 10 * MINUTE_MS, None),
        ("count", HOUR_MS, None),
        ("distinct", DAY_MS, "user_id"),
        ("sum", DAY_MS, "amount"),
    ],
    ("ip",): [("count", MINUTE_MS, None), ("count", 10 * MINUTE_MS, None), ("distinct", HOUR_MS, "user_id")],
    ("payee_id",): [
        ("count", 10 * MINUTE_MS, None),
        ("distinct", HOUR_MS, "user_id"),
        ("sum", HOUR_MS, "amount"),
    ],
    ("user_id", "payee_id"): [("count", DAY_MS, None)],
}


def resident_bytes() -> int:
    """What this process has of the machine's memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def batch_of(plan: Plan, first: int, keys: int) -> Columns:
    """The events from number `first` on, a second apart."""
    draw = np.random.default_rng(first)
    return Columns(
        10**12 + 1000 * np.arange(first, first + BATCH, dtype=np.int64),
        _SPREAD * draw.integers(1, keys + 1, size=(BATCH, len(plan.ids)), dtype=np.uint64),
        draw.integers(1, 10**6, size=(len(plan.values), BATCH), dtype=np.int64),
        np.ones(BATCH, dtype=np.uint64),
        np.ones(BATCH, dtype=bool),
    )


def main() -> None:
    """Prints events, keys and the most bytes that were resident more than with the same store empty."""
    keys = int(sys.argv[1])
    wanted = [Aggregate(kind, by, over_ms, of) for by, kinds in WORKLOAD_W.items() for kind, over_ms, of in kinds]
    plan = plan_of(wanted, ("amount",))
    WindowStore(plan, MEMORY_BYTES).update(batch_of(plan, 0, keys))
    before = resident_bytes()
    store, most = WindowStore(plan, MEMORY_BYTES), 0
    for first in range(0, EVENTS, BATCH):
        store.update(batch_of(plan, first, keys))
        most = max(most, resident_bytes() - before)
    print(json.dumps({"events": store.events, "keys": store.keys, "bytes": most}))


if __name__ == "__main__":
    main()
