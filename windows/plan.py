"""From the aggregates somebody wants to the tables the kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from windows import layout

Kind = Literal[
    "count", "sum", "mean", "min", "max", "std", "distinct", "last", "first", "age", "gap", "is_new", "sequence"
]

FILTERS_MAX = 63
"""Filters are bits of one word."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One feature: `kind` over the events of one key within `(t - delay - over, t - delay]`.

    `by` names one to four id columns. `of` names a value column (sum, mean, min, max, std), an id column (distinct),
    or either (last, first). `filter` is the number of the bit that an event's filter word must have set to enter.

    A `sequence` says whether events that pass the filters `steps` have come before this event, one after the other,
    with none behind the first of them that passes one of the filters `unless`.
    """

    kind: Kind
    by: tuple[str, ...]
    over_ms: int
    of: str | None = None
    delay_ms: int = 0
    filter: int = 0
    steps: tuple[int, ...] = ()
    unless: tuple[int, ...] = ()

    @property
    def entering(self) -> int:
        """The bits of the filters of which an event must pass one to enter."""
        return sum(1 << each for each in {*self.steps, *self.unless}) if self.steps else 1 << self.filter


@dataclass(frozen=True, slots=True)
class Plan:
    """Tables for the kernels.

    `ids` and `values` are the columns an update must bring, in this order. `chains`, `windows`, `accumulators` and
    `outputs` are int64 tables with the columns named in `windows.layout`. `floats` and `texts` say which features (by
    position) come out as float64 bits, and which as the row whose text is meant, with its id column.
    """

    aggregates: tuple[Aggregate, ...]
    ids: tuple[str, ...]
    values: tuple[str, ...]
    chains: NDArray[np.int64]
    windows: NDArray[np.int64]
    accumulators: NDArray[np.int64]
    outputs: NDArray[np.int64]
    floats: tuple[int, ...]
    texts: dict[int, str]
    chain_of: NDArray[np.intp]
    """The chain of each feature's window; the chains with windows are the first."""
    keeps_filters: bool
    """Whether rows have, behind their values, the filters that their event passed."""
    row_words: int
    reach_ms: int
    """How far back the longest window reaches."""


@dataclass(frozen=True, slots=True)
class _Chain:
    keys: tuple[str, ...]
    filters: int


_EXTREME_KINDS = ("min", "max")
_VALUE_KINDS = ("sum", "mean", "min", "max", "std")


def plan_of(aggregates: Sequence[Aggregate], values: Sequence[str]) -> Plan:
    """The plan for `aggregates`, where `values` are the names that mean value columns. Raises ValueError."""
    for aggregate in aggregates:
        _check(aggregate, values)
    chains = _chains(aggregates)
    ids = tuple(sorted({key for chain in chains for key in chain.keys}))
    used_values = tuple(name for name in values if any(a.of == name for a in aggregates))
    keeps_filters = any(a.kind == "sequence" for a in aggregates)
    tables = _Tables(chains, ids, used_values, keeps_filters)
    for position, chain in enumerate(chains):
        tables.add_chain(position, chain, [(i, a) for i, a in enumerate(aggregates) if _chain_of(a) == chain])
    return Plan(
        aggregates=tuple(aggregates),
        ids=ids,
        values=used_values,
        chains=_table(tables.chain_rows, layout.CHAIN_COLUMNS),
        windows=_table(tables.window_rows, layout.WINDOW_COLUMNS),
        accumulators=_table(tables.accumulator_rows, layout.ACCUMULATOR_COLUMNS),
        outputs=_table(tables.output_rows, layout.OUTPUT_COLUMNS),
        floats=tuple(i for i, a in enumerate(aggregates) if a.kind in ("mean", "std")),
        texts={
            i: a.of for i, a in enumerate(aggregates) if a.kind in ("last", "first") and a.of and a.of not in values
        },
        chain_of=np.array([chains.index(_chain_of(a)) for a in aggregates], dtype=np.intp),
        keeps_filters=keeps_filters,
        row_words=(tables.cells + 1) // 2,
        reach_ms=max((a.over_ms + a.delay_ms for a in aggregates), default=0),
    )


