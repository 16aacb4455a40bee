"""Measurements of the engine inside one process, from bytes to decision bytes, over lines of a file.

`python -m benchmarks.inprocess KIND PACK FILE BATCH` prints one of them as JSON; the suite gives each a fresh process.
"""

import argparse
import gc
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

import schemas.batches
from benchmarks.processes import MB, resident
from benchmarks.stages import Stopwatch, watched
from benchmarks.variants import load
from engine import Engine
from rules import Pack

BATCH = 1_024
WARM_UP_BATCHES = 2
SINGLES_SHARE = 0.2
SINGLES_DROPPED = 0.1
MARKS = (25, 50, 75, 100)

Figures = dict[str, float]


class Run(NamedTuple):
    """What to measure on: `batch` events at once from the lines of `file`."""

    pack: Pack
    file: Path
    batch: int

    def batches(self) -> Iterator[list[bytes]]:
        with self.file.open("rb") as lines:
            stripped = (line.rstrip() for line in lines)
            while raws := list(islice(stripped, self.batch)):
                yield raws


def decide(engine: Engine, raws: Sequence[bytes]) -> list[bytes]:
    """The way of every event: decode, decide, encode."""
    return engine.decide(schemas.batches.decode(raws), {}).encoded


def warm_up(run: Run) -> None:
    """Loads the kernels and whatever else happens once, with an engine that is thrown away."""
    engine = Engine(run.pack)
    for raws in islice(run._replace(batch=BATCH).batches(), WARM_UP_BATCHES):
        decide(engine, raws)
        decide(engine, raws[:1])


def rate(run: Run) -> Figures:
    """CPU time and events a second over the whole file, from an empty engine on."""
    batches = list(run.batches())
    warm_up(run)
    engine = Engine(run.pack)
    gc.collect()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for raws in batches:
        decide(engine, raws)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    events = sum(map(len, batches))
    return {"cpu_us": cpu_s / events * 1e6, "events_s": events / wall_s}


def stages(run: Run) -> Figures:
    """Microseconds an event in each stage."""
    batches = list(run.batches())
    warm_up(run)
    engine, watch = Engine(run.pack), Stopwatch()
    gc.collect()
    with watched(watch):
        for raws in batches:
            decide(engine, raws)
    events = sum(map(len, batches))
    return {f"{stage}_us": elapsed_s / events * 1e6 for stage, elapsed_s in watch.elapsed_s.items()}


def singles(run: Run) -> Figures:
    """Latency of a batch of one for the last events of the file; those before fill the windows in large batches."""
    batches = list(run.batches())
    warm_up(run)
    engine = Engine(run.pack)
    cut = int(len(batches) * (1 - SINGLES_SHARE))
    for raws in batches[:cut]:
        decide(engine, raws)
    alone = [[raw] for raws in batches[cut:] for raw in raws]
    gc.collect()
    took_ns = np.empty(len(alone), dtype=np.int64)
    for number, raws in enumerate(alone):
        started_ns = time.perf_counter_ns()
        decide(engine, raws)
        took_ns[number] = time.perf_counter_ns() - started_ns
    warm = took_ns[int(len(alone) * SINGLES_DROPPED) :] / 1e3
    return {f"p{share:g}_us": float(np.percentile(warm, share)) for share in (50, 99, 99.9)}


def memory(run: Run) -> Figures:
    """What the engine holds after each quarter of the file, which is read as it goes."""
    warm_up(run)
    gc.collect()
    before = resident(os.getpid())
    engine = Engine(run.pack)
    with run.file.open("rb") as lines:
        total = sum(1 for _ in lines)
    figures: Figures = {}
    marks = [(total * mark // 100, mark) for mark in MARKS]
    done = 0
    for raws in run.batches():
        decide(engine, raws)
        done += len(raws)
        while marks and done >= marks[0][0]:
            mark = marks.pop(0)[1]
            gc.collect()
            now = resident(os.getpid())
            events, keys = engine.held
            figures |= {f"held_mb_{mark}": (now.now - before.now) / MB, f"events_{mark}": events, f"keys_{mark}": keys}
    return figures | {"peak_mb": resident(os.getpid()).peak / MB}


KINDS: dict[str, Callable[[Run], Figures]] = {"rate": rate, "stages": stages, "singles": singles, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inprocess", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("pack")
    parser.add_argument("file", type=Path)
    parser.add_argument("batch", type=int)
    chosen = parser.parse_args()
    print(json.dumps(KINDS[chosen.kind](Run(load(chosen.pack), chosen.file, chosen.batch))))


if __name__ == "__main__":
    main()
