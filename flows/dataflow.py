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
from flows.lifecycle import FlowError, Stop
from schemas.batches import decode

ACKNOWLEDGE_EVERY_S = 1.0
"""How often the source is told that everything taken is delivered, if so it is."""

ACKNOWLEDGE_AT_LATEST_S = 3.0
"""After this long the flow waits for the deliveries under way; under full load there is always one."""

SETTLE_S = 3.0
"""How long deliveries may take when the flow has to wait for them."""

_execute: Callable[[Dataflow], None] = cli_main

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


def run(
    source: Source,
    decider: Decider,
    sink: Sink,
    stop: Stop,
    monotonic: Callable[[], float] = time.monotonic,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Runs until the source ends, the stop is requested, or input or output fails (FlowError). Closes all three.

    `progress` is called before each batch is taken, and while there is none; it may raise FlowError.
    """
    pump = _Pump(source, sink, stop, monotonic, progress)
    flow = Dataflow("riskgate")
    arrivals = op.input("input", flow, _Input(pump))
    decoded = op.map("decode", arrivals, lambda arrival: (arrival, decode(arrival.raws)))
    verdicts = op.map("decide", decoded, lambda pair: decider.decide(*pair))
    op.output("output", verdicts, _Output(pump))
    with ExitStack() as closing:
        closing.callback(sink.close)
        closing.callback(source.close)
        closing.callback(decider.close)
        _execute(flow)
        pump.finish()


class _Pump:
    """What the two ends share. A failure ends the flow from here: raised inside it, bytewax would print a panic."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        stop: Stop,
        monotonic: Callable[[], float],
        progress: Callable[[], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._stop = stop
        self._monotonic = monotonic
        self._progress = progress
        self._acknowledged_s = monotonic()
        self._moved = False
        self._failure: FlowError | None = None

    def next_arrival(self) -> Arrival | None:
        """None at the end. An arrival without events comes once when the source falls silent."""
        if self._stop.requested or self._failure is not None:
            return None
        try:
            self._progress()
            self._acknowledge()
            return self._source.take()
        except FlowError as error:
            self._failure = error
            return None

    def write(self, verdicts: Verdicts) -> None:
        if self._failure is None:
            try:
                self._sink.write(verdicts)
            except FlowError as error:
                self._failure = error

    def _acknowledge(self) -> None:
        elapsed_s = self._monotonic() - self._acknowledged_s
        if elapsed_s < ACKNOWLEDGE_EVERY_S:
            return
        if self._sink.settle(SETTLE_S if elapsed_s >= ACKNOWLEDGE_AT_LATEST_S else 0.0):
            self._source.acknowledge()
            self._acknowledged_s = self._monotonic()

    def finish(self) -> None:
        """Waits for deliveries and acknowledges them, or raises what ended the flow."""
        if self._failure is not None:
            raise self._failure
        if not self._sink.settle(SETTLE_S):
            raise FlowError(
                f"the output did not take everything within {SETTLE_S:.0f} s; events whose decisions were not delivered"
                " are not acknowledged and will be decided again by the next run"
            )
        self._source.acknowledge()


class _InputPartition(StatelessSourcePartition[Arrival]):
    def __init__(self, pump: _Pump) -> None:
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
    def __init__(self, pump: _Pump) -> None:
        self._pump = pump

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _InputPartition:  # noqa: ARG002
        return _InputPartition(self._pump)


class _OutputPartition(StatelessSinkPartition[Verdicts]):
    def __init__(self, pump: _Pump) -> None:
        self._pump = pump

    def write_batch(self, items: list[Verdicts]) -> None:
        for verdicts in items:
            self._pump.write(verdicts)


class _Output(DynamicSink[Verdicts]):
    def __init__(self, pump: _Pump) -> None:
        self._pump = pump

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _OutputPartition:  # noqa: ARG002
        return _OutputPartition(self._pump)
