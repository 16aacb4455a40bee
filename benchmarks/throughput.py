"""Kafka to Kafka at full speed: what a gate's process does with a topic that is full already, seen from outside."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from benchmarks.broker import Counter
from benchmarks.gates import Gate, started
from benchmarks.processes import MB, cpu_s, resident

SAMPLE_S = 0.1
STALL_S = 60.0
SKIPPED = 0.34
"""The share of the events that counts as warming up."""


class Sample(NamedTuple):
    """How far a gate was at a time: decisions in the output, and the CPU time of its process with all threads."""

    at_s: float
    decisions: int
    cpu_s: float


def measure(bootstrap: str, arguments: Sequence[str], out_topic: str, events: int) -> dict[str, float]:
    """Rate, CPU and memory over all but the first third of `events`."""
    counter = Counter(bootstrap, out_topic)
    try:
        with started(arguments) as gate:
            samples, peak_mb = _watch(gate, counter, events)
    finally:
        counter.close()
    begin, end = reach(samples, SKIPPED * events), reach(samples, events)
    count = end.decisions - begin.decisions
    return {
        "events_s": count / (end.at_s - begin.at_s),
        "cpu_us": (end.cpu_s - begin.cpu_s) / count * 1e6,
        "peak_mb": peak_mb,
    }


def _watch(gate: Gate, counter: Counter, events: int) -> tuple[list[Sample], float]:
    samples, peak_mb = [Sample(time.perf_counter(), 0, 0.0)], 0.0
    moved_s = samples[0].at_s
    while samples[-1].decisions < events:
        time.sleep(SAMPLE_S)
        sample = Sample(time.perf_counter(), counter.count(), cpu_s(gate.pid))
        if sample.decisions > samples[-1].decisions:
            moved_s = sample.at_s
        samples.append(sample)
        if gate.ended or sample.at_s - moved_s > STALL_S:
            raise SystemExit(f"the gate stood still at {sample.decisions:,} of {events:,} decisions")
        peak_mb = resident(gate.pid).peak / MB
    return samples, peak_mb


def reach(samples: Sequence[Sample], decisions: float) -> Sample:
    """When so many decisions were reached, between the samples around."""
    for before, after in pairwise(samples):
        if before.decisions < decisions <= after.decisions:
            share = (decisions - before.decisions) / (after.decisions - before.decisions)
            return Sample(
                before.at_s + share * (after.at_s - before.at_s),
                round(decisions),
                before.cpu_s + share * (after.cpu_s - before.cpu_s),
            )
    raise ValueError(f"expected samples that reach {decisions:,} decisions, got {samples[-1].decisions:,} at the most")
