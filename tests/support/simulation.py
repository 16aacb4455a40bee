"""A whole life of riskgate by one seed: a pack, a stream, batches, crashes, power failures, full disks, slow sinks.

`python -m support.simulation SEED` replays a seed, `python -m support.simulation` goes on for ever from a random one.
The product is what runs: pump, decider, engine, keeper, journal, and the real ends. Simulated are the clock, the
system's calls for files, and a broker. See `support.verdicts` for what must hold in the end.
"""

import itertools
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import flows.files
import flows.keeper
import journal.writer
from engine import Engine, signature_of
from flows import (
    Decider,
    FlowError,
    LastingSink,
    LastingSource,
    LineSink,
    LineSource,
    Pump,
    Reached,
    Stop,
    Tally,
    resume,
)
from flows.kafka import KafkaSink, KafkaSource, Topics, Trouble, read_settings
from journal import Identity, StateDirectory, StateError
from rules import Pack
from schemas.batches import decode
from support.engine_oracle import EngineOracle
from support.fate import Clock, Crash, Fate, Trace, replaced
from support.history import Failure, History, Undisturbed, compare_files, compare_oracle, compare_topics
from support.random_breakers import with_breakers
from support.random_packs import LIST_FILES, NOW_MS, random_lists, random_pack
from support.rule_packs import sound_pack
from support.simulated_broker import Broker
from support.simulated_disk import Disk
from support.simulated_stream import simulated_stream
from windows.store import MEMORY_MIN

LIVES_MAX = 12
"""So many processes may have trouble; the next one has none."""

PATIENCE_S = 120.0
"""So long a calm process may need, in simulated time, without anything coming to an end."""

IN, OUT, DEAD, AUDIT = "in", "out", "dead", "audit"
BATCHES_MAX = 20_000


MONTH_MS = 30 * 86_400_000
TELL_EVERY_S = 10.0
ORACLE_MAX = 100
"""So many events the oracle can be asked about; it looks at all of the past for each."""


class Outcome(NamedTuple):
    """What happened, for the record; `digest` is of all that happened."""

    seed: int
    digest: str
    events: int
    ends: Counter[str]


class Syncer:
    """Stands for the keeper's thread: runs what it was given when the simulation lets it."""

    def __init__(self, *_: object) -> None:
        self._waiting: tuple[Future[None], Callable[[], None]] | None = None

    def submit(self, work: Callable[[], None]) -> "Future[None]":
        self._waiting = Future(), work
        return self._waiting[0]

    def run(self) -> bool:
        """Whether there was something to do, and it was done."""
        if self._waiting is None:
            return False
        (future, work), self._waiting = self._waiting, None
        try:
            future.set_result(work())
        except StateError as error:
            future.set_exception(error)
            return False
        return True

    def shutdown(self) -> None:
        self.run()


