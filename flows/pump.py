"""The pump: drives batches from a source to a sink by whatever calls it, be it bytewax or a simulation."""

from collections.abc import Callable
from contextlib import ExitStack

from flows.batches import Arrival, Sink, Source, Verdicts
from flows.keeper import Keeper
from flows.lifecycle import FlowError, Stop

ACKNOWLEDGE_EVERY_S = 1.0
"""How often the source is told that everything taken is delivered, if so it is."""

ACKNOWLEDGE_AT_LATEST_S = 3.0
"""After this long the flow waits for the deliveries under way; under full load there is always one."""

SETTLE_S = 3.0
"""How long deliveries may take when the flow has to wait for them."""


class Pump:
    """What the two ends of a dataflow share: take, keep, write and acknowledge, in the order that loses nothing.

    A failure ends the flow from here: `next_arrival` gives None, and `finish` raises it.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        stop: Stop,
        keeper: Keeper | None,
        monotonic: Callable[[], float],
        progress: Callable[[], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._stop = stop
        self._keeper = keeper
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
                if self._keeper is not None:
                    self._keeper.keep(verdicts)
                self._sink.write(verdicts)
            except FlowError as error:
                self._failure = error

    def _acknowledge(self) -> None:
        elapsed_s = self._monotonic() - self._acknowledged_s
        if elapsed_s < ACKNOWLEDGE_EVERY_S:
            return
        if self._sink.settle(SETTLE_S if elapsed_s >= ACKNOWLEDGE_AT_LATEST_S else 0.0):
            self._source.acknowledge(None if self._keeper is None else self._keeper.delivered())
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
        if self._keeper is None:
            self._source.acknowledge(None)
        else:
            self._keeper.delivered()
            self._source.acknowledge(self._keeper.last())

    def close(self) -> None:
        """Lets go of both ends and the journal, whatever happens. Raises FlowError."""
        with ExitStack() as closing:
            if self._keeper is not None:
                closing.callback(self._keeper.close)
            closing.callback(self._sink.close)
            closing.callback(self._source.close)
