"""The dataflow `input -> decode -> decide -> output`: the only file that knows bytewax.

With one worker bytewax runs a batch through all steps before it asks for the next one, so when the source is asked
again everything it gave before is in the sink's hands.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from flows.batches import Arrival, Sink, Source, Verdicts
from flows.decider import Decider
from flows.keeper import Keeper
from flows.lifecycle import Stop
from flows.pump import Pump
from schemas.batches import decode

_execute: Callable[[Dataflow], None] = cli_main

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


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
