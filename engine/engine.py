"""The engine: one batch of events in, one batch of decisions out."""

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from engine.composition import encode
from engine.features import FeaturePlan, feature_plan, type_table
from engine.fields import Fields
from engine.frames import Frame, Lists
from engine.history import History
from engine.judgement import Judge
from rules import Input, Pack
from schemas import STRUCTS, TRANSACTION_TYPES, Action, Event, Value
from schemas.batches import Batch
from windows import BATCH_MAX, Hasher

_transaction_id_of = attrgetter("transaction_id")

MEMORY_BYTES = 4 << 30
"""Address space for the windows unless the caller says otherwise."""


class Decisions(NamedTuple):
    """Decisions on a batch: for the events at `positions` of `batch.events`, the action and the JSON of each.

    `watched` has, for each of them, the values of the inputs that the engine was told to
    watch; it is empty without any.
    """

    positions: list[int]
    actions: list[Action]
    encoded: list[bytes]
    watched: list[tuple[Value, ...]]


class Engine:
    """Decides with one pack, from the history of the events it has been given.

    The same events in the same order with the same pack and lists give the same decisions, however they are cut into
    batches. `hash_key` is 16 bytes that nobody outside should know; `memory_bytes` bounds what the windows may take.
    `watched` are inputs whose values are wanted with each decision, whether a rule reads them or not.
    """

    def __init__(
        self,
        pack: Pack,
        hash_key: bytes = bytes(16),
        memory_bytes: int = MEMORY_BYTES,
        watched: Iterable[Input] = (),
    ) -> None:
        hasher = Hasher(hash_key)
        self._hasher = hasher
        self._type_ids = hasher.ids(list(STRUCTS))
        self._currency = pack.currency
        self._watched = tuple(watched)
        self._judge = Judge(pack, hasher.id, self._watched)
        features = feature_plan(pack)
        self._history = History(features, hasher, memory_bytes)
        self._texts = _texts_read(self._judge.inputs | self._history.guard_inputs, features)
        judged = frozenset(TRANSACTION_TYPES).union(*(rule.events for rule in self._judge.rules))
        self._judged = type_table([judged])[0]
        self._judged_kinds = frozenset(np.flatnonzero(self._judged).tolist())

    @property
    def held(self) -> tuple[int, int]:
        """Events in the windows' log, and live keys over all windows."""
        return self._history.held

    def decide(self, batch: Batch, lists: Lists, unknown: tuple[str, ...] = ()) -> Decisions:
        """Decides on every transaction of the batch, and on every other event that a rule judges.

        `lists` says what each list holds now: its texts, and when each expires in epoch milliseconds; a list that is
        absent or None is missing. `unknown` names what the caller could not learn: every decision is then degraded.
        """
        if len(batch.events) <= BATCH_MAX:
            return self._decide(batch, lists, unknown, 0)
        parts = []
        for start in range(0, len(batch.events), BATCH_MAX):
            end = start + BATCH_MAX
            part = Batch(batch.events[start:end], batch.timestamp_ms[start:end], batch.amount_minor[start:end], [])
            parts.append(self._decide(part, lists, unknown, start))
        return Decisions(
            [at for part in parts for at in part.positions],
            [action for part in parts for action in part.actions],
            [encoded for part in parts for encoded in part.encoded],
            [values for part in parts for values in part.watched],
        )

    def _decide(self, batch: Batch, lists: Lists, unknown: tuple[str, ...], start: int) -> Decisions:
        if not batch.events:
            return Decisions([], [], [], [])
        frame = Frame(batch, self._currency, self._texts, self._hasher, lists, self._type_ids)
        self._history.extend(frame, self._judged[frame.codes])
        complete = self._history.complete(frame)
        positions = list(range(len(frame.kinds)))
        if not frame.kinds_present <= self._judged_kinds:
            positions = [at for at, kind in enumerate(frame.kinds) if kind in self._judged_kinds]
        answers = self._judge.judge(frame, positions, complete, unknown)
        events, times = batch.events, frame.times
        if len(positions) < len(events):
            events, times = [events[at] for at in positions], [times[at] for at in positions]
        return Decisions(
            [start + at for at in positions] if start else positions,
            [answer.action for answer in answers],
            encode(_ids(events), times, self._judge.tails(frame, positions, answers)),
            [tuple(frame.value(read, at) for read in self._watched) for at in positions] if self._watched else [],
        )


def _ids(events: list[Event]) -> list[str]:
    try:
        return list(map(_transaction_id_of, events))
    except AttributeError:
        return [event.id for event in events]


def _texts_read(inputs: Iterable[Input], features: FeaturePlan) -> Fields:
    """The text fields that conditions, keys or features read: those of the windows come first."""
    read = {each.name for each in inputs if each.kind == "field" and each.type == "text"}
    others = (read - {"type"}).union(features.plan.texts.values()).difference(features.plan.ids)
    return Fields((*features.plan.ids, *sorted(others)))