def _check(aggregate: Aggregate, values: Sequence[str]) -> None:
    if not 1 <= len(set(aggregate.by)) == len(aggregate.by) <= layout.KEYS_MAX:
        raise ValueError(f"expected one to {layout.KEYS_MAX} different key columns, got {aggregate.by}")
    if aggregate.over_ms <= 0 or aggregate.delay_ms < 0:
        raise ValueError(f"expected over_ms > 0 and delay_ms >= 0, got {aggregate.over_ms} and {aggregate.delay_ms}")
    if not 0 <= aggregate.filter < FILTERS_MAX:
        raise ValueError(f"expected a filter from 0 to {FILTERS_MAX - 1}, got {aggregate.filter}")
    if aggregate.kind == "sequence":
        _check_steps(aggregate)
    if aggregate.kind in _VALUE_KINDS and aggregate.of not in values:
        raise ValueError(f"expected `{aggregate.kind}` of a value column ({', '.join(values)}), got {aggregate.of}")
    if aggregate.kind == "distinct" and (aggregate.of is None or aggregate.of in values):
        raise ValueError(f"expected `distinct` of an id column, got {aggregate.of}")
    if aggregate.kind == "distinct" and len({*aggregate.by, aggregate.of}) > layout.KEYS_MAX:
        raise ValueError(f"expected `distinct` by at most {layout.KEYS_MAX - 1} key columns, got {aggregate.by}")
    if aggregate.kind in ("last", "first") and aggregate.of is None:
        raise ValueError(f"expected `{aggregate.kind}` of a column, got {aggregate.of}")


def _check_steps(sequence: Aggregate) -> None:
    if not 1 <= len(sequence.steps) <= layout.STEPS_MAX:
        raise ValueError(f"expected a sequence of 1 to {layout.STEPS_MAX} steps, got {len(sequence.steps)}")
    if not all(0 <= each < FILTERS_MAX for each in (*sequence.steps, *sequence.unless)):
        filters = (*sequence.steps, *sequence.unless)
        raise ValueError(f"expected filters from 0 to {FILTERS_MAX - 1} as steps, got {filters}")


def _chain_of(aggregate: Aggregate) -> _Chain:
    return _Chain(tuple(sorted(aggregate.by)), aggregate.entering)


def _pair_of(aggregate: Aggregate, counted: str) -> _Chain:
    """The chain of key and counted value together: within it, neighbours are equal values of one key."""
    return _Chain(tuple(sorted({*aggregate.by, counted})), aggregate.entering)


def _chains(aggregates: Sequence[Aggregate]) -> list[_Chain]:
    chains = {_chain_of(a): None for a in aggregates}
    chains |= {_pair_of(a, a.of): None for a in aggregates if a.kind == "distinct" and a.of is not None}
    return list(chains)


def _table(rows: list[list[int]], columns: int) -> NDArray[np.int64]:
    return np.array(rows, dtype=np.int64).reshape(len(rows), columns)


class _Tables:
    """The tables while they grow, one chain after the other."""

    def __init__(
        self, chains: list[_Chain], ids: tuple[str, ...], values: tuple[str, ...], keeps_filters: bool
    ) -> None:
        self.chains = chains
        self.ids = ids
        self.values = values
        self.first_cell = 2 * (1 + len(values) + keeps_filters)
        self.chain_rows: list[list[int]] = []
        self.window_rows: list[list[int]] = []
        self.accumulator_rows: list[list[int]] = []
        self.output_rows: list[list[int]] = []
        self.cells = self.chain_cell(len(chains))

    def chain_cell(self, position: int) -> int:
        return self.first_cell + layout.CHAIN_CELLS * position

    def add_chain(self, position: int, chain: _Chain, features: list[tuple[int, Aggregate]]) -> None:
        first_window = len(self.window_rows)
        word = layout.SLOT_WINDOWS if features else layout.SLOT_NOW
        spans = dict.fromkeys((a.over_ms, a.delay_ms) for _, a in features)
        for over_ms, delay_ms in spans:
            word += self._add_window(
                word, over_ms, delay_ms, [(i, a) for i, a in features if (a.over_ms, a.delay_ms) == (over_ms, delay_ms)]
            )
        keys = [self.ids.index(key) for key in chain.keys]
        keys += [layout.NONE] * (layout.KEYS_MAX - len(keys))
        cell = self.chain_cell(position)
        self.chain_rows.append([chain.filters, cell, word, first_window, len(self.window_rows), position + 1, *keys])

    def _add_window(self, word: int, over_ms: int, delay_ms: int, features: list[tuple[int, Aggregate]]) -> int:
        """Adds one window with what its features need; returns its number of words."""
        first_accumulator, first_output = len(self.accumulator_rows), len(self.output_rows)
        block = _Block(self)
        extremes = [each for each in features if each[1].kind in _EXTREME_KINDS]
        for feature, aggregate in (each for each in features if each not in extremes):
            self.output_rows.append([feature, *block.output(aggregate)])
        first_extreme = len(self.accumulator_rows)
        for feature, aggregate in extremes:
            self.output_rows.append([feature, *block.output(aggregate)])
        self.window_rows.append(
            [
                over_ms,
                delay_ms,
                word,
                block.words,
                first_accumulator,
                first_extreme,
                len(self.accumulator_rows),
                first_output,
                len(self.output_rows),
            ]
        )
        return block.words


