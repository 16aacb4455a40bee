"""How much faster two workers are than one: the whole flow but its ends, from bytes in memory to decisions counted.

`python -m benchmarks.workers PACK FILE WORKERS` prints the figures as JSON. Each worker is a process that reads the
events of its own users. All read about as many: how evenly a hash deals out users is not what is measured here.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from socket import create_server
from typing import NamedTuple

import msgspec

from benchmarks.inprocess import BATCH, Run, decide
from benchmarks.variants import load
from engine import Engine, Member
from flows import Arrival, Decider, Place, Reached, Stop, Tally, Verdicts, run, run_together
from schemas import FilePlace

COLLECT_EVERY = 100_000
"""As `riskgate run` has it."""

Figures = dict[str, float]


class Took(NamedTuple):
    """What one worker did, in seconds of the clock that all processes share, and of its own CPU."""

    events: int
    decisions: int
    began_s: float
    ended_s: float
    cpu_s: float


class Memory:
    """Hands out events that were read before, and notes when the first and the last of them were taken and decided."""

    def __init__(self, raws: Sequence[bytes]) -> None:
        self._raws = raws
        self._next = 0
        self.decisions = 0
        self.began_s = self.ended_s = self.cpu_s = 0.0

    def take(self, patience_s: float) -> Arrival | None:  # noqa: ARG002
        if not self._next:
            self.began_s, self.cpu_s = time.monotonic(), -time.process_time()
        start = self._next
        if start >= len(self._raws):
            return None
        self._next += BATCH
        return Arrival(self._raws[start : self._next], lambda index: FilePlace("memory", start + index))

    def acknowledge(self, reached: Reached) -> None:
        """Nothing to do."""

    def write(self, verdicts: Verdicts) -> None:
        self.decisions += len(verdicts.decisions)
        self.ended_s = time.monotonic()

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        """Nothing is open."""


def work(pack: str, file: Path, place: Place) -> Took:
    """Decides what falls to the worker at that place."""
    loaded, count = load(pack), len(place.addresses)
    with file.open("rb") as lines:
        raws = [line.rstrip() for line in lines]
    own = dealt(raws, count)[place.number]
    _warm_up(Run(loaded, file, BATCH), count)
    memory, stop = Memory(own), Stop()
    engine = Engine(loaded, shard=place.number, shards=count)
    decider = Decider(engine, {}, Tally())
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 50, 1_000)
    if count == 1:
        run(memory, decider, memory, stop)
    else:
        member = Member(engine, place.number, count)
        run_together(place, engine, member, memory, decider, memory, stop)
    memory.cpu_s += time.process_time()
    return Took(len(own), memory.decisions, memory.began_s, memory.ended_s, memory.cpu_s)


class _User(msgspec.Struct):
    user_id: str


def dealt(raws: Sequence[bytes], count: int) -> list[list[bytes]]:
    """The events by worker: a user who comes for the first time falls to the worker that has fewest so far."""
    own: list[list[bytes]] = [[] for _ in range(count)]
    of_user: dict[str, list[bytes]] = {}
    decode = msgspec.json.Decoder(_User).decode
    for raw in raws:
        of_user.setdefault(decode(raw).user_id, min(own, key=len)).append(raw)
    return own


def _warm_up(run: Run, workers: int) -> None:
    """Has an engine for each worker, which are thrown away, decide all.

    Memory that a virtual machine uses for the first time comes at 2 ms a megabyte, since its host has to find it: more
    than all windows cost. Afterwards it is there, for all processes at once.
    """
    engines = [Engine(run.pack) for _ in range(workers)]
    for raws in run.batches():
        for engine in engines:
            decide(engine, raws)


def measure(pack: str, file: Path, workers: int) -> Figures:
    """CPU time of all workers by event, and events a second by the clock."""
    with ExitStack() as closing:
        sockets = [closing.enter_context(create_server(("127.0.0.1", 0))) for _ in range(workers)]
        addresses = ",".join(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    arguments = [sys.executable, "-m", "benchmarks.workers", pack, str(file), str(workers)]
    processes = [
        subprocess.Popen([*arguments, "--process", str(number), "--addresses", addresses], stdout=subprocess.PIPE)
        for number in range(workers)
    ]
    said = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError("a worker failed")
    took = [Took(*json.loads(each.splitlines()[-1])) for each in said]
    events = sum(each.events for each in took)
    if sum(each.decisions for each in took) != events:
        raise RuntimeError(f"expected {events} decisions, got {sum(each.decisions for each in took)}")
    wall_s = max(each.ended_s for each in took) - min(each.began_s for each in took)
    return {"cpu_us": sum(each.cpu_s for each in took) / events * 1e6, "events_s": events / wall_s}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("pack")
    parser.add_argument("file", type=Path)
    parser.add_argument("workers", type=int)
    parser.add_argument("--process", type=int)
    parser.add_argument("--addresses", default="")
    chosen = parser.parse_args()
    if chosen.process is None:
        print(json.dumps(measure(chosen.pack, chosen.file, chosen.workers)))
    else:
        place = Place(chosen.process, tuple(chosen.addresses.split(",")))
        print("\n" + json.dumps(work(chosen.pack, chosen.file, place)))


if __name__ == "__main__":
    main()
