"""The simplest judge that flows can be run with: it allows every transaction."""

import threading
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from schemas import Decision, Transaction
from schemas.batches import Batch


class Judged(NamedTuple):
    positions: list[int]
    actions: list[str]
    encoded: list[bytes]


class AllowAll:
    """Says how many batches of how many events it was given, and what it was told of lists and the unknown."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.lists: Mapping[str, Mapping[str, int]] = {}
        self.unknown: tuple[str, ...] = ()

    def decide(self, batch: Batch, lists: Mapping[str, Mapping[str, int]], unknown: tuple[str, ...] = ()) -> Judged:
        self.sizes.append(len(batch.events))
        self.lists, self.unknown = lists, unknown
        positions = [at for at, event in enumerate(batch.events) if isinstance(event, Transaction)]
        encoded = [
            msgspec.json.encode(
                Decision(
                    transaction_id=batch.events[at].id,
                    timestamp=int(batch.timestamp_ms[at]),
                    action="allow",
                    origin="degraded" if unknown else "scored",
                    missing=unknown,
                    pack="none@0",
                )
            )
            for at in positions
        ]
        return Judged(positions, ["allow"] * len(positions), encoded)


class Lingering(AllowAll):
    """Decides slowly until it is told to hurry."""

    def __init__(self) -> None:
        super().__init__()
        self.hurry = threading.Event()

    def decide(self, batch: Batch, lists: Mapping[str, Mapping[str, int]], unknown: tuple[str, ...] = ()) -> Judged:
        self.hurry.wait(0.2)
        return super().decide(batch, lists, unknown)
