"""A replay: a history is decided again, and each decision is held against the one that was given then."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from engine import Engine
from rules import Pack
from schemas import Decision
from workbench.history import History
from workbench.tracing import Progress

VERSION = 1
"""Raised when a field of the report changes its meaning or goes."""

EXAMPLES_MAX = 100
"""So many differences of each sort are kept as examples; all are counted."""

LINE_BYTES_MAX = 1 << 20
"""A longer line is no decision."""

_FIELDS = tuple(name for name in Decision.__struct_fields__ if name != "pack")


_Waiting = TypeVar("_Waiting", Decision, Decision | None)


class ReplayError(Exception):
    """Decisions that cannot be read; the text says where and why."""


class Difference(msgspec.Struct, frozen=True):
    """A decision that is another one now. `fields` has what differs: as it was given, and as it is now."""

    id: str
    timestamp: int
    fields: dict[str, tuple[object, object]]


class Lone(msgspec.Struct, frozen=True):
    """A decision that is on one side alone."""

    id: str
    timestamp: int
    action: str


class Replayed(msgspec.Struct, frozen=True):
    """What became of a replay.

    `identical` decisions are the same in every field, `different` ones are not; `by_field` counts in which.
    `missing` were not given then, but are now; `extra` were given then, and are not now. Of these three the first
    EXAMPLES_MAX are kept, of different ones those first that have another action. `skipped` are decisions on events
    before the one from which on they are compared. `packs` counts the given decisions by the pack that they name,
    `pack` is the one that decides now: their names are not compared.
    """

    version: int
    pack: str
    data: str
    events: int
    skipped: int
    identical: int
    different: int
    missing: int
    extra: int
    by_field: dict[str, int]
    packs: dict[str, int]
    differences: list[Difference]
    missing_examples: list[Lone]
    extra_examples: list[Lone]

    @property
    def is_same(self) -> bool:
        return not (self.different or self.missing or self.extra)


class _Key(NamedTuple):
    """What makes two decisions answers to the same question."""

    id: str
    timer: int
    duplicate: bool


def _key(decision: Decision) -> _Key:
    timer = -1 if decision.timer is msgspec.UNSET else decision.timer
    return _Key(decision.transaction_id, timer, decision.duplicate is True)


def decisions_in(path: Path) -> Iterator[Decision]:
    """The decisions of a file, one a line. Raises ReplayError."""
    decode = msgspec.json.Decoder(Decision).decode
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                try:
                    yield decode(line)
                except msgspec.MsgspecError as error:
                    raise ReplayError(f"expected a decision in `{path}`:{number}, got none: {error}") from error
    except OSError as error:
        raise ReplayError(f"`{path}` cannot be read: {error.strerror}") from error


def replay(pack: Pack, history: History, given: Iterable[Decision], first: int, progress: Progress) -> Replayed:
    """Decides the history from an empty state and compares; decisions on events before row `first`, counted from 1,
    are not compared. Raises HistoryError and ReplayError.
    """
    matching = _Matching()
    engine, lists, number = Engine(pack), pack.entries_by_list, 0
    then = iter(given)
    for chunk in history.chunks():
        made = engine.decide(chunk.batch, lists) if chunk.batch.events else None
        for position, encoded in () if made is None else zip(made.positions, made.encoded, strict=True):
            at = -1 - position if position < 0 else position
            decision = msgspec.json.decode(encoded, type=Decision)
            matching.now(decision, is_compared=chunk.rows[at] >= first)
            was = next(then, None)
            if was is not None:
                matching.then(was)
        number += len(chunk.batch.events)
        progress(chunk.share)
    for was in then:
        matching.then(was)
    return matching.report(pack, history, number)


class _Matching:
    """Pairs the decisions of both sides as they come; those that wait for their partner are few while both sides have
    the same order.
    """

    def __init__(self) -> None:
        self._now: defaultdict[_Key, deque[Decision | None]] = defaultdict(deque)
        self._then: defaultdict[_Key, deque[Decision]] = defaultdict(deque)
        self._skipped = self._identical = self._different = 0
        self._by_field: Counter[str] = Counter()
        self._packs: Counter[str] = Counter()
        self._acting: list[Difference] = []
        self._telling: list[Difference] = []

    def now(self, decision: Decision, *, is_compared: bool) -> None:
        """The next decision of the replay; what is not compared has its partner, too, but nothing is said of both."""
        key, kept = _key(decision), decision if is_compared else None
        self._skipped += not is_compared
        if key in self._then:
            self._compare(_taken(self._then, key), kept)
        else:
            self._now[key].append(kept)

    def then(self, was: Decision) -> None:
        """The next decision that was given."""
        key = _key(was)
        if key in self._now:
            self._compare(was, _taken(self._now, key))
        else:
            self._then[key].append(was)

    def _compare(self, was: Decision, now: Decision | None) -> None:
        if now is None:
            return
        self._packs[was.pack] += 1
        fields = {
            name: (_plain(getattr(was, name)), _plain(getattr(now, name)))
            for name in _FIELDS
            if getattr(was, name) != getattr(now, name)
        }
        if not fields:
            self._identical += 1
            return
        self._different += 1
        self._by_field.update(fields.keys())
        examples = self._acting if "action" in fields else self._telling
        if len(examples) < EXAMPLES_MAX:
            examples.append(Difference(was.transaction_id, was.timestamp, fields))

    def report(self, pack: Pack, history: History, events: int) -> Replayed:
        missing = [each for waiting in self._now.values() for each in waiting if each is not None]
        extra = [each for waiting in self._then.values() for each in waiting]
        self._packs.update(each.pack for each in extra)
        return Replayed(
            VERSION, pack.version, history.name, events, self._skipped, self._identical, self._different,
            len(missing), len(extra), dict(self._by_field.most_common()), dict(self._packs.most_common()),
            [*self._acting, *self._telling][:EXAMPLES_MAX], _lone(missing), _lone(extra),
        )  # fmt: skip


def _taken(waiting: dict[_Key, deque[_Waiting]], key: _Key) -> _Waiting:
    """The first that waits under the key, which is there."""
    queue = waiting[key]
    first = queue.popleft()
    if not queue:
        del waiting[key]
    return first


def _lone(decisions: Iterable[Decision]) -> list[Lone]:
    return [Lone(each.transaction_id, each.timestamp, each.action) for each in list(decisions)[:EXAMPLES_MAX]]


def _plain(value: object) -> object:
    return None if value is msgspec.UNSET else msgspec.to_builtins(value)
