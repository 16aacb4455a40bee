"""One of several workers that decide a stream together: what it reads, what it is told, what it writes."""

from collections import deque
from collections.abc import Iterable, Sequence

from engine import Engine, Member, Message
from flows.batches import Arrival, Reached, Verdicts
from flows.decider import Case, Decider
from flows.entries import Delivered, Entry
from flows.lifecycle import Stop
from flows.pump import Pump
from schemas.batches import Batch, decode

IN_FLIGHT_MAX = 4
"""So many batches of a worker may be on their way: all workers are kept busy, and none has to hold more than these."""


class Worker:
    """One of several, `member` of their engines; whoever carries messages asks it for some, and hands it those that
    others have for it.

    Batches are written in the order in which they were read, and acknowledged only then. The end of one worker's input
    ends nothing; a stop of one stops all, and what is on its way is decided before.
    """

    def __init__(self, engine: Engine, member: Member, decider: Decider, pump: Pump, stop: Stop) -> None:
        self._engine = engine
        self._decider = decider
        self._pump = pump
        self._stop = stop
        self._member = member
        self._waiting: deque[tuple[Arrival, Batch, Case | None]] = deque()
        self._has_ended = False
        self._was_idle = False
        self.is_idle = False
        """Whether there was nothing to take, or no room for it, when the worker was last asked."""

    @property
    def is_done(self) -> bool:
        """Whether all workers have ended, and all that they read is decided."""
        return self._member.is_done and not self._waiting

    def next_messages(self) -> list[tuple[int, Message]]:
        """Takes what has come, if there is room, and gives what is to be carried, each with the worker it is for."""
        if self._member.stopping:
            self._stop.request()
        self.is_idle = True
        if self._has_ended or self._member.is_holding or len(self._waiting) >= IN_FLIGHT_MAX:
            self._pump.go_on()
        else:
            self._read()
        return self._outgoing()

    def receive(self, messages: Iterable[Message]) -> None:
        """Takes messages of other workers, and writes what is decided by them."""
        for message in messages:
            self._member.receive(message)
        self._write()

    def _read(self) -> None:
        arrival = self._pump.next_arrival(0.0)
        if arrival is None:
            if self._pump.failure is None:
                self._has_ended = True
                self._member.end(self._stop.requested)
            return
        self.is_idle = not arrival.raws
        was_idle, self._was_idle = self._was_idle, self.is_idle
        if self.is_idle:
            if not was_idle:
                self._member.rest()
                self._decider.rest()
            return
        batch = decode(arrival.raws)
        case = self._decider.prepare(arrival, batch)
        self._waiting.append((arrival, batch, case))
        if case is not None:
            asked, lists, unknown, profiles = case.asked, case.lists, case.unknown, case.profiles
            self._member.submit(self._engine.questions(asked, lists, unknown, arrival.arrived_ms, profiles))
        self._write()

    def _write(self) -> None:
        """Writes what is decided, in order; nothing more once that has failed."""
        while self._waiting and self._pump.failure is None:
            arrival, batch, case = self._waiting[0]
            if case is None:
                self._pump.write(self._decider.refuse(arrival, batch))
            else:
                made = self._member.take()
                if made is None:
                    return
                self._pump.write(self._decider.conclude(case, made))
            self._waiting.popleft()
            if self._pump.failure is None:
                self._member.release()

    def _outgoing(self) -> list[tuple[int, Message]]:
        messages = list(self._member.outbox) if self._pump.failure is None else []
        self._member.outbox.clear()
        return messages


class NoSource:
    """What a worker reads whose input another one reads: nothing."""

    def begin(self, reached: Reached) -> None:
        """There is no place to begin at."""

    def take(self, patience_s: float) -> Arrival | None:  # noqa: ARG002
        return None

    def acknowledge(self, reached: Reached) -> None:
        """Nothing was taken."""

    def close(self) -> None:
        """Nothing is open."""


class NoSink:
    """Where a worker writes that reads nothing: nowhere."""

    def resume(self, delivered: Delivered | None, outbox: Sequence[Entry]) -> int:  # noqa: ARG002
        return 0

    def mark(self, at_ms: int) -> Delivered:
        return Delivered(at_ms, {})

    def write(self, verdicts: Verdicts) -> None:
        """Nothing was decided here."""

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        """Nothing is open."""
