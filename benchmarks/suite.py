"""The whole measurement: which runs, in which order, and what is made of them."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks import latency, throughput
from benchmarks.broker import PARTITIONS, Broker
from benchmarks.gates import BARE, RISKGATE, command
from benchmarks.quantities import BYTES_OF_EVENT, BYTES_OF_KEY
from benchmarks.variants import PLAIN, WITH_DETECTORS, WITH_REASONS
from benchmarks.workload import Scale, out_of_step, write_lines

EVICTING_GAP_MS = 5_000.0
TURNS = 32
"""A consumer of a full topic took 12,700 events (a fetch of 1 MB) of one partition before the next: W in 32 turns."""


class Extent(NamedTuple):
    """How much is measured; a round is one run of everything that is compared."""

    events: int = 400_000
    rounds: int = 3
    kafka_events: int = 800_000
    latency_warm: int = 60_000
    latency_timed: int = 15_000


QUICK = Extent(events=6_000, rounds=1, kafka_events=20_000, latency_warm=1_000, latency_timed=4_000)
"""To see that it works; the figures mean nothing."""

Values = dict[str, list[float]]


class Suite:
    """Collects values by key, one for each run."""

    def __init__(self, extent: Extent, bootstrap: str, folder: Path, step: Callable[[str], None]) -> None:
        self.values: defaultdict[str, list[float]] = defaultdict(list)
        self._extent = extent
        self._broker = Broker(bootstrap)
        self._plain, self._evicting = folder / "w.ndjson", folder / "w-evicting.ndjson"
        self._out_of_step = folder / "w-out-of-step.ndjson"
        self._step = step

    def run(self) -> Values:
        self._write()
        for _ in range(self._extent.rounds):
            self._in_process()
        self._inside("reasons", "rate", WITH_REASONS, self._plain)
        self._inside("stages", "stages", PLAIN, self._plain)
        self._memory("memory", self._plain)
        self._memory("memory_evicting", self._evicting)
        self._full_speed()
        for _ in range(self._extent.rounds):
            self._fixed_rate()
        return dict(self.values)

    def _write(self) -> None:
        plain, evicting = Scale(self._extent.events), Scale(self._extent.events, gap_ms=EVICTING_GAP_MS)
        for file, lines in (
            (self._plain, write_lines(plain)),
            (self._evicting, write_lines(evicting)),
            (self._out_of_step, out_of_step(write_lines(plain), PARTITIONS, self._extent.events // TURNS)),
        ):
            self._step(f"writing {file.name}")
            with file.open("wb") as out:
                out.writelines(line + b"\n" for line in lines)

    def _in_process(self) -> None:
        self._inside("batch_1024", "rate", PLAIN, self._plain)
        self._inside("batch_256", "rate", PLAIN, self._plain, 256)
        self._inside("single", "singles", PLAIN, self._plain)
        self._inside("evicting", "rate", PLAIN, self._evicting)
        self._inside("out_of_step", "rate", PLAIN, self._out_of_step)
        self._inside("detectors", "rate", WITH_DETECTORS, self._plain)

    def _inside(self, key: str, kind: str, pack: str, file: Path, batch: int = 1_024) -> dict[str, float]:
        self._step(f"in process: {key}")
        arguments = [sys.executable, "-m", "benchmarks.inprocess", kind, pack, str(file), str(batch)]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True)
        figures: dict[str, float] = json.loads(done.stdout)
        self._add(key, figures)
        return figures

    def _memory(self, key: str, file: Path) -> None:
        found = self._inside(key, "memory", PLAIN, file)
        held, events, keys = found["held_mb_100"] * 1e6, found["events_100"], found["keys_100"]
        share = held / (BYTES_OF_EVENT * events + BYTES_OF_KEY * keys)
        self._add(key, {"bytes_event": held / events, "share": share})

    def _full_speed(self) -> None:
        events = self._extent.kafka_events
        with self._broker.topics("in", "dead") as (in_topic, dead_topic):
            self._step(f"Kafka: writing {events:,} events")
            self._broker.fill(in_topic, write_lines(Scale(events)))
            for _ in range(self._extent.rounds):
                found = {}
                for gate in (RISKGATE, BARE):
                    self._step(f"Kafka, full speed: {gate}")
                    with self._broker.topics("out") as (out_topic,):
                        arguments = command(gate, self._broker.bootstrap, in_topic, out_topic, dead_topic)
                        found[gate] = throughput.measure(self._broker.bootstrap, arguments, out_topic, events)
                self._add("kafka", found[RISKGATE])
                self._add("bare", found[BARE])
                self._add("kafka_bare", _ratios(found[RISKGATE], found[BARE]))

    def _fixed_rate(self) -> None:
        warm, timed = self._extent.latency_warm, self._extent.latency_timed
        lines = list(islice(write_lines(Scale(warm + timed)), warm + timed))
        paced = latency.Paced(lines[:warm], lines[warm:])
        found = {}
        for gate in ("echo", RISKGATE):
            self._step(f"Kafka, {latency.RATE_S:,} events/s: {gate}")
            with self._broker.topics("in", "out", "dead") as (in_topic, out_topic, dead_topic):
                arguments = command(RISKGATE, self._broker.bootstrap, in_topic, out_topic, dead_topic)
                found[gate] = latency.measure(
                    self._broker, paced, in_topic, out_topic, arguments if gate == RISKGATE else None
                )
        self._add("echo", found["echo"])
        self._add("latency", found[RISKGATE])
        self._add("latency_echo", _ratios(found[RISKGATE], found["echo"]))

    def _add(self, key: str, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values[f"{key}.{name}"].append(value)


def _ratios(ours: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: value / other[name] for name, value in ours.items() if name in other and name != "peak_mb"}


def steps(extent: Extent) -> int:
    """How many steps a run announces."""
    return 3 + 6 * extent.rounds + 4 + 1 + 2 * extent.rounds + 2 * extent.rounds


@contextmanager
def shown(total: int, console: Console) -> Iterator[Callable[[str], None]]:
    """Shows the steps as they begin: a bar in a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda what: console.print(what, highlight=False)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task: TaskID = progress.add_task("", total=total)
        begun = iter(range(total + 1))
        yield lambda what: progress.update(task, description=what, completed=next(begun))
