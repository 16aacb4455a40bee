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

PATIENCE_S = 0.1
"""How long a source is waited for that has nothing."""

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
        self._written: dict[str, int] = {}
        self.failure: FlowError | None = None

    def next_arrival(self, patience_s: float = PATIENCE_S) -> Arrival | None:
        """What the source has after that long at most, without events if it has nothing; None at the end."""
        if self._stop.requested or not self.go_on():
            return None
        try:
            return self._source.take(patience_s)
        except FlowError as error:
            self.failure = error
            return None

    def go_on(self) -> bool:
        """Sees to what is due now and then, also when nothing is to be taken; False where the flow has failed."""
        if self.failure is None:
            try:
                if self._keeper is not None:
                    self._keeper.begin()
                self._progress()
                self._acknowledge()
            except FlowError as error:
                self.failure = error
        return self.failure is None

    def write(self, verdicts: Verdicts) -> None:
        if self.failure is None:
            try:
                if self._keeper is not None:
                    self._keeper.keep(verdicts)
                self._sink.write(verdicts)
                self._written.update(verdicts.reached)
            except FlowError as error:
                self.failure = error

    def _acknowledge(self) -> None:
        elapsed_s = self._monotonic() - self._acknowledged_s
        if elapsed_s < ACKNOWLEDGE_EVERY_S:
            return
        if self._sink.settle(SETTLE_S if elapsed_s >= ACKNOWLEDGE_AT_LATEST_S else 0.0):
            self._source.acknowledge(self._written if self._keeper is None else self._keeper.delivered())
            self._acknowledged_s = self._monotonic()

    def finish(self) -> None:
        """Waits for deliveries and acknowledges them, or raises what ended the flow."""
        if self.failure is not None:
            raise self.failure
        if not self._sink.settle(SETTLE_S):
            raise FlowError(
                f"the output did not take everything within {SETTLE_S:.0f} s; events whose decisions were not delivered"
                " are not acknowledged and will be decided again by the next run"
            )
        if self._keeper is None:
            self._source.acknowledge(self._written)
        else:
            self._keeper.begin()
            self._keeper.delivered()
            self._source.acknowledge(self._keeper.last())

    def close(self) -> None:
        """Lets go of both ends and the journal, whatever happens. Raises FlowError."""
        with ExitStack() as closing:
            if self._keeper is not None:
                closing.callback(self._keeper.close)
            closing.callback(self._sink.close)
            closing.callback(self._source.close)
