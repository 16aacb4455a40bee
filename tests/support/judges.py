"""The simplest judge that flows can be run with: it allows every transaction."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from engine import Piece, Trip
from flows.recall import as_duplicate
from schemas import Decision, Event, Origin, Transaction
from schemas.batches import Batch


class Judged(NamedTuple):
    positions: list[int]
    encoded: list[bytes]
    actions: list[str]
    repeated: list[int]
    conflicting: list[int] = []  # noqa: RUF012
    unmatched: int = 0
    pieces: tuple[Piece, ...] = ()
    tripped: tuple[Trip, ...] = ()


class AllowAll:
    """Says how many events it was given at a time, and what it was told of lists, the unknown and when they came.

    It knows an event that comes again by its id alone.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.lists: Mapping[str, Mapping[str, int]] = {}
        self.unknown: tuple[str, ...] = ()
        self.arrived_ms: int | None = None
        self.facts: tuple[str, ...] = ()
        self.profiles: Mapping[str, Mapping[str, str]] = {}
        self._made: dict[str, bytes] = {}

    def knows(self, batch: Batch) -> list[bool]:
        return [_name_of(event) in self._made for event in batch.events]

    def decide(
        self,
        batch: Batch,
        lists: Mapping[str, Mapping[str, int]],
        unknown: tuple[str, ...] = (),
        arrived_ms: int | None = None,
        profiles: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> Judged:
        self.lists, self.unknown, self.arrived_ms, self.profiles = lists, unknown, arrived_ms, profiles
        answers: dict[int, bytes] = {}
        repeated = []
        for at, event in enumerate(batch.events):
            name = _name_of(event)
            if name in self._made:
                repeated.append(at)
                answers[at] = as_duplicate(self._made[name]) if self._made[name] else b""
            else:
                answers[at] = self._made[name] = _allowed(event, int(batch.timestamp_ms[at]), unknown)
        self.sizes.append(len(batch.events) - len(repeated))
        positions = [at for at, answer in answers.items() if answer]
        made = [at for at in positions if at not in repeated]
        return Judged(positions, [answers[at] for at in positions], ["allow"] * len(made), repeated)


def _name_of(event: Event) -> str:
    return f"{isinstance(event, Transaction)}/{event.id}"


def _allowed(event: Event, timestamp_ms: int, unknown: tuple[str, ...]) -> bytes:
    """Nothing for an event that is no transaction."""
    if not isinstance(event, Transaction):
        return b""
    origin: Origin = "degraded" if unknown else "scored"
    return msgspec.json.encode(
        Decision(
            transaction_id=event.id,
            timestamp=timestamp_ms,
            action="allow",
            origin=origin,
            missing=unknown,
            pack="none@0",
        )
    )


class Lingering(AllowAll):
    """Decides slowly until it is told to hurry."""

    def __init__(self) -> None:
        super().__init__()
        self.hurry = threading.Event()

    def decide(
        self,
        batch: Batch,
        lists: Mapping[str, Mapping[str, int]],
        unknown: tuple[str, ...] = (),
        arrived_ms: int | None = None,
        profiles: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> Judged:
        self.hurry.wait(0.2)
        return super().decide(batch, lists, unknown, arrived_ms, profiles)
