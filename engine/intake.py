"""The intake: from the events of a frame to the columns that the core takes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.coming import Coming, Revaluation
from engine.features import FeaturePlan
from engine.frames import Frame, kinds_of, names_of
from rules import Input
from rules.columns import Columns
from schemas import STRUCTS, TRANSACTION_TYPES, Correction, Event, Reversal
from windows import BATCH_MAX, NULL, Hasher
from windows import Columns as WindowColumns


class Intake:
    """Reads what the windows of a pack want of a frame, and what tells one event from another."""

    def __init__(self, features: FeaturePlan, hasher: Hasher, judged: frozenset[str]) -> None:
        self._plan = features.plan
        self._hasher = hasher
        self._judged = np.array([name in judged for name in STRUCTS], dtype=np.bool_)
        self._judged_kinds = frozenset(np.flatnonzero(self._judged).tolist())
        self._all_judged = np.ones(BATCH_MAX, dtype=np.bool_)
        self._entering_of_kind = np.repeat(features.bits_of_types()[:, None], BATCH_MAX, axis=1)
        guarded = features.guarded
        self._guarded = tuple(number for number, _ in guarded)
        self._guards = Columns([where for _, where in guarded], hasher.id)
        self._text_fields = frozenset(features.plan.texts.values())
        salts = [0 if name in TRANSACTION_TYPES else hasher.id(name) for name in STRUCTS]
        self._salts = np.array(salts, dtype=np.uint64)
        self._unsalted_kinds = frozenset(np.flatnonzero(self._salts == 0).tolist())

    @property
    def guard_inputs(self) -> frozenset[Input]:
        """What the conditions on entering events read."""
        return frozenset(self._guards.inputs)

    def ids(self, events: Sequence[Event]) -> NDArray[np.uint64]:
        """What tells events apart: transactions and each other type have names of their own."""
        return self._hasher.ids(names_of(events)) ^ self._salts[kinds_of(events)]

    def coming(self, frame: Frame, arrived_ms: int | NDArray[np.int64] | None) -> Coming:
        """The frame's events. The first columns of `frame.text_ids` must be the plan's ids."""
        plan, batch, count = self._plan, frame.batch, len(frame.kinds)
        values = np.empty((len(plan.values), count), dtype=np.int64)
        for row, field in enumerate(plan.values):
            values[row] = frame.window_values(field)
        columns = WindowColumns(
            batch.timestamp_ms,
            frame.text_ids,
            values,
            self._entering(frame),
            self._all_judged[:count] if frame.kinds_present <= self._judged_kinds else self._judged[frame.codes],
        )
        unsalted = frame.kinds_present <= self._unsalted_kinds
        return Coming(
            frame.name_ids if unsalted else frame.name_ids ^ self._salts[frame.codes],
            frame.contents,
            batch.timestamp_ms,
            None if arrived_ms is None else np.full(count, arrived_ms, dtype=np.int64),
            columns,
            {field: frame.texts(field) for field in self._text_fields},
            self._revaluation(frame, batch.events[-1]),
        )

    def _entering(self, frame: Frame) -> NDArray[np.uint64]:
        kinds = frame.kinds
        if len(frame.kinds_present) == 1 and not self._guarded:
            return self._entering_of_kind[kinds[0], : len(kinds)]
        entering: NDArray[np.uint64] = self._entering_of_kind[frame.codes, 0]
        if self._guarded:
            columns = [frame.column(each) for each in self._guards.inputs]
            passes, _ = self._guards.evaluate(columns, frame.lists, frame.batch.timestamp_ms)
            for number, passed in zip(self._guarded, passes, strict=True):
                entering[~passed] &= np.uint64(~(1 << number) & (2**64 - 1))
        return entering

    def _revaluation(self, frame: Frame, last: Event) -> Revaluation | None:
        if type(last) is Reversal:
            return Revaluation(self._hasher.id(last.original_transaction_id), NULL)
        if type(last) is Correction:
            amount_minor = int(frame.amounts().values[-1])
            return Revaluation(self._hasher.id(last.original_transaction_id), amount_minor)
        return None
