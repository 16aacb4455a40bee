"""What the engines that share a stream tell each other."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.coming import Coming
from engine.core import Share


class Offer(NamedTuple):
    """From an engine to all: the `number`-th of what it has read, in the pieces that are taken in at once."""

    engine: int
    number: int
    pieces: tuple[Coming, ...]


class End(NamedTuple):
    """From an engine to all, in the place of an offer: it reads no more, and if it is `stopping` nobody should."""

    engine: int
    number: int
    stopping: bool


class Rest(NamedTuple):
    """From an engine to the first: it has nothing to offer now; the next will be that `number`."""

    engine: int
    number: int


class Turn(NamedTuple):
    """From the first engine to all: what has the `turn`-th place in the order of all that was read."""

    turn: int
    engine: int
    number: int


class Shares(NamedTuple):
    """From a shard to the engine that made the offer: what it has of each of its pieces."""

    shard: int
    number: int
    pieces: tuple[Share, ...]


class Tails(NamedTuple):
    """To the engine that made the offer, from one that gave the answers to events that are repeated in it."""

    engine: int
    number: int
    tails: Mapping[int, str | None]


class Ready(NamedTuple):
    """From an engine to the first: it could change to the pack of that version; to none where that is empty."""

    engine: int
    pack: str


class Hold(NamedTuple):
    """From the first engine to all: offer nothing more until all have changed to that pack."""

    pack: str


class Held(NamedTuple):
    """From an engine to the first: it offers nothing from that `number` on."""

    engine: int
    number: int


class Change(NamedTuple):
    """From the first engine to all: the `turn`-th place in the order is that of the change to a pack."""

    turn: int
    pack: str


Message = Offer | End | Rest | Turn | Shares | Tails | Ready | Hold | Held | Change
