"""Workers in one process over simulated topics: they are killed at random, and go on in another number, by one seed."""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine import Engine, Member, Message, signature_of
from flows import Arrival, Decider, Delivered, Entry, Pump, Reached, Stop, Tally, Verdicts, Worker, resume
from journal import Identity, StateDirectory
from rules import Pack
from schemas import FilePlace, Place
from support.streams import NOW_MS
from windows.store import MEMORY_MIN

Partitions = Sequence[Sequence[bytes]]


class Killed(Exception):
    """The process is no more."""


@dataclass
class Topic:
    """What all workers together have delivered."""

    decisions: list[bytes] = field(default_factory=list)
    dead_letters: int = 0


class Reader:
    """Reads every partition whose number leaves `number` when divided by `workers`, a few events at a time."""

    def __init__(self, partitions: Partitions, number: int, workers: int, draw: random.Random) -> None:
        self._partitions = partitions
        self._own = range(number, len(partitions), workers)
        self._draw = draw
        self._next = dict.fromkeys(self._own, 0)
        self.acknowledged: dict[str, int] = {}

    def begin(self, reached: Reached) -> None:
        self._next = {partition: reached.get(str(partition), 0) for partition in self._own}

    def take(self, patience_s: float) -> Arrival | None:  # noqa: ARG002
        left = [each for each in self._own if self._next[each] < len(self._partitions[each])]
        if not left:
            return None
        partition, count = self._draw.choice(left), self._draw.choice((1, 3, 10))
        start = self._next[partition]
        raws = self._partitions[partition][start : start + count]
        self._next[partition] = start + len(raws)

        def place_of(index: int) -> Place:
            return FilePlace(f"partition {partition}", start + index + 1)

        return Arrival(raws, place_of, {}, {str(partition): start + len(raws)}, NOW_MS)

    def acknowledge(self, reached: Reached) -> None:
        self.acknowledged.update(reached)

    def close(self) -> None:
        """Nothing is open."""


class Writer:
    """Delivers late and, when it is killed, not everything."""

    def __init__(self, topic: Topic, draw: random.Random) -> None:
        self._topic = topic
        self._draw = draw
        self._waiting: list[Verdicts] = []
        self.kill_at = -1

    def resume(self, delivered: Delivered | None, outbox: Sequence[Entry]) -> int:
        if delivered is None:
            assert not outbox
        found, again = Counter(self._topic.decisions), 0
        for entry in outbox:
            for decision in entry.decisions():
                if found[decision]:
                    found[decision] -= 1
                else:
                    self._topic.decisions.append(decision)
                    again += 1
        return again

    def write(self, verdicts: Verdicts) -> None:
        self.kill_at -= 1
        if self.kill_at == 0:
            raise Killed
        self._waiting.append(verdicts)

    def settle(self, timeout_s: float) -> bool:
        while self._waiting and (timeout_s or self._draw.random() < 0.5):
            self._deliver(self._waiting.pop(0))
        return not self._waiting

    def _deliver(self, verdicts: Verdicts) -> None:
        self._topic.decisions += verdicts.decisions
        self._topic.dead_letters += len(verdicts.dead_letters)

    def die(self) -> None:
        """Some of what was under way arrives."""
        for verdicts in self._waiting:
            if self._draw.random() < 0.5:
                self._deliver(verdicts)
        self._waiting.clear()

    def mark(self, at_ms: int) -> Delivered:
        return Delivered(at_ms, {})

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Life:
    """One run of so many workers: `messages` are carried in a random order, but never overtake those before them."""

    pack: Pack
    folder: Path
    partitions: Partitions
    topic: Topic
    workers: int
    draw: random.Random
    clock_s: float = 0.0

    def run(self, kill_after: int) -> bool:
        """Whether the run came to its end; it is killed after so many steps, or within a write soon after."""
        with ExitStack() as closing:
            self._start(closing)
            with suppress(Killed):
                self._carry_on(kill_after)
                return True
            for writer in self._writers:
                writer.die()
            return False

    def _start(self, closing: ExitStack) -> None:
        self._team: list[Worker] = []
        self._pumps: list[Pump] = []
        self._writers: list[Writer] = []
        identity = Identity(self.pack.name, signature_of(self.pack))
        for number in range(self.workers):
            state = StateDirectory.open(self.folder, identity, lambda: bytes(16), slots=(number,), workers=self.workers)
            closing.callback(state.close)
            engine = Engine(self.pack, memory_bytes=MEMORY_MIN, shard=number, shards=self.workers)
            reader = Reader(self.partitions, number, self.workers, self.draw)
            writer, stop = Writer(self.topic, self.draw), Stop()
            keeper = resume(state, number, engine, reader, writer, lambda: NOW_MS, lambda _done, _all: None).keeper
            closing.callback(keeper.close)
            pump = Pump(reader, writer, stop, keeper, self._monotonic, lambda: None)
            decider = Decider(engine, {}, Tally())
            self._team.append(Worker(engine, Member(engine, number, self.workers), decider, pump, stop))
            self._pumps.append(pump)
            self._writers.append(writer)

    def _monotonic(self) -> float:
        self.clock_s += 0.05
        return self.clock_s

    def _carry_on(self, kill_after: int) -> None:
        carried: list[tuple[int, int, Message]] = []
        while not all(worker.is_done for worker in self._team) or carried:
            kill_after -= 1
            if kill_after == 0:
                if self.draw.random() < 0.5:
                    raise Killed
                self.draw.choice(self._writers).kill_at = 1
            number = self.draw.randrange(self.workers)
            worker = self._team[number]
            if not worker.is_done:
                carried += [(number, target, message) for target, message in worker.next_messages()]
            for _ in range(self.draw.randrange(4)):
                self._deliver_one(carried)
        for pump in self._pumps:
            pump.finish()

    def _deliver_one(self, carried: list[tuple[int, int, Message]]) -> None:
        """Between two workers nothing is overtaken, as on a connection."""
        if not carried:
            return
        sender, target, _ = self.draw.choice(carried)
        at = next(at for at, each in enumerate(carried) if each[:2] == (sender, target))
        _, _, message = carried.pop(at)
        self._team[target].receive([message])
