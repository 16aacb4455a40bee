"""What became of waits, asked in the middle of an update."""

import random
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import HASHER, WindowDriver
from support.window_oracle import Happening, in_vain
from support.window_streams import FILTER_SHARES, dice, happenings
from windows import HAS_COME, NOT_COME, NOT_OURS, UNSURE, Aggregate, Columns, Probe, WindowStore, plan_of
from windows.store import MEMORY_MIN


def _absence(draw: random.Random) -> Aggregate:
    numbers = range(len(FILTER_SHARES))
    by = draw.choice((("user",), ("user", "device")))
    steps = tuple(draw.choices(numbers[:4], k=draw.choice((1, 2, 3))))
    unless = tuple(draw.sample(numbers[2:], draw.choice((0, 0, 1))))
    return Aggregate("absence", by, 1000, steps=steps, unless=unless, ends=(*draw.sample(numbers[3:], 1), *unless))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(happenings(), dice(), st.integers(1, 3), st.sampled_from((4, 1024)), st.integers(0, 30))
def test_probes_tell_what_has_come_by_then(
    stream: list[Happening], draw: random.Random, shards: int, page_rows: int, loaded: int
) -> None:
    absences = [_absence(draw) for _ in range(3)]
    driver = WindowDriver(absences, page_rows=page_rows, lateness_ms=10_000, shards=shards)
    loaded = min(loaded, len(stream) - 1)
    driver.load(stream[:loaded])
    for start, end in pairwise(sorted({loaded, len(stream), draw.randrange(loaded, len(stream))})):
        probes, expected = [], []
        for at in sorted(draw.randrange(start, end) for _ in range(8)):
            number, begun = draw.randrange(3), draw.randrange(max(at, 1))
            absence, event = absences[number], stream[begun]
            has_key = None not in [event.ids[name] for name in absence.by]
            if begun >= at or not has_key or absence.steps[-1] not in event.filters:
                continue
            within_ms = draw.choice((1, 40, 100, 300))
            ids = HASHER.ids([event.ids[name] for name in driver.plan.ids])
            probes.append(Probe(at - start, number, ids, begun, event.time_ms, within_ms))
            expected.append(NOT_COME if in_vain(stream[:at], begun, absence, within_ms) else HAS_COME)
        found = driver.probe(stream[start:end], probes)
        for answers, came in zip(found, expected, strict=True):
            assert sorted(answers) == sorted([came, *[NOT_OURS] * (shards - 1)])


def test_a_log_that_is_not_whole_is_not_sure() -> None:
    once = Aggregate("absence", ("user",), 10**9, steps=(1,), ends=(0,))
    twice = Aggregate("absence", ("user",), 10**9, steps=(2, 1), ends=(0,))
    plan = plan_of([once, twice], ())
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
    since_ms, last = store.complete_since_ms, start - 1
    assert store.probe(Probe(0, 0, unknown, last, since_ms, 10)) == UNSURE
    assert store.probe(Probe(0, 0, unknown, last, since_ms + 1, 10)) == NOT_COME
    assert store.probe(Probe(0, 0, known, last, since_ms - 10, 20)) == HAS_COME
    assert store.probe(Probe(0, 1, unknown, last, since_ms + 9, 10)) == UNSURE
    assert store.probe(Probe(0, 1, unknown, last, since_ms + 10, 10)) == HAS_COME