class _Block:
    """One window's block: each accumulator once, however many features read it."""

    def __init__(self, tables: _Tables) -> None:
        self.tables = tables
        self.words = layout.BLOCK_ACCUMULATORS
        self.placed: dict[tuple[int, int], int] = {}

    def accumulator(self, kind: int, of: int) -> int:
        """The word of the accumulator `kind` of column or cell `of`."""
        if (kind, of) not in self.placed:
            cell = layout.NONE
            if kind in (layout.MINIMUM, layout.MAXIMUM):
                cell = self.tables.cells
                self.tables.cells += layout.DEQUE_CELLS
            self.tables.accumulator_rows.append([kind, of, self.words, cell])
            self.placed[kind, of] = self.words
            self.words += 2 if kind == layout.SQUARES else 1
        return self.placed[kind, of]

    def output(self, aggregate: Aggregate) -> tuple[int, int, int, int]:
        """Kind and up to three arguments of the output that is `aggregate`'s value."""
        kind = aggregate.kind
        if kind == "count":
            return layout.OUT_WORD, layout.BLOCK_COUNT, 0, 0
        if kind == "distinct" and aggregate.of is not None:
            cell = self.tables.chain_cell(self.tables.chains.index(_pair_of(aggregate, aggregate.of)))
            return layout.OUT_WORD, self.accumulator(layout.DISTINCT, cell), 0, 0
        if kind in ("age", "gap", "is_new"):
            return {"age": layout.OUT_AGE, "gap": layout.OUT_GAP, "is_new": layout.OUT_IS_NEW}[kind], 0, 0, 0
        if kind == "sequence":
            unless = sum(1 << each for each in set(aggregate.unless))
            return layout.OUT_SEQUENCE, 1 + len(self.tables.values), _packed(aggregate.steps), unless
        if aggregate.of not in self.tables.values:
            return (layout.OUT_LAST_ROW if kind == "last" else layout.OUT_FIRST_ROW), 0, 0, 0
        column = 1 + self.tables.values.index(aggregate.of)
        match kind:
            case "last":
                return layout.OUT_LAST_VALUE, column, 0, 0
            case "first":
                return layout.OUT_FIRST_VALUE, column, 0, 0
            case "sum":
                return layout.OUT_WORD, self.accumulator(layout.SUM, column), 0, 0
            case "min":
                return layout.OUT_EXTREME, self.accumulator(layout.MINIMUM, column), column, 0
            case "max":
                return layout.OUT_EXTREME, self.accumulator(layout.MAXIMUM, column), column, 0
            case "mean":
                count, total = self.accumulator(layout.COUNT_OF, column), self.accumulator(layout.SUM, column)
                return layout.OUT_MEAN, total, count, 0
            case _:
                count, total = self.accumulator(layout.COUNT_OF, column), self.accumulator(layout.SUM, column)
                return layout.OUT_STD, total, count, self.accumulator(layout.SQUARES, column)


def _packed(steps: Sequence[int]) -> int:
    return sum((each + 1) << layout.STEP_BITS * place for place, each in enumerate(reversed(steps)))
