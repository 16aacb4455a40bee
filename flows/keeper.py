"""The keeper: writes down what was decided before anybody hears of it."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import msgspec

from engine import Group, record_of
from flows.batches import Reached, Verdicts
from flows.entries import Delivered, Entry, Head, encode
from flows.lifecycle import FlowError
from journal import Buffer, Journal, StateError
from windows import RECENT

LONG_AGO_MS = -(1 << 62)
"""A clock that nothing expires by."""


class Memory(Protocol):
    """What the keeper asks of `engine.Engine`."""

    @property
    def keep_ms(self) -> int: ...

    @property
    def clock_ms(self) -> int: ...

    @property
    def rates(self) -> list[Group]: ...

    def learnt(self) -> bytes: ...


class Keeper:
    """Keeps a journal of one process's batches. `writer` opens it, given what heads each of its segments.

    That is left to `begin`: until then other processes may be reading what is there.
    `reached` and `delivered` are how it stood when the journal was last written; `mark` is the sink's. A batch survives
    the process once it is kept; a failure of the power from about a second later on, since syncing is left to a thread
    that nobody waits for.
    """

    def __init__(
        self,
        memory: Memory,
        writer: Callable[[Callable[[], Sequence[Buffer]]], Journal],
        reached: Reached,
        delivered: Delivered,
        mark: Callable[[], Delivered],
    ) -> None:
        self._memory = memory
        self._reached = dict(reached)
        self._lasting = self._to_last = dict(reached)
        self._to_last_ms = LONG_AGO_MS
        self._clock_ms = memory.clock_ms
        self._latest: deque[tuple[int, int]] = deque()
        self._latest_events = 0
        self._delivered = delivered
        self._mark = mark
        self._syncing: Future[None] | None = None
        self._syncer = ThreadPoolExecutor(1, "journal")
        self._writer = writer
        self._journal: Journal | None = None

    def begin(self) -> None:
        """Opens the journal, before anything is decided that it does not hold. Raises FlowError."""
        if self._journal is None:
            try:
                self._journal = self._writer(self._head)
            except StateError as error:
                raise FlowError(str(error)) from error

    def keep(self, verdicts: Verdicts) -> None:
        """Writes the batch down, so that it survives the process. Raises FlowError."""
        if not verdicts.reached and not verdicts.decisions and not verdicts.pieces and not verdicts.dead_letters:
            return
        self._reached.update(verdicts.reached)
        records = [record_of(piece) for piece in verdicts.pieces]
        own = sum(len(piece.names) for piece in verdicts.pieces)
        recalled = None if own == len(verdicts.decisions) else verdicts.decisions
        letters, audits = (
            [msgspec.json.encode(event) for event in events] for events in (verdicts.dead_letters, verdicts.audits)
        )
        self._note(sum(len(piece.entered.ids) for piece in verdicts.pieces))
        entry = Entry(dict(verdicts.reached), records, recalled, letters, audits)
        latest_ms = max((record.latest_ms for record in records), default=-1)
        self._append(encode(entry), latest_ms + self._memory.keep_ms + 1)

    def _note(self, events: int) -> None:
        """Takes note of how the clock stood before the latest events, as many as it looks at."""
        self._latest.append((events, self._clock_ms))
        self._latest_events += events
        while self._latest_events - self._latest[0][0] >= RECENT:
            self._latest_events -= self._latest.popleft()[0]
        self._clock_ms = self._memory.clock_ms

    def delivered(self) -> Reached:
        """Notes that all that was kept has been delivered, and lets go of what nobody needs. Raises FlowError.

        Returns how far the input was read by what now survives a failure of the power.
        """
        self._delivered = self._mark()
        self._append(encode(self._delivered), 0)
        if self._syncing is None or self._syncing.done():
            self._sync()
        return self._lasting

    def last(self) -> Reached:
        """Makes all that was kept survive a failure of the power, and returns how far the input was read by it."""
        self._syncer.shutdown()
        try:
            self._opened.sync()
        except StateError as error:
            raise FlowError(str(error)) from error
        return self._reached

    def _sync(self) -> None:
        """Begins another sync after one that has ended; what that one made last needs nothing of what was before."""
        try:
            self._opened.turn()
            if self._syncing is not None:
                self._syncing.result()
                self._lasting = self._to_last
                self._opened.forget(self._to_last_ms)
            self._to_last = dict(self._reached)
            if self._latest_events >= RECENT:
                self._to_last_ms = self._latest[0][1]
            self._syncing = self._syncer.submit(self._opened.sync)
        except StateError as error:
            raise FlowError(str(error)) from error

    def _append(self, payload: bytes, expires_ms: int) -> None:
        try:
            self._opened.append((payload,), expires_ms)
        except StateError as error:
            raise FlowError(str(error)) from error

    @property
    def _opened(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("a keeper keeps nothing before it begins")
        return self._journal

    def _head(self) -> Sequence[Buffer]:
        return (encode(Head(self._reached, self._memory.learnt(), self._delivered, self._memory.rates)),)

    def close(self) -> None:
        """Syncs what was kept. Raises FlowError."""
        self._syncer.shutdown()
        try:
            if self._journal is not None:
                self._journal.close()
        except StateError as error:
            raise FlowError(str(error)) from error
