"""The history of the pack's entities: its features' windows, fed with one frame after the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.features import FeaturePlan
from engine.frames import Frame
from engine.tables import FeatureTable
from rules import Input
from rules.columns import Columns
from windows import BATCH_MAX, NULL, Hasher, WindowStore
from windows import Columns as WindowColumns


class History:
    """Takes frames in and adds the features' values as of each event to them."""

    def __init__(self, features: FeaturePlan, hasher: Hasher, memory_bytes: int) -> None:
        self._features = features
        self._plan = features.plan
        self._store = WindowStore(features.plan, memory_bytes)
        self._bits_of_types = features.bits_of_types()
        guarded = features.guarded
        self._guarded = tuple(number for number, _ in guarded)
        self._guards = Columns([where for _, where in guarded], hasher.id)
        self._numbers = {name: number for number, name in enumerate(features.names)}
        self._truths = frozenset(n for n, each in enumerate(self._plan.aggregates) if each.kind == "is_new")
        self._texts: dict[str, NDArray[np.object_]] = {
            field: np.empty(BATCH_MAX, dtype=np.object_) for field in set(self._plan.texts.values())
        }

    @property
    def guard_inputs(self) -> frozenset[Input]:
        """What the conditions on entering events read."""
        return frozenset(self._guards.inputs)

    def extend(self, frame: Frame, judged: NDArray[np.bool_]) -> None:
        """Takes the frame's events in and fills `frame.features` for those that are judged.

        The first rows of `frame.text_ids` must be those of the plan's ids.
        """
        plan = self._plan
        ids = np.ascontiguousarray(frame.text_ids[: len(plan.ids)])
        values = np.empty((len(plan.values), len(judged)), dtype=np.int64)
        for row, field in enumerate(plan.values):
            values[row] = frame.numbers(field).values
        timestamp_ms = frame.batch.timestamp_ms
        features, rows = self._store.update(WindowColumns(timestamp_ms, ids, values, self._entering(frame), judged))
        if len(judged) > np.count_nonzero(judged):
            features[:, ~judged] = NULL
        for field in self._texts:
            self._keep_texts(field, rows, frame.texts(field))
        frame.features = FeatureTable(self._numbers, plan, self._truths, features, self._texts)

    @property
    def held(self) -> tuple[int, int]:
        """Events in the log, and live keys."""
        return self._store.events, self._store.keys

    def complete(self, frame: Frame) -> NDArray[np.bool_] | None:
        """Whether the log still has all that the windows of each event reach; None where it has for all."""
        if min(frame.times) >= self._store.complete_since_ms + self._plan.reach_ms:
            return None
        since_ms = self._store.whole_since_ms + self._plan.reach_ms
        complete = frame.batch.timestamp_ms >= since_ms
        return None if complete.all() else complete

    def _keep_texts(self, field: str, rows: NDArray[np.int64], texts: Sequence[str | None]) -> None:
        """Keeps the texts of the log's `rows`; the log fills from its first row on, so that its size says how many."""
        kept, needed = self._texts[field], int(rows.max()) + 1
        if needed > len(kept):
            more = np.empty(max(needed, 2 * len(kept)) - len(kept), dtype=np.object_)
            kept = self._texts[field] = np.concatenate((kept, more))
        kept[rows] = texts

    def _entering(self, frame: Frame) -> NDArray[np.uint64]:
        entering = self._bits_of_types[frame.codes]
        if self._guarded:
            columns = [frame.column(each) for each in self._guards.inputs]
            passes, _ = self._guards.evaluate(columns, frame.lists, frame.batch.timestamp_ms)
            for number, passed in zip(self._guarded, passes, strict=True):
                entering[~passed] &= np.uint64(~(1 << number) & (2**64 - 1))
        return entering
