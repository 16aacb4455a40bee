"""The dataflows: the only file that knows bytewax.

One worker runs `input -> decode -> decide -> output`. bytewax runs a batch through all steps before it asks for the
next one, so when the source is asked again everything it gave before is in the sink's hands.

Several workers, each a process of its own, run `messages -> receive`: bytewax carries what a worker has to say to the
worker that it is for. What is said, and what follows from it, is in `flows.workers` and `engine.sharding`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import NamedTuple

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, FixedPartitionedSink, StatefulSinkPartition, StatelessSinkPartition
from bytewax.run import cli_main

from engine import Engine, Member, Message
from flows.batches import Arrival, Sink, Source, Verdicts
from flows.decider import Decider
from flows.keeper import Keeper
from flows.lifecycle import FlowError, PeerGoneError, Stop
from flows.pump import Pump
from flows.workers import Worker
from schemas.batches import decode

_execute: Callable[..., None] = cli_main

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)

NAP = timedelta(milliseconds=1)
"""A worker that has nothing to read looks again after so long; messages wake it."""

LOOK_EVERY_S = 0.05
LAST_WORDS_S = 2.0
"""How long the dataflow may take to end once another worker is gone."""

_ONE_EPOCH = timedelta(days=36_500)
"""Epochs are for bytewax's own recovery; a new one would make all workers wait for each other."""


