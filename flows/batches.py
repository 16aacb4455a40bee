"""What travels through the dataflow: batches, in order, and never single events."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from engine import Piece
from flows.entries import Delivered, Entry
from schemas import AuditEvent, DeadLetter, DemotionEvent, Place

Reached = Mapping[str, int]
"""How far each part of the input has been read, by the part's name."""


NOWHERE: Reached = {}


class Arrival(NamedTuple):
    """The events that had come when a source was asked: none, or as many as there were, up to the source's limit.

    `place_of` tells where the event at an index came from. `cut_bytes` holds, for an event that was too long to keep
    whole, its true length. `reached` is where the source stands behind them, as far as it can begin there again.
    `arrived_ms` is when they came, in epoch milliseconds, where their source is one that tells.
    """

    raws: Sequence[bytes]
    place_of: Callable[[int], Place]
    cut_bytes: Mapping[int, int] = {}
    reached: Reached = NOWHERE
    arrived_ms: int | None = None


class Verdicts(NamedTuple):
    """What became of one arrival.

    `decisions` are encoded, in the order of their events. `pieces` are how the engine came to them, if it did.
    """

    decisions: list[bytes]
    dead_letters: list[DeadLetter]
    audits: Sequence[AuditEvent | DemotionEvent] = ()
    pieces: tuple[Piece, ...] = ()
    reached: Reached = NOWHERE


class Source(Protocol):
    """Where events come from. Used by one thread."""

    def take(self, patience_s: float) -> Arrival | None:
        """What has come, after a wait for at most about that long when there is nothing; None at the end of it all."""

    def acknowledge(self, reached: Reached) -> None:
        """All that was taken up to there is decided and delivered, and need not be read again."""

    def close(self) -> None:
        """Lets go of the input."""


class LastingSource(Source, Protocol):
    """A source that can go on where an earlier run left it."""

    def begin(self, reached: Reached) -> None:
        """Called once before anything is taken: what was taken in an earlier run need not be given again.

        Raises FlowError where the input is not the one that was read then.
        """


class Sink(Protocol):
    """Where decisions, dead letters and audit events go. Used by one thread."""

    def write(self, verdicts: Verdicts) -> None:
        """Takes charge of delivering them."""

    def settle(self, timeout_s: float) -> bool:
        """Whether everything written is delivered, after waiting for it for at most that long."""

    def close(self) -> None:
        """Lets go of the output."""


class LastingSink(Sink, Protocol):
    """A sink that can go on where an earlier run left it."""

    def resume(self, delivered: Delivered | None, outbox: Sequence[Entry]) -> int:
        """Called once before anything is written, if state is kept: `outbox` was given out after the mark `delivered`,
        and may have arrived or not. There is no mark before the first run.

        Sees to it that it has, once, and returns how many decisions had to be given out again. Raises FlowError where
        the output is not the one that was written then.
        """

    def mark(self, at_ms: int) -> Delivered:
        """A mark that all that was written has been delivered, at `at_ms`: what `resume` is given after a crash."""
