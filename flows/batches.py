"""What travels through the dataflow: batches, in order, and never single events."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas import DeadLetter, Place


class Arrival(NamedTuple):
    """The events that had come when a source was asked: none, or as many as there were, up to the source's limit.

    `place_of` tells where the event at an index came from. `cut_bytes` holds, for an event that was too long to keep
    whole, its true length.
    """

    raws: Sequence[bytes]
    place_of: Callable[[int], Place]
    cut_bytes: Mapping[int, int] = {}


class Verdicts(NamedTuple):
    """What became of one arrival: encoded decisions in the order of their events, and what could not be read."""

    decisions: list[bytes]
    dead_letters: list[DeadLetter]


class Source(Protocol):
    """Where events come from. Used by one thread."""

    def take(self) -> Arrival | None:
        """What has come, after a short wait when there is nothing; None when there will be no more."""

    def acknowledge(self) -> None:
        """Everything taken so far is decided and delivered: it need not be read again."""

    def close(self) -> None:
        """Lets go of the input."""


class Sink(Protocol):
    """Where decisions and dead letters go. Used by one thread."""

    def write(self, verdicts: Verdicts) -> None:
        """Takes charge of delivering them."""

    def settle(self, timeout_s: float) -> bool:
        """Whether everything written is delivered, after waiting for it for at most that long."""

    def close(self) -> None:
        """Lets go of the output."""
