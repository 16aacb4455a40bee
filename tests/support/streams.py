"""Events as bytes, and sources and sinks that a test holds in its hands."""

from collections.abc import Iterable, Sequence

import msgspec

from flows import Arrival, Reached, Verdicts
from schemas import Decision, FilePlace, Place

NOW_MS = 1_790_000_000_000

decoded = msgspec.json.Decoder(Decision).decode


def payment(id_: str, **fields: object) -> bytes:
    """A payment of 12.34 CNY by user u1, with `fields` on top."""
    event = {
        "type": "payment",
        "transaction_id": id_,
        "timestamp": NOW_MS,
        "user_id": "u1",
        "amount": 12.34,
        "currency": "CNY",
    }
    return msgspec.json.encode(event | fields)


def login(id_: str) -> bytes:
    return msgspec.json.encode({"type": "login", "event_id": id_, "timestamp": NOW_MS, "user_id": "u1"})


def place_of(index: int) -> Place:
    return FilePlace("memory", index + 1)


class Handed:
    """A source that hands out one given arrival after another, and notes how many were out at each acknowledgement."""

    def __init__(self, arrivals: Iterable[Sequence[bytes]]) -> None:
        self._arrivals = list(arrivals)
        self.taken = 0
        self.acknowledged: list[int] = []
        self.closed = False

    def take(self, patience_s: float) -> Arrival | None:  # noqa: ARG002
        if self.taken == len(self._arrivals):
            return None
        self.taken += 1
        return Arrival(self._arrivals[self.taken - 1], place_of)

    def acknowledge(self, reached: Reached) -> None:  # noqa: ARG002
        self.acknowledged.append(self.taken)

    def close(self) -> None:
        self.closed = True


class Kept:
    """A sink that keeps what it was given."""

    def __init__(self) -> None:
        self.written: list[Verdicts] = []
        self.settled = True
        self.closed = False

    def write(self, verdicts: Verdicts) -> None:
        self.written.append(verdicts)

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return self.settled

    def close(self) -> None:
        self.closed = True

    @property
    def ids(self) -> list[str]:
        return [decoded(decision).transaction_id for verdicts in self.written for decision in verdicts.decisions]
