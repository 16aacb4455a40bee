"""Measurements with state kept, inside one process: events run through the pump, and what is decided into a journal.

`python -m benchmarks.keeping KIND PACK ...` prints one of them as JSON; the suite gives each a fresh process.
"""

import argparse
import gc
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import schemas.batches
from benchmarks.inprocess import BATCH, Figures, Run, warm_up
from benchmarks.processes import MB, age_s, resident
from benchmarks.variants import load
from benchmarks.workload import Scale, write_lines
from engine import Engine, signature_of
from flows import Arrival, Decider, Delivered, Entry, Pump, Stop, Tally, Verdicts, resume
from journal import Identity, StateDirectory
from rules import Pack
from schemas import FilePlace

HASH_KEY = bytes(16)
PART = "w"


class Lines:
    """A source of batches of lines that came from nowhere; it is behind all lines it gave."""

    def __init__(self, batches: Iterable[Sequence[bytes]]) -> None:
        self._batches = iter(batches)
        self.taken = 0

    def begin(self, reached: Mapping[str, int]) -> None:
        self.taken = reached.get(PART, 0)

    def take(self, patience_s: float) -> Arrival | None:  # noqa: ARG002
        raws = next(self._batches, None)
        if raws is None:
            return None
        first = self.taken
        self.taken += len(raws)
        return Arrival(raws, lambda at: FilePlace(PART, first + at + 1), reached={PART: self.taken})

    def acknowledge(self, reached: Mapping[str, int]) -> None:
        pass

    def close(self) -> None:
        pass


class Nowhere:
    """A sink that lets go of everything at once."""

    def resume(self, delivered: Delivered | None, outbox: Sequence[Entry]) -> int:  # noqa: ARG002
        return 0

    def mark(self, at_ms: int) -> Delivered:
        return Delivered(at_ms, {})

    def write(self, verdicts: Verdicts) -> None:
        pass

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        pass


class Flow(NamedTuple):
    """An engine between a source of lines and nowhere."""

    engine: Engine
    source: Lines
    pump: Pump
    decider: Decider

    def steps(self) -> Iterator[int]:
        """Does what a run of riskgate does, batch by batch, and gives how many events it took."""
        while (arrival := self.pump.next_arrival()) is not None:
            self.pump.write(self.decider.decide(arrival, schemas.batches.decode(arrival.raws)))
            yield len(arrival.raws)
        self.pump.finish()


@contextmanager
def opened(engine: Engine, batches: Iterable[Sequence[bytes]], state: StateDirectory | None) -> Iterator[Flow]:
    """A flow that goes on where `state` stands and keeps it, or one without."""
    source, sink = Lines(batches), Nowhere()
    keeper = None if state is None else resume(state, 0, engine, source, sink, _now_ms, _unheard).keeper
    pump = Pump(source, sink, Stop(), keeper, time.monotonic, lambda: None)
    try:
        yield Flow(engine, source, pump, Decider(engine, {}, Tally()))
    finally:
        pump.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _unheard(done: int, total: int) -> None:
    pass


class Task(NamedTuple):
    """What to measure: `state` is where it is kept, `lines` the events, `every` how many of them lie between marks."""

    pack: Pack
    state: Path
    lines: Path
    every: int


@contextmanager
def claimed(task: Task) -> Iterator[StateDirectory]:
    """The task's state directory, made where it is missing."""
    identity = Identity(task.pack.name, signature_of(task.pack))
    state = StateDirectory.open(task.state, identity, lambda: HASH_KEY, slots=(0,), workers=1)
    try:
        yield state
    finally:
        state.close()


def unkept(task: Task) -> Figures:
    """CPU time and events a second over all lines, from an empty engine on, when nothing is kept."""
    return _rate(task, None)


def kept(task: Task) -> Figures:
    """The same when what was decided is kept, and the bytes of an event on the disk."""
    with claimed(task) as state:
        found = _rate(task, state)
        with task.lines.open("rb") as lines:
            return found | {"bytes_event": state.size_bytes / sum(1 for _ in lines)}


def _rate(task: Task, state: StateDirectory | None) -> Figures:
    run = Run(task.pack, task.lines, BATCH)
    batches = list(run.batches())
    warm_up(run)
    with opened(Engine(task.pack, HASH_KEY), batches, state) as flow:
        gc.collect()
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        events = sum(flow.steps())
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        return {"cpu_us": cpu_s / events * 1e6, "events_s": events / wall_s}


def recovery(task: Task) -> Figures:
    """How long it takes until the next event is decided: kernels loaded, and from the start of this process on."""
    coming = next(write_lines(Scale(events=1))).replace(b'"t000000000"', b'"next"')
    with claimed(task) as state:
        engine = Engine(task.pack, HASH_KEY)
        gc.collect()
        begun_s, cpu_s = age_s(), time.process_time()
        with opened(engine, [[coming]], state) as flow:
            next(flow.steps())
            ready_s, cpu_s = age_s(), time.process_time() - cpu_s
            events, keys = engine.held
    return {
        "seconds": ready_s - begun_s,
        "cold_seconds": ready_s,
        "events_s": events / (ready_s - begun_s),
        "wall_us": (ready_s - begun_s) / events * 1e6,
        "cpu_us": cpu_s / events * 1e6,
        "events": events,
        "keys": keys,
        "peak_mb": resident(os.getpid()).peak / MB,
    }


def stream(task: Task) -> Figures:
    """What the process and its journal hold at each mark, and CPU time, over the lines that come as they are read."""
    batches = Run(task.pack, task.lines, BATCH).batches()
    figures: Figures = {}
    taken = marks = 0
    with claimed(task) as state, opened(Engine(task.pack, HASH_KEY), batches, state) as flow:
        cpu_s = time.process_time()
        for count in flow.steps():
            taken += count
            if taken >= (marks + 1) * task.every:
                marks += 1
                figures |= _held(flow.engine, state, marks)
        cpu_s = time.process_time() - cpu_s
    return figures | {"cpu_us": cpu_s / taken * 1e6, "peak_mb": resident(os.getpid()).peak / MB}


def _held(engine: Engine, state: StateDirectory, mark: int) -> Figures:
    events, keys = engine.held
    return {
        f"resident_mb_{mark}": resident(os.getpid()).now / MB,
        f"journal_mb_{mark}": state.size_bytes / MB,
        f"events_{mark}": events,
        f"keys_{mark}": keys,
    }


KINDS: dict[str, Callable[[Task], Figures]] = {"unkept": unkept, "kept": kept, "recovery": recovery, "stream": stream}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keeping", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("pack")
    parser.add_argument("state", type=Path)
    parser.add_argument("--lines", type=Path, default=Path("/dev/stdin"))
    parser.add_argument("--every", type=int, default=1)
    chosen = parser.parse_args()
    print(json.dumps(KINDS[chosen.kind](Task(load(chosen.pack), chosen.state, chosen.lines, chosen.every))))


if __name__ == "__main__":
    main()
