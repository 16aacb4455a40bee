"""Recovery: from the journals of a state directory to an engine that stands where it stood, and what is left to do."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import merge
from typing import Protocol, TypeVar

import msgspec

from engine import Learnt, Prepared, Rates, Record
from flows.entries import Delivered, Entry, Head, decode
from flows.lifecycle import FlowError
from journal import Frame, StateError

_Item = TypeVar("_Item")


class Restorable(Protocol):
    """What recovery asks of `engine.Engine`."""

    def restore(self, records: Iterable[Record], ahead: Callable[[Iterator[Prepared]], Iterator[Prepared]]) -> None: ...

    def adopt(self, learnt: list[bytes]) -> None: ...

    def relearn(self, learnt: Iterable[Learnt]) -> None: ...


@dataclass
class Slot:
    """Where one writer of journals stood: what it had read, delivered and still had to deliver, and what its breakers
    had counted.
    """

    reached: dict[str, int] = field(default_factory=dict)
    delivered: Delivered | None = None
    outbox: list[Entry] = field(default_factory=list)
    rates: Rates = field(default_factory=Rates)
    _learnt_before: bytes | None = None
    _learnt: list[Learnt] = field(default_factory=list)

    def records(self, frames: Iterable[Frame]) -> Iterator[Record]:
        """The records in the frames, taking note of all else that these say."""
        for frame in frames:
            try:
                content = decode(frame.payload)
            except msgspec.MsgspecError as error:
                raise FlowError(f"the state of slot {frame.slot} cannot be read: {error}") from error
            match content:
                case Head():
                    self.reached |= content.reached
                    self._learnt_before = content.learnt
                    self._learnt.clear()
                    self.rates = Rates(content.rates)
                    self.delivered = self.delivered or content.delivered
                case Delivered():
                    self.delivered = content
                    self.outbox.clear()
                case Entry():
                    self.reached |= content.reached
                    self.outbox.append(content)
                    for record in content.records:
                        self._learnt += record.learnt
                        if record.rates is not None:
                            self.rates.follow(record.rates)
                        yield record

    def learnt(self) -> tuple[bytes | None, list[Learnt]]:
        """What its detectors had learnt when its last segment began, and since."""
        return self._learnt_before, self._learnt


def recover(engine: Restorable, frames: Mapping[int, Iterator[Frame]]) -> dict[int, Slot]:
    """Brings a fresh engine to where those that wrote the frames of each slot stood together. Raises FlowError.

    Slots are merged into the order in which all was taken in.
    """
    slots = {number: Slot() for number in frames}
    streams = [slots[number].records(each) for number, each in frames.items()]
    try:
        engine.restore(streams[0] if len(streams) == 1 else merge(*streams, key=_turn_of), _ahead)
    except StateError as error:
        raise FlowError(str(error)) from error
    parts = [slot.learnt() for slot in slots.values()]
    before = [learnt for learnt, _ in parts if learnt is not None]
    if before:
        engine.adopt(before)
    for _, learnt in parts:
        engine.relearn(learnt)
    return slots


def kept_records(frames: Mapping[int, Iterator[Frame]]) -> Iterator[Record]:
    """All records in the frames of several slots, by their turn. Raises FlowError."""
    try:
        yield from merge(*(Slot().records(each) for each in frames.values()), key=_turn_of)
    except StateError as error:
        raise FlowError(str(error)) from error


def reached_by(slots: Iterable[Slot]) -> dict[str, int]:
    """How far the input was read by all of them together."""
    furthest: dict[str, int] = {}
    for slot in slots:
        for part, position in slot.reached.items():
            furthest[part] = max(position, furthest.get(part, position))
    return furthest


def _turn_of(record: Record) -> int:
    return record.turn


def _ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """The items, each made by another thread while the one before is used: kernels leave it the interpreter lock."""
    with ThreadPoolExecutor(1, "recovery") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
