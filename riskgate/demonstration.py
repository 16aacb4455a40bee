"""The main job on a simulated stream: the dataflow of `riskgate run`, fed from memory and watched."""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec
import numpy as np
from rich.console import Console

import rules
from engine import Engine
from flows import (
    Arrival,
    Decider,
    FlowError,
    OutputClosedError,
    Reached,
    Stop,
    Tally,
    Verdicts,
    run,
    stopped_by_signals,
)
from riskgate.exits import EXIT_FAILED, EXIT_FINDINGS, EXIT_FINE
from riskgate.summary import Speed, print_summary
from riskgate.view import Block, Progress, View, view_for
from rules import Pack
from rules.findings import render
from schemas import Decision, Event, FilePlace, Place, Transaction
from simulator import Label, Scores, simulate, users_for

PACK = Path(rules.__file__).parent / "packs" / "game-points"
DAYS = 14


_BATCH_EVENTS = 128
_PLAIN_WIDTH = 100


class Simulation:
    """A stream of about `events` events in memory: encoded, and with the truth about each."""

    def __init__(self, seed: int, events: int) -> None:
        self.seed = seed
        self.entries: list[tuple[Event, Label | None]] = list(simulate(seed, users_for(events, DAYS), DAYS))
        encoder = msgspec.json.Encoder()
        self.raws = [encoder.encode(event) for event, _ in self.entries]
        self.transactions = {event.id: event for event, _ in self.entries if isinstance(event, Transaction)}


class _Clock:
    """When each arrival that is on its way came in, and how long those before it took."""

    def __init__(self) -> None:
        self.started_s = time.perf_counter()
        self._underway: deque[tuple[int, float]] = deque()
        self._latencies: list[tuple[int, float]] = []

    def arrive(self, events: int) -> None:
        self._underway.append((events, time.perf_counter()))

    def leave(self) -> tuple[int, float]:
        """The number of events of the arrival that is done, and the seconds since the start of the run."""
        now_s = time.perf_counter()
        events, came_s = self._underway.popleft()
        self._latencies.append((events, now_s - came_s))
        return events, now_s - self.started_s

    def speed(self, elapsed_s: float) -> Speed:
        if not self._latencies:
            return Speed(0, elapsed_s, 0.0, 0.0, 0.0)
        events, seconds = (np.array(column) for column in zip(*self._latencies, strict=True))
        p50, p99, p999 = np.percentile(np.repeat(seconds * 1000, events), (50, 99, 99.9))
        return Speed(int(events.sum()), elapsed_s, float(p50), float(p99), float(p999))


class _Feed:
    """The source: hands out the encoded events in batches."""

    def __init__(self, raws: Sequence[bytes], clock: _Clock) -> None:
        self._raws, self._clock, self._next = raws, clock, 0

    def take(self, patience_s: float) -> Arrival | None:  # noqa: ARG002
        start = self._next
        if start == len(self._raws):
            return None
        self._next = min(start + _BATCH_EVENTS, len(self._raws))
        self._clock.arrive(self._next - start)

        def place_of(index: int) -> Place:
            return FilePlace("simulation", start + index + 1)

        return Arrival(self._raws[start : self._next], place_of)

    def acknowledge(self, reached: Reached) -> None:
        """Nothing to do: a simulation is not read twice."""

    def close(self) -> None:
        """Nothing to let go of."""


class _Output(Console):
    """Whose reader may go away, as `head` does."""

    def on_broken_pipe(self) -> None:
        raise OutputClosedError("the reader of the output closed it")


class _Watch:
    """The sink: counts and shows the decisions."""

    def __init__(self, simulation: Simulation, pack: Pack, progress: Progress, view: View, clock: _Clock) -> None:
        self.scores = Scores(simulation.entries)
        self._simulation, self._progress, self._view, self._clock = simulation, progress, view, clock
        self._blocking = {rule.id for rule in pack.rules if rule.then == "block"}
        self._decode: Callable[[bytes], Decision] = msgspec.json.Decoder(Decision).decode

    def write(self, verdicts: Verdicts) -> None:
        events, elapsed_s = self._clock.leave()
        progress = self._progress
        for decision in map(self._decode, verdicts.decisions):
            self.scores.record(decision)
            progress.actions[decision.action] += 1
            if decision.action == "block":
                progress.latest.append(self._block(decision))
        last, _ = self._simulation.entries[progress.events + events - 1]
        progress.advance(events, last.timestamp_ms, elapsed_s)
        try:
            self._view.show(progress)
        except OSError as error:
            raise FlowError(f"the output cannot be written any further: {error.strerror}") from error

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        """Nothing to let go of."""

    def _block(self, decision: Decision) -> Block:
        transaction = self._simulation.transactions[decision.transaction_id]
        reason = next(reason for reason in decision.reasons if reason.rule in self._blocking)
        amount = f"{float(transaction.amount):,.2f} {transaction.currency}"
        return Block(decision.timestamp, transaction.user_id, amount, reason.rule, reason.text)


def demonstrate(simulation: Simulation, pack: Pack, view: View, stop: Stop) -> tuple[Scores, Speed]:
    """Runs the stream through the dataflow, shows it, gives the account."""
    lists = pack.entries_by_list
    decider = Decider(Engine(pack), lists, Tally())
    clock = _Clock()
    progress = Progress(f"riskgate · pack {pack.version} · seed {simulation.seed}", len(simulation.raws))
    watch = _Watch(simulation, pack, progress, view, clock)
    with view:
        run(_Feed(simulation.raws, clock), decider, watch, stop)
    return watch.scores, clock.speed(progress.elapsed_s)


def run_demo(seed: int, events: int, plain: bool) -> int:
    """Prints everything; returns the exit code."""
    console = _Output(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    loaded = rules.load(PACK)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    try:
        _show(console, loaded.pack, seed, events, plain)
    except OutputClosedError:
        return EXIT_FINE
    except FlowError as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_FAILED
    return EXIT_FINE


def _show(console: Console, pack: Pack, seed: int, events: int, plain: bool) -> None:
    stop = Stop()
    console.print(f"Simulating about {events:,} events of a wallet that buys game points, seed {seed} ...")
    simulation = Simulation(seed, events)
    console.print(f"Loading the pack {pack.version}; the first time on a machine its kernels are compiled ...")
    with stopped_by_signals(stop):
        scores, speed = demonstrate(simulation, pack, view_for(console, plain), stop)
    if stop.requested:
        console.print("Stopped early: no account of a stream that was not seen whole.")
    else:
        print_summary(console, scores, speed, pack.currency)