def run(
    source: Source,
    decider: Decider,
    sink: Sink,
    stop: Stop,
    keeper: Keeper | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Runs until the source ends, the stop is requested, or input, output or journal fails (FlowError). Closes all.

    `keeper` writes each batch down before it goes out. `progress` is called before each batch is taken, and while there
    is none; it may raise FlowError.
    """
    pump = Pump(source, sink, stop, keeper, monotonic, progress)
    flow = Dataflow("riskgate")
    arrivals = op.input("input", flow, _Input(pump))
    decoded = op.map("decode", arrivals, lambda arrival: (arrival, decode(arrival.raws)))
    verdicts = op.map("decide", decoded, lambda pair: decider.decide(*pair))
    op.output("output", verdicts, _Output(pump))
    with ExitStack() as closing:
        closing.callback(pump.close)
        closing.callback(decider.close)
        _execute(flow)
        pump.finish()


class _InputPartition(StatelessSourcePartition[Arrival]):
    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._idle = True

    def next_batch(self) -> list[Arrival]:
        arrival = self._pump.next_arrival()
        if arrival is None:
            raise StopIteration
        was_idle, self._idle = self._idle, not arrival.raws
        return [] if was_idle and self._idle else [arrival]

    def next_awake(self) -> datetime:
        """Never a pause: taking waits by itself. Without this, bytewax sleeps for 1 ms after an empty batch."""
        return _AT_ONCE


class _Input(DynamicSource[Arrival]):
    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _InputPartition:  # noqa: ARG002
        return _InputPartition(self._pump)


class _OutputPartition(StatelessSinkPartition[Verdicts]):
    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    def write_batch(self, items: list[Verdicts]) -> None:
        for verdicts in items:
            self._pump.write(verdicts)


class _Output(DynamicSink[Verdicts]):
    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _OutputPartition:  # noqa: ARG002
        return _OutputPartition(self._pump)


class Place(NamedTuple):
    """One process of a cluster: that of this number among those at `addresses`, each HOST:PORT."""

    number: int
    addresses: tuple[str, ...]


def run_together(
    place: Place,
    engine: Engine,
    member: Member,
    source: Source,
    decider: Decider,
    sink: Sink,
    stop: Stop,
    keeper: Keeper | None = None,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """As `run`, as one of several workers: until the inputs of all have ended, or one is stopped, fails or is gone.

    Waits for the others to be there. bytewax runs in a thread, since it would not hear signals while it waits; after an
    error that thread may still be there, and the process should end without waiting for it.
    """
    pump = Pump(source, sink, stop, keeper, time.monotonic, progress)
    worker = Worker(engine, member, decider, pump, stop)
    carrier = _Carrier(worker, place)
    with ExitStack() as closing:
        closing.callback(pump.close)
        closing.callback(decider.close)
        carrier.start()
        while carrier.is_alive():
            carrier.join(LOOK_EVERY_S)
            if pump.failure is not None or carrier.is_broken or (stop.requested and not carrier.is_connected):
                break
        if pump.failure is None and stop.requested and not carrier.is_connected:
            return
        if pump.failure is None:
            carrier.await_end()
        pump.finish()


class _Carrier(Thread):
    """Runs the dataflow of one worker."""

    def __init__(self, worker: Worker, place: Place) -> None:
        super().__init__(name="bytewax", daemon=True)
        self._worker = worker
        self._place = place
        self._defect: Exception | None = None
        self._end = "no reason"
        self.is_connected = False
        self.is_broken = False

    def run(self) -> None:
        flow = Dataflow("riskgate")
        messages = op.input("messages", flow, _Messages(self._worker, self))
        op.output("receive", messages, _Receivers(self._worker, self, self._place.number))
        addresses = list(self._place.addresses)
        try:
            _execute(flow, process_id=self._place.number, addresses=addresses, epoch_interval=_ONE_EPOCH)
        except BaseException as error:  # noqa: BLE001  # bytewax panics when another process is gone
            self._end = f"{error}".rpartition(": ")[2]

    @contextmanager
    def noting_defects(self) -> Iterator[None]:
        """Keeps what is raised, to raise it again where it is not taken for a panic."""
        try:
            yield
        except Exception as error:
            self._defect = error
            raise

    def dropped(self) -> None:
        """bytewax lets go of the dataflow."""
        self.is_broken = not self._worker.is_done

    def await_end(self) -> None:
        """Waits for the thread. Raises what was raised in here.

        Raises PeerGoneError if another worker is gone, FlowError if the others cannot be found.
        """
        self.join(LAST_WORDS_S)
        if self._defect is not None:
            raise self._defect
        if self._worker.is_done:
            return
        own = self._place.addresses[self._place.number]
        if not self.is_connected:
            raise FlowError(f"expected an address of this machine that is free, got `{own}`: {self._end}")
        others = [address for index, address in enumerate(self._place.addresses) if index != self._place.number]
        raise PeerGoneError(
            f"another process of the cluster is gone ({', '.join(others)}), so this one ends too; start all of them"
            " again, and they go on where they were if they keep state"
        )


class _MessagesPartition(StatelessSourcePartition[tuple[str, Message]]):
    def __init__(self, worker: Worker, carrier: _Carrier) -> None:
        self._worker = worker
        self._carrier = carrier

    def next_batch(self) -> list[tuple[str, Message]]:
        with self._carrier.noting_defects():
            messages = self._worker.next_messages()
        if self._worker.is_done and not messages:
            raise StopIteration
        return [(_name(target), message) for target, message in messages]

    def next_awake(self) -> datetime:
        return datetime.now(UTC) + NAP if self._worker.is_idle else _AT_ONCE

    def close(self) -> None:
        self._carrier.dropped()


class _Messages(DynamicSource[tuple[str, Message]]):
    def __init__(self, worker: Worker, carrier: _Carrier) -> None:
        self._worker = worker
        self._carrier = carrier

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _MessagesPartition:  # noqa: ARG002
        self._carrier.is_connected = True
        return _MessagesPartition(self._worker, self._carrier)


class _Receiver(StatefulSinkPartition[Message, None]):
    def __init__(self, worker: Worker, carrier: _Carrier) -> None:
        self._worker = worker
        self._carrier = carrier

    def write_batch(self, values: list[Message]) -> None:
        with self._carrier.noting_defects():
            self._worker.receive(values)

    def snapshot(self) -> None:
        """Nothing is left to bytewax."""


class _Receivers(FixedPartitionedSink[Message, None]):
    """Each worker has one partition of its own, so that an item is carried to the worker whose name is its key."""

    def __init__(self, worker: Worker, carrier: _Carrier, number: int) -> None:
        self._worker = worker
        self._carrier = carrier
        self._number = number

    def list_parts(self) -> list[str]:
        return [_name(self._number)]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Receiver:  # noqa: ARG002
        return _Receiver(self._worker, self._carrier)


def _name(worker: int) -> str:
    """Names sort as the workers' numbers do."""
    return f"{worker:06}"
