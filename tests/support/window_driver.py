"""Feeds the oracle's happenings to the real store and reads its features back as Python values."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from support.window_oracle import Happening, Value
from windows import NULL, Aggregate, Columns, Hasher, Plan, Probe, WindowStore, join, part_of, plan_of
from windows.store import LATENESS_MS, MEMORY_MIN, PAGE_ROWS

VALUES = ("amount", "quantity", "geo")
HASHER = Hasher(bytes(range(16)))


class WindowDriver:
    """A store for `aggregates`, or several `shards`, with memory of its own for the texts of the log's rows."""

    def __init__(
        self,
        aggregates: Sequence[Aggregate],
        *,
        page_rows: int = PAGE_ROWS,
        lateness_ms: int = LATENESS_MS,
        shards: int = 1,
        planned: Plan | None = None,
    ) -> None:
        self.plan: Plan = plan_of(aggregates, VALUES) if planned is None else planned
        self.stores = [
            WindowStore(self.plan, MEMORY_MIN, page_rows=page_rows, lateness_ms=lateness_ms, shard=shard, shards=shards)
            for shard in range(shards)
        ]
        self.store = self.stores[0]
        self._texts: dict[tuple[str, int], str | None] = {}

    def take(self, happenings: Sequence[Happening]) -> list[list[Value]]:
        """The features of each happening; an empty list for one that is not judged."""
        plan = self.plan
        features, rows = self._update(self._columns(happenings))
        self._keep_texts(rows, happenings)
        return [
            [self._value(features, f, i) for f in range(len(plan.aggregates))] if happening.judged else []
            for i, happening in enumerate(happenings)
        ]

    def probe(self, happenings: Sequence[Happening], probes: Sequence[Probe]) -> list[tuple[int, ...]]:
        """Takes the happenings in, and says what each store found out for each probe."""
        for store in self.stores:
            store.update(self._columns(happenings), probes)
        return list(zip(*(store.probed for store in self.stores), strict=True))

    def adopt_texts(self, other: "WindowDriver", theirs: range, ours: range) -> None:
        """Rows of this store have the texts that rows of another one have."""
        for row, own in zip(theirs, ours, strict=True):
            self._texts |= {(name, own): other.text(name, row) for name in self.plan.texts.values()}

    def text(self, name: str, row: int) -> str | None:
        """None also where it was not kept."""
        return self._texts.get((name, row))

    def load(self, happenings: Sequence[Happening]) -> None:
        """Takes happenings in before all others, with nobody asking for features."""
        columns = self._columns(happenings)
        rows = [store.load(columns) for store in self.stores]
        assert all(each == rows[0] for each in rows)
        self._keep_texts(rows[0], happenings)

    def revalue(self, ordinal: int, name: str, value: int | None) -> bool:
        """Gives an event taken in before another value; False where the log no longer has it."""
        column, number = self.plan.values.index(name), NULL if value is None else value
        held = {store.revalue(ordinal, column, number) for store in self.stores}
        assert len(held) == 1
        return held.pop()

    def _update(self, columns: Columns) -> tuple[NDArray[np.int64], list[range]]:
        if len(self.stores) == 1:
            return self.store.update(columns)
        answers = [store.update(columns) for store in self.stores]
        owned = [store.owned for store in self.stores]
        assert np.all(np.sum(owned, axis=0) == 1)
        assert all(rows == answers[0][1] for _, rows in answers)
        parts = [part_of(self.plan, features, each) for (features, _), each in zip(answers, owned, strict=True)]
        return join(self.plan, parts), answers[0][1]

    def _columns(self, happenings: Sequence[Happening]) -> Columns:
        plan = self.plan
        ids = [HASHER.ids([h.ids[name] for name in plan.ids]) for h in happenings]
        values = [[NULL if h.values[name] is None else h.values[name] for h in happenings] for name in plan.values]
        return Columns(
            np.array([h.time_ms for h in happenings], dtype=np.int64),
            np.array(ids, dtype=np.uint64).reshape(len(happenings), len(plan.ids)),
            np.array(values, dtype=np.int64).reshape(len(plan.values), len(happenings)),
            np.array([sum(1 << f for f in h.filters) for h in happenings], dtype=np.uint64),
            np.array([h.judged for h in happenings], dtype=np.bool_),
        )

    def _keep_texts(self, rows: Sequence[range], happenings: Sequence[Happening]) -> None:
        for row, happening in zip(chain.from_iterable(rows), happenings, strict=True):
            self._texts |= {(name, row): happening.ids[name] for name in self.plan.texts.values()}

    def _value(self, features: np.ndarray[tuple[int, int], np.dtype[np.int64]], f: int, i: int) -> Value:
        if f in self.plan.floats:
            number = float(features.view(np.float64)[f, i])
            return None if np.isnan(number) else number
        raw = int(features[f, i])
        if raw == NULL:
            return None
        return self._texts[self.plan.texts[f], raw] if f in self.plan.texts else raw