class Simulation:
    """One seed's world, in `folder`, which is empty."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.draw = random.Random(seed)
        self.seed = seed
        self.trace = Trace()
        self.clock = Clock(NOW_MS)
        self.ends: Counter[str] = Counter()
        draw = self.draw
        self._work = folder / "work"
        self._work.mkdir()
        self.on_topics = draw.random() < 0.5
        self.partitions = draw.choice((1, 1, 2, 4)) if self.on_topics else 1
        self.stream = simulated_stream(draw, draw.choice((20, 60, 150, 400)), self.partitions)
        text = random_pack(draw, scores=draw.random() < 0.4)
        if draw.random() < 0.4:
            text = with_breakers(draw, text)
        self._has_power_failures = draw.random() < 0.7
        if self.on_topics:  # a decision that is found in a topic may hide another one of its id for some time
            text = replace(text, dedupe_ms=MONTH_MS)
        self.pack: Pack = sound_pack(folder / "pack", text.body, LIST_FILES)
        self._text = text
        self._lists = {name: entries or {} for name, entries in random_lists(draw).items()}
        self._disk = Disk(self._work, draw, self.trace)
        self._broker = Broker(
            draw, self.clock, self.trace, {IN: self.partitions, OUT: draw.choice((1, 3)), DEAD: 1, AUDIT: 1}
        )
        self._broker.coming = [(IN, each.partition, each.raw, each.at_ms) for each in self.stream]
        self._state = self._work / "state"
        self._input = folder / "events"
        self._input.write_bytes(b"".join(each.raw + b"\n" for each in self.stream))
        self._files = [str(self._work / name) for name in (OUT, DEAD, AUDIT)]
        self._keys = random.Random(draw.random())
        self.history = History()

    def run(self) -> Outcome:
        """Raises Failure where something does not hold."""
        token_bytes = self._keys.randbytes
        sizes = self.draw.choice((300, 3_000, 30_000))
        segments = self.draw.choice((2_000, 20_000, 1 << 26))
        with replaced(
            (secrets, "token_bytes", token_bytes),
            (flows.keeper, "ThreadPoolExecutor", Syncer),
            (flows.files, "READ_BYTES", sizes),
            (journal.writer, "SEGMENT_BYTES", segments),
            *self._broker.replacements(),
        ):
            for life in range(LIVES_MAX + 1):
                calm = life == LIVES_MAX or self.draw.random() < 0.1
                end = self._live(calm)
                self.ends[end] += 1
                self.trace.note("end", end)
                if end == "done":
                    break
                if self._has_power_failures and self.draw.random() < 0.5:
                    self._fail_power()
                self.clock.pass_s(self.draw.choice((0.0, 0.0, 10.0)))
                if self.draw.random() < 0.2:
                    self.clock.set_back()
            else:
                raise Failure("a life without trouble did not come to the end of its input")
        self._judge()
        return Outcome(self.seed, self.trace.digest, len(self.stream), self.ends)

    def _fail_power(self) -> None:
        self.trace.note("power fails")
        self.ends["power"] += 1
        self.history.power_failed()
        self._disk.fail_power()

    def _live(self, calm: bool) -> str:
        """One process, and how it ended."""
        self._fate = self._broker.fate = Fate(self.draw, self.trace, calm=calm)
        self._broker.troubled = not calm and self.draw.random() < 0.4
        with self._disk.used(self._fate):
            try:
                return self._process(calm)
            except Crash:
                return "crash"
            except (FlowError, StateError) as error:
                self.trace.note("failed", str(error).replace(str(self._work), ""))
                if not (
                    self._fate.disk_failed or "did not take everything" in str(error) or "stopped while" in str(error)
                ):
                    raise Failure(f"a process ended without cause: {error}") from error
                return "failed"
            finally:
                self._fate.dead = True
                self._broker.end_process()

    def _process(self, calm: bool) -> str:
        """In the order of `riskgate.running`."""
        stop, syncers = Stop(), list[Syncer]()
        identity = Identity(self.pack.name, signature_of(self.pack))
        with ExitStack() as closing:
            state = StateDirectory.open(self._state, identity, lambda: secrets.token_bytes(16), slots=(0,), workers=1)
            closing.callback(state.close)
            source, sink = self._open_ends(stop)
            engine = Engine(self.pack, hash_key=state.hash_key, memory_bytes=MEMORY_MIN)

            def syncer(*_: object) -> Syncer:
                syncers.append(Syncer())
                return syncers[-1]

            with replaced((flows.keeper, "ThreadPoolExecutor", syncer)):
                resumed = resume(state, 0, engine, source, sink, self.clock.now_ms, lambda _done, _all: None)
            self.trace.note("took up", resumed.again, engine.held)
            decider = Decider(engine, self._lists, Tally())
            pump = Pump(source, sink, stop, resumed.keeper, self.clock.monotonic, lambda: None)
            closing.callback(pump.close)
            return self._pump(pump, decider, stop, syncers[0], calm)

    def _pump(self, pump: Pump, decider: Decider, stop: Stop, syncer: Syncer, calm: bool) -> str:
        stops_after = BATCHES_MAX if calm or self.draw.random() < 0.5 else self.draw.randint(0, 25)
        patience_s = self.draw.choice((0.0, 0.3, 2.0))
        begun_s = self.clock.monotonic()
        for number in range(BATCHES_MAX):
            if number == stops_after or (self.on_topics and self._is_through()):
                stop.request()
            if self.draw.random() < 0.4 and syncer.run():
                self.history.synced()
            arrival = pump.next_arrival()
            if arrival is None:
                break
            if arrival.raws:
                self.trace.note("arrived", len(arrival.raws))
                verdicts = decider.decide(arrival, decode(arrival.raws))
                self.history.coming(arrival, verdicts)
                pump.write(verdicts)
                self.history.came(not self._fate.disk_failed)
            self.clock.pass_s(self.draw.uniform(0, patience_s))
        else:
            raise Failure(f"no end in {self.clock.monotonic() - begun_s} s")
        pump.finish()
        return "done" if self._is_through() else "stopped"

    def _is_through(self) -> bool:
        return self.history.count == len(self.stream)

    def _open_ends(self, stop: Stop) -> tuple[LastingSource, LastingSink]:
        if not self.on_topics:
            decisions, dead, audit = self._files
            sink = LineSink(decisions, dead, self.trace.note, audit, appending=True)
            return _noting(LineSource(str(self._input)), self.history), sink
        trouble = Trouble("simulated", lambda _line: None, str, self.clock.monotonic)
        settings, monotonic = read_settings(), self.clock.monotonic
        topic_sink = KafkaSink("simulated", Topics(OUT, DEAD, AUDIT), settings, trouble, stop, monotonic)
        source = KafkaSource(
            "simulated", IN, "group", settings, topic_sink.settle, trouble, "instance", self.clock.now_ms, monotonic
        )
        return _noting(source, self.history), topic_sink

    def _judge(self) -> None:
        arrivals = self.history.arrivals
        expected = Undisturbed(self.pack, self._lists, self.draw).of(arrivals)
        if len(self.stream) <= ORACLE_MAX:
            compare_oracle(expected, EngineOracle(self._text, self.pack.version, self._lists), arrivals)
        self.history.is_whole([each.raw for each in self.stream], self._broker.topics[IN] if self.on_topics else None)
        if self.on_topics:
            values = [self._broker.values(topic) for topic in (OUT, DEAD, AUDIT)]
            compare_topics(expected, values, self.history)
        else:
            compare_files(expected, [Path(path).read_bytes() for path in self._files])


def _noting(source: LastingSource, history: History) -> LastingSource:
    """The source, whose beginning the history hears of."""
    begin = source.begin

    def noted(reached: Reached) -> None:
        history.begun(reached)
        begin(reached)

    source.begin = noted  # type: ignore[method-assign]
    return source


def simulate(seed: int) -> Outcome:
    """Lives through one seed. Raises Failure, which says how to replay it."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        simulation = Simulation(seed, Path(folder))
        try:
            return simulation.run()
        except Exception as error:
            told = "\n".join(simulation.trace.lines[-30:])
            raise Failure(f"seed {seed}: {error}\nreplay it: make soak SEED={seed}\n{told}") from error


def _memory() -> str | None:
    """A folder in memory, where there is one: syncing costs nothing there."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def soak(seeds: Iterable[int]) -> None:
    """Lives through the seeds, telling now and then how many; ends at the first that fails, with its Failure."""
    begun_s, told_s, ends, count = time.monotonic(), time.monotonic(), Counter[str](), 0
    for seed in seeds:
        ends += simulate(seed).ends
        count += 1
        now_s = time.monotonic()
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            print(f"seed {seed}: {count:,} seeds, {count / (now_s - begun_s):.1f} a second, {dict(ends)}", flush=True)
    print(f"{count:,} seeds without a failure, {dict(ends)}", flush=True)


def main() -> None:
    """The seeds that are named, or all from a random one on."""
    named = list(map(int, sys.argv[1:]))
    try:
        soak(named or itertools.count(random.SystemRandom().randrange(1 << 40)))
    except Failure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
