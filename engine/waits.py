"""Waits: events that start one, and what is decided once the stream has passed the time in vain.

A wait is over when the stream has surely come beyond its end by the pack's lateness: whatever could end it in time had
come by then. It is looked at as the next event comes, so that it makes no difference how the stream is cut.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import Probe

Serials = Sequence[int] | NDArray[np.int64]


class WaitForm(NamedTuple):
    """How a rule waits: for what the absence `feature` says, with the key in the `keys` columns of ids."""

    feature: int
    keys: tuple[int, ...]
    start: int
    """The number of the filter that an event passes which starts a wait, if the steps before it have come."""
    within_ms: int


class Wait(NamedTuple):
    """Event `at` of some starts a wait of `rule`: its name, and what the rule's reason would say, as JSON or empty."""

    at: int
    rule: str
    name: str
    reason: str


class Pending(NamedTuple):
    """A wait by when it is over, and then by the serial of its event; `ids` are the event's."""

    over_ms: int
    serial: int
    rule: str
    start_ms: int
    ids: tuple[int, ...]
    name: str
    reason: str


class Due(NamedTuple):
    """A wait that is over as event `at` of some comes."""

    at: int
    pending: Pending


class Waits:
    """All waits that are not over, by the rules of `forms`."""

    def __init__(self, forms: Mapping[str, WaitForm], lateness_ms: int) -> None:
        self._forms = forms
        self._lateness_ms = lateness_ms
        self._pending: list[Pending] = []

    def __bool__(self) -> bool:
        """Whether any rule waits; else nothing ever will."""
        return bool(self._forms)

    def begin(
        self,
        waits: Iterable[Wait],
        serials: Serials,
        timestamp_ms: NDArray[np.int64],
        ids: NDArray[np.uint64],
        reached_ms: NDArray[np.int64],
    ) -> list[Due]:
        """Takes in waits of events that come now, and gives those that are over as one of them comes, in order."""
        if not len(reached_ms):
            return []
        latest_ms = int(reached_ms[-1])
        due = []
        while self._pending and self._pending[0].over_ms < latest_ms:
            pending = heappop(self._pending)
            due.append(Due(int(np.searchsorted(reached_ms, pending.over_ms, side="right")), pending))
        for wait, pending in self._started(waits, serials, timestamp_ms, ids):
            at = max(wait.at + 1, int(np.searchsorted(reached_ms, pending.over_ms, side="right")))
            if at < len(reached_ms):
                due.append(Due(at, pending))
            else:
                heappush(self._pending, pending)
        return sorted(due)

    def load(
        self,
        waits: Iterable[Wait],
        first: int,
        timestamp_ms: NDArray[np.int64],
        ids: NDArray[np.uint64],
        reached_ms: int,
    ) -> None:
        """Takes in waits of events that came before, up to where the stream had come to `reached_ms`."""
        count = len(timestamp_ms)
        for _, pending in self._started(waits, range(first, first + count), timestamp_ms, ids):
            heappush(self._pending, pending)
        last = []
        while self._pending and self._pending[0].over_ms < reached_ms:
            pending = heappop(self._pending)
            if pending.serial == first + count - 1:  # it is looked at as the next event comes
                last.append(pending)
        for pending in last:
            heappush(self._pending, pending)

    def end(self) -> list[Due]:
        """All waits that are not over, as if no event came any more."""
        ended = [Due(0, pending) for pending in sorted(self._pending)]
        self._pending.clear()
        return ended

    def probe(self, due: Due) -> Probe:
        """What is to be asked of the windows."""
        form, pending = self._forms[due.pending.rule], due.pending
        ids = np.array(pending.ids, dtype=np.uint64)
        return Probe(due.at, form.feature, ids, pending.serial, pending.start_ms, form.within_ms)

    def _started(
        self, waits: Iterable[Wait], serials: Serials, timestamp_ms: NDArray[np.int64], ids: NDArray[np.uint64]
    ) -> Iterable[tuple[Wait, Pending]]:
        for wait in waits:
            form = self._forms.get(wait.rule)
            if form is None:  # of a pack that was here before
                continue
            start_ms = int(timestamp_ms[wait.at])
            over_ms = start_ms + form.within_ms + self._lateness_ms
            key = tuple(ids[wait.at].tolist())
            yield wait, Pending(over_ms, int(serials[wait.at]), wait.rule, start_ms, key, wait.name, wait.reason)
