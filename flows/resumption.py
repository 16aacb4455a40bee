"""Taking up where the last run left off: the engine, both ends and the journal, in the order that loses nothing."""

from collections.abc import Callable
from typing import NamedTuple

from engine import Engine
from flows.batches import LastingSink, LastingSource
from flows.entries import Delivered
from flows.keeper import Keeper
from flows.lifecycle import FlowError
from flows.recovery import Slot, reached_by, recover
from journal import StateDirectory, StateError


class Resumed(NamedTuple):
    """`again` is how many decisions were given out again; None where there was no earlier run."""

    keeper: Keeper
    again: int | None


def resume(
    state: StateDirectory,
    number: int,
    engine: Engine,
    source: LastingSource,
    sink: LastingSink,
    now_ms: Callable[[], int],
    report: Callable[[int, int], None],
) -> Resumed:
    """Brings a fresh engine and both ends to where the slots of `state` stood; slot `number` is written from now on.

    What a slot still had to give out is given out by the worker of that number, or by the first where there are not so
    many now. A worker goes on counting what its own slot had counted; how far rules were demoted, all learn from slots
    that nobody writes any more, and a new worker from every one. `report` hears how many bytes of the state were read
    and how many there are. Raises FlowError.
    """
    try:
        slots = recover(engine, state.read(report))
    except StateError as error:
        raise FlowError(str(error)) from error
    own = slots.get(number, Slot())
    others = [slot.rates for each, slot in slots.items() if each >= state.workers or number not in slots]
    engine.take_up(own.rates, [rates for rates in others if rates is not own.rates])
    reached = reached_by(slots.values())
    heirs = [slot for each, slot in slots.items() if each == number or (number == 0 and each >= state.workers)]
    marks = [slot.delivered for slot in heirs or slots.values() if slot.delivered is not None]
    earliest = min(marks, key=lambda mark: mark.at_ms, default=None)
    again = sink.resume(earliest, [entry for slot in heirs for entry in slot.outbox])
    source.begin(reached)

    def mark() -> Delivered:
        return sink.mark(now_ms())

    keeper = Keeper(engine, lambda head: state.writer(number, head), reached, own.delivered or mark(), mark)
    return Resumed(keeper, again if any(slot.delivered for slot in slots.values()) else None)
