"""What came within a time, asked in the middle of an update."""

import random
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import HASHER, WindowDriver
from support.window_oracle import Happening
from support.window_streams import dice, happenings
from windows import HAS_COME, NOT_COME, NOT_OURS, UNSURE, Aggregate, Columns, Probe, WindowStore, plan_of
from windows.store import MEMORY_MIN

COUNT = Aggregate("count", ("user", "device"), 1000, filter=1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(happenings(), dice(), st.integers(1, 3), st.sampled_from((4, 1024)), st.integers(0, 30))
def test_probes_see_what_came_before_them(
    stream: list[Happening], draw: random.Random, shards: int, page_rows: int, loaded: int
) -> None:
    driver = WindowDriver([COUNT], page_rows=page_rows, lateness_ms=10_000, shards=shards)
    loaded = min(loaded, len(stream) - 1)
    driver.load(stream[:loaded])
    for start, end in pairwise(sorted({loaded, len(stream), draw.randrange(loaded, len(stream))})):
        asked = [(draw.randrange(start, end), draw.choice("ab"), draw.choice("ab")) for _ in range(3)]
        probes, expected = [], []
        for at, user, device in sorted(asked):
            low_ms = 1000 + draw.randrange(-50, 300)
            high_ms = low_ms + draw.randrange(60)
            ids = HASHER.ids([{"user": user, "device": device}[name] for name in driver.plan.ids])
            probes.append(Probe(at - start, 0, ids, low_ms, high_ms))
            expected.append(
                any(
                    1 in each.filters
                    and (each.ids["user"], each.ids["device"]) == (user, device)
                    and low_ms <= each.time_ms <= high_ms
                    for each in stream[:at]
                )
            )
        found = driver.probe(stream[start:end], probes)
        for answers, came in zip(found, expected, strict=True):
            assert sorted(answers) == sorted([HAS_COME if came else NOT_COME, *[NOT_OURS] * (shards - 1)])


def test_a_log_that_is_not_whole_is_not_sure() -> None:
    plan = plan_of([Aggregate("count", ("user",), 10**9)], ())
    store = WindowStore(plan, MEMORY_MIN, page_rows=8192)
    everybody = np.ones(4096, dtype=np.uint64)
    start = 0
    while store.complete_since_ms < 10**12:
        times = np.arange(10**12 + start, 10**12 + start + 4096)
        store.update(
            Columns(times, np.full((4096, 1), 7, np.uint64), np.empty((0, 4096), np.int64), everybody, everybody == 1)
        )
        start += 4096
    known, unknown = np.array([7], dtype=np.uint64), np.array([8], dtype=np.uint64)
    since_ms, now_ms = store.complete_since_ms, 10**12 + start - 1
    assert store.probe(Probe(0, 0, unknown, since_ms, now_ms)) == UNSURE
    assert store.probe(Probe(0, 0, unknown, since_ms + 1, now_ms)) == NOT_COME
    assert store.probe(Probe(0, 0, known, since_ms - 10, now_ms)) == HAS_COME
