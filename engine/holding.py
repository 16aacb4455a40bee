"""A holding: the windows of one plan, the texts of their rows, and since when they hold all that came."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows import BATCH_MAX, CHAIN_CELL, NULL, Plan, WindowStore, chain_keys

Texts = Mapping[str, Sequence[str | None]]

FILTERS = "(filters)"
"""The column of the filters that events passed."""

ALWAYS_MS = -(2**62)
"""Since the beginning of the stream."""


class Since(NamedTuple):
    """After which event time a holding has all events, in ms: for each chain of its plan, and for the columns of values
    and texts that it has not always had.
    """

    chains: Sequence[int]
    columns: Mapping[str, int]


class Holding:
    """What a core holds of the events that came, for one plan.

    `rows_of` has, by field, the text of each row in the windows' log. A feature is missing for who is judged as of a
    moment before its window is covered, which matters where the plan is younger than the stream.
    """

    def __init__(self, plan: Plan, store: WindowStore) -> None:
        self.plan = plan
        self.store = store
        self.rows_of: dict[str, NDArray[np.object_]] = {
            name: np.empty(BATCH_MAX, dtype=np.object_) for name in set(plan.texts.values())
        }
        self.amount = plan.values.index("amount") if "amount" in plan.values else None
        self.since = Since([ALWAYS_MS] * len(plan.chains), {})
        self._uncovered: list[tuple[int, int]] = []
        self._covered_ms = ALWAYS_MS

    @property
    def columns(self) -> tuple[str, ...]:
        """What is kept of each event beside its keys."""
        return (*self.plan.values, *self.rows_of, *((FILTERS,) if self.plan.keeps_filters else ()))

    @property
    def chain_cells(self) -> list[int]:
        """Where each chain is in a row of the log."""
        cells: list[int] = self.plan.chains[:, CHAIN_CELL].tolist()
        return cells

    def keep_texts(self, rows: Sequence[range], texts: Texts) -> None:
        """Keeps the texts of the log's `rows`; the log fills from its first row on, so that its size says how many."""
        for name in self.rows_of:
            kept, needed = self.rows_of[name], max((each.stop for each in rows), default=0)
            if needed > len(kept):
                more = np.empty(max(needed, 2 * len(kept)) - len(kept), dtype=np.object_)
                kept = self.rows_of[name] = np.concatenate((kept, more))
            start = 0
            for each in rows:
                kept[each.start : each.stop] = texts[name][start : start + len(each)]
                start += len(each)

    def cover(self, since: Since) -> None:
        """The windows hold all events from there on; what they reach before is missing."""
        self.since = since
        self._uncovered = [
            (number, since_ms + aggregate.reach_ms)
            for number, aggregate in enumerate(self.plan.aggregates)
            if (since_ms := self._since_ms(number, since)) > ALWAYS_MS
        ]
        self._covered_ms = max((from_ms for _, from_ms in self._uncovered), default=ALWAYS_MS)

    def _since_ms(self, number: int, since: Since) -> int:
        """Since when everything is there that a feature reads."""
        aggregate = self.plan.aggregates[number]
        column = FILTERS if aggregate.steps else None if aggregate.pair else aggregate.of
        of_column = ALWAYS_MS if column is None else since.columns.get(column, ALWAYS_MS)
        return max(of_column, *(since.chains[chain] for chain in chains_of(self.plan, number)))

    def blank(self, features: NDArray[np.int64], moments_ms: NDArray[np.int64]) -> None:
        """Makes missing what is not covered at the moments as of which events are judged."""
        if not self._uncovered or not len(moments_ms) or np.minimum.reduce(moments_ms) >= self._covered_ms:
            return
        for number, from_ms in self._uncovered:
            early = moments_ms < from_ms
            if number in self.plan.floats:
                features.view(np.float64)[number, early] = np.nan
            else:
                features[number, early] = NULL


def chains_of(plan: Plan, number: int) -> list[int]:
    """The chains that a feature's window reads: its own, and that of the pairs where it counts those."""
    aggregate = plan.aggregates[number]
    chains = [int(plan.chain_of[number])]
    if aggregate.pair:
        chains.append(chain_keys(plan).index((aggregate.entering, aggregate.pair)))
    return chains
