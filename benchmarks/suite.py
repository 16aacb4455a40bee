"""The whole measurement: which runs, in which order, and what is made of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks import latency, throughput
from benchmarks.broker import PARTITIONS, Broker
from benchmarks.collection import Collection, Values, ratios
from benchmarks.gates import BARE, RISKGATE, command
from benchmarks.quantities import BYTES_OF_EVENT, BYTES_OF_KEY
from benchmarks.variants import PLAIN, WITH_DETECTORS, WITH_REASONS
from benchmarks.workers import measure as measure_workers
from benchmarks.workload import Scale, disturbed, out_of_step, write_lines

EVICTING_GAP_MS = 5_000.0
TURNS = 32
"""A consumer of a full topic took 12,700 events (a fetch of 1 MB) of one partition before the next: W in 32 turns."""

KEPT = "kept"
"""Riskgate that keeps its state."""

DISTURBED = {"late_1": (0.01, 0.0), "late_10": (0.1, 0.0), "again_1": (0.0, 0.01)}
"""Which shares of the events come late, and come again."""


class Extent(NamedTuple):
    """How much is measured; a round is one run of everything that is compared."""

    events: int = 400_000
    rounds: int = 3
    kafka_events: int = 800_000
    latency_warm: int = 60_000
    latency_timed: int = 15_000
    past_events: int = 1_000_000
    changes: int = 5
    changed_rules: int = 200
    linted_rules: int = 1_000


QUICK = Extent(
    events=6_000, rounds=1, kafka_events=20_000, latency_warm=1_000, latency_timed=4_000, past_events=150_000, changes=1
)
"""To see that it works; the figures mean nothing."""


class Suite:
    """Measures everything that is done within minutes, with files in `folder`."""

    def __init__(self, extent: Extent, bootstrap: str, folder: Path, step: Callable[[str], None]) -> None:
        self._collection = Collection(step)
        self._extent = extent
        self._broker = Broker(bootstrap)
        self._folder = folder
        self._plain, self._evicting = folder / "w.ndjson", folder / "w-evicting.ndjson"
        self._out_of_step = folder / "w-out-of-step.ndjson"
        self._disturbed = {key: folder / f"w-{key}.ndjson" for key in DISTURBED}
        self._past = folder / "w-past.ndjson"

    def run(self) -> Values:
        self._write()
        for _ in range(self._extent.rounds):
            self._in_process()
        for _ in range(self._extent.rounds):
            self._keeping()
        for _ in range(self._extent.rounds):
            self._workers()
        self._workbench()
        self._inside("reasons", "rate", WITH_REASONS, self._plain)
        self._inside("stages", "stages", PLAIN, self._plain)
        self._memory("memory", self._plain)
        self._memory("memory_evicting", self._evicting)
        self._full_speed()
        for _ in range(self._extent.rounds):
            self._fixed_rate()
        return self._collection.values

    def _write(self) -> None:
        plain, evicting = Scale(self._extent.events), Scale(self._extent.events, gap_ms=EVICTING_GAP_MS)
        for file, lines in (
            (self._plain, write_lines(plain)),
            (self._past, write_lines(Scale(self._extent.past_events))),
            (self._evicting, write_lines(evicting)),
            (self._out_of_step, out_of_step(write_lines(plain), PARTITIONS, self._extent.events // TURNS)),
            *((self._disturbed[key], disturbed(write_lines(plain), *shares)) for key, shares in DISTURBED.items()),
        ):
            self._collection.step(f"writing {file.name}")
            with file.open("wb") as out:
                out.writelines(line + b"\n" for line in lines)

    def _in_process(self) -> None:
        ordered = self._inside("batch_1024", "rate", PLAIN, self._plain)
        for key, file in self._disturbed.items():
            found = self._inside(key, "rate", PLAIN, file)
            self._collection.add(f"{key}_ordered", ratios(found, ordered))
        self._inside("batch_256", "rate", PLAIN, self._plain, 256)
        self._inside("single", "singles", PLAIN, self._plain)
        self._inside("evicting", "rate", PLAIN, self._evicting)
        self._inside("out_of_step", "rate", PLAIN, self._out_of_step)
        self._inside("detectors", "rate", WITH_DETECTORS, self._plain)

    def _keeping(self) -> None:
        """What keeping state costs, and how fast it is taken up."""
        with TemporaryDirectory(dir=self._folder) as state:
            off, on, _ = (
                self._collection.measure(kind, "keeping", kind, PLAIN, state, "--lines", self._plain)
                for kind in ("unkept", KEPT, "recovery")
            )
            self._collection.add("kept_unkept", ratios(on, off))

    def _workers(self) -> None:
        """One worker and two, of which each reads the events of its own users."""
        found = {}
        for workers in (1, 2):
            self._collection.step(f"in process: workers_{workers}")
            found[workers] = measure_workers(PLAIN, self._plain, workers)
            self._collection.add(f"workers_{workers}", found[workers])
        self._collection.add("workers_2_1", ratios(found[2], found[1]))

    def _workbench(self) -> None:
        """What the analyst's work costs: many rules, a backtest, and a pack that is changed while it runs."""
        extent, measure = self._extent, self._collection.measure
        for batch in (256, 1_024):
            measure(f"rules_{batch}", "rules_live", self._plain, batch)
        measure("rules_often", "rules_live", self._plain, 1_024, "--often")
        measure("backtest", "backtesting", self._past)
        for key, more in (("reload", ()), ("reload_windows", ("--windows",))):
            course = "--changes", extent.changes, "--rules", extent.changed_rules
            measure(key, "reload", self._past, *course, *more)
        measure("lint", "linting", extent.linted_rules)

    def _inside(self, key: str, kind: str, pack: str, file: Path, batch: int = 1_024) -> dict[str, float]:
        return self._collection.measure(key, "inprocess", kind, pack, file, batch)

    def _memory(self, key: str, file: Path) -> None:
        found = self._inside(key, "memory", PLAIN, file)
        held, events, keys = found["held_mb_100"] * 1e6, found["events_100"], found["keys_100"]
        share = held / (BYTES_OF_EVENT * events + BYTES_OF_KEY * keys)
        self._collection.add(key, {"bytes_event": held / events, "share": share})

    def _full_speed(self) -> None:
        events = self._extent.kafka_events
        with self._broker.topics("in", "dead") as (in_topic, dead_topic):
            self._collection.step(f"Kafka: writing {events:,} events")
            self._broker.fill(in_topic, write_lines(Scale(events)))
            for _ in range(self._extent.rounds):
                found = {}
                for gate in (RISKGATE, KEPT, BARE):
                    self._collection.step(f"Kafka, full speed: {gate}")
                    with (
                        self._broker.topics("out") as (out_topic,),
                        self._command(gate, in_topic, out_topic, dead_topic) as arguments,
                    ):
                        found[gate] = throughput.measure(self._broker.bootstrap, arguments, out_topic, events)
                self._collection.add("kafka", found[RISKGATE])
                self._collection.add("kafka_kept", found[KEPT])
                self._collection.add("bare", found[BARE])
                self._collection.add("kafka_bare", ratios(found[RISKGATE], found[BARE]))
                self._collection.add("kafka_kept_unkept", ratios(found[KEPT], found[RISKGATE]))

    @contextmanager
    def _command(self, gate: str, in_topic: str, out_topic: str, dead_topic: str) -> Iterator[list[str]]:
        """How the gate is started, in a fresh state directory if it keeps one."""
        ends = self._broker.bootstrap, in_topic, out_topic, dead_topic
        if gate != KEPT:
            yield command(gate, *ends)
            return
        with TemporaryDirectory(dir=self._folder) as state:
            yield [*command(RISKGATE, *ends), "--state", state]

    def _fixed_rate(self) -> None:
        warm, timed = self._extent.latency_warm, self._extent.latency_timed
        lines = list(islice(write_lines(Scale(warm + timed)), warm + timed))
        paced = latency.Paced(lines[:warm], lines[warm:])
        found = {}
        for gate in ("echo", RISKGATE, KEPT):
            self._collection.step(f"Kafka, {latency.RATE_S:,} events/s: {gate}")
            with self._broker.topics("in", "out", "dead") as topics, self._command(gate, *topics) as arguments:
                found[gate] = latency.measure(
                    self._broker, paced, topics[0], topics[1], None if gate == "echo" else arguments
                )
        self._collection.add("echo", found["echo"])
        self._collection.add("latency", found[RISKGATE])
        self._collection.add("latency_kept", found[KEPT])
        self._collection.add("latency_echo", ratios(found[RISKGATE], found["echo"]))
        self._collection.add("latency_kept_unkept", ratios(found[KEPT], found[RISKGATE]))


def steps(extent: Extent) -> int:
    """How many steps a run announces."""
    in_process, keeping, workers, full_speed, fixed_rate, workbench = 9, 3, 2, 3, 3, 7
    return 7 + 4 + 1 + workbench + (in_process + keeping + workers + full_speed + fixed_rate) * extent.rounds


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
