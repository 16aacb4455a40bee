"""From the aggregates somebody wants to the tables the kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from windows import layout
from windows.filters import bits_of, packed

Kind = Literal[
    "count",
    "sum",
    "mean",
    "min",
    "max",
    "std",
    "distinct",
    "last",
    "first",
    "age",
    "gap",
    "is_new",
    "zscore",
    "rate",
    "percentile",
    "top_share",
    "distance",
    "speed",
    "sequence",
    "absence",
]

FILTERS_MAX = 63
"""Filters are bits of one word."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One feature: `kind` over the events of one key within `(t - delay - over, t - delay]`.

    `by` names one to four id columns. `of` names a value column (sum, mean, min, max, std, zscore, percentile), one of
    packed places (distance, speed), an id column (distinct, top_share), either (last, first), or a value column or None
    for the number of events (rate). `filter` is the number of the bit that an event's filter word must have set to
    enter. `least` is how many values besides the event's own a zscore needs, at least 2. A rate is one of the window's
    time to that of the time before it, from `t - delay - against` on. A percentile is the value at `share`, in
    thousandths of a percent, between the least, 0, and the largest, 100,000.

    A `sequence` says whether events that pass the filters `steps` have come before this event, one after the other,
    with none behind the first of them that passes one of the filters `unless`.

    An `absence` is asked about by probes: whether such steps have come, of which the last begins a wait, and after it
    none that passes one of the filters `ends`. As a feature it counts all of these events.
    """

    kind: Kind
    by: tuple[str, ...]
    over_ms: int
    of: str | None = None
    delay_ms: int = 0
    filter: int = 0
    least: int = 0
    against_ms: int = 0
    share: int = 0
    steps: tuple[int, ...] = ()
    unless: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @property
    def entering(self) -> int:
        """The bits of the filters of which an event must pass one to enter."""
        return bits_of({*self.steps, *self.unless, *self.ends}) if self.steps else 1 << self.filter

    @property
    def pair(self) -> tuple[str, ...]:
        """The columns of key and counted value together, for what counts values: neighbours there are equal values of
        one key. Else none.
        """
        if self.kind not in _PAIR_KINDS or self.of is None:
            return ()
        return tuple(sorted({*self.by, self.of}))

    @property
    def spans_ms(self) -> int:
        """How long its longest window is."""
        return self.against_ms if self.kind == "rate" else self.over_ms

    @property
    def reach_ms(self) -> int:
        """How far back it looks."""
        return self.spans_ms + self.delay_ms


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
    """The chain of each feature's window; the chains with windows are the first, and those that one reads behind it."""
    keeps_filters: bool
    """Whether rows have, behind their values, the filters that their event passed."""
    row_words: int
    reach_ms: int
    """How far back the longest window reaches."""


@dataclass(frozen=True, slots=True)
class _Chain:
    keys: tuple[str, ...]
    filters: int


_STRUCTURE_KINDS = ("min", "max", "percentile", "top_share")
_STEPPED: tuple[Kind, ...] = ("sequence", "absence")
_PLAIN_OUTPUTS: dict[Kind, tuple[int, ...]] = {
    "count": (layout.OUT_WORD, layout.BLOCK_COUNT),
    "absence": (layout.OUT_WORD, layout.BLOCK_COUNT),
    "age": (layout.OUT_AGE,),
    "gap": (layout.OUT_GAP,),
    "is_new": (layout.OUT_IS_NEW,),
}
_ROW_CELLS = {
    layout.MINIMUM: layout.DEQUE_CELLS,
    layout.MAXIMUM: layout.DEQUE_CELLS,
    layout.ORDER: layout.TREE_CELLS,
}
"""How many cells of a row a structure needs."""

_VALUE_KINDS = ("sum", "mean", "min", "max", "std", "zscore", "percentile", "distance", "speed")
_FLOAT_KINDS = ("mean", "std", "zscore", "rate", "percentile", "top_share", "distance", "speed")
_PAIR_KINDS = ("distinct", "top_share")


def plan_of(aggregates: Sequence[Aggregate], values: Sequence[str]) -> Plan:
    """The plan for `aggregates`, where `values` are the names that mean value columns. Raises ValueError."""
    for aggregate in aggregates:
        _check(aggregate, values)
    chains = _chains(aggregates)
    ids = tuple(sorted({key for chain in chains for key in chain.keys}))
    used_values = tuple(name for name in values if any(a.of == name for a in aggregates))
    keeps_filters = any(a.kind in _STEPPED for a in aggregates)
    tables = _Tables(chains, ids, used_values, keeps_filters)
    for position, chain in enumerate(chains):
        features = [(i, a) for i, a in enumerate(aggregates) if _chain_of(a) == chain]
        tables.add_chain(position, chain, [(i, part) for i, a in features for part in _parts(a)])
    tables.add_members()
    return Plan(
        aggregates=tuple(aggregates),
        ids=ids,
        values=used_values,
        chains=_table(tables.chain_rows, layout.CHAIN_COLUMNS),
        windows=_table(tables.window_rows, layout.WINDOW_COLUMNS),
        accumulators=_table(tables.accumulator_rows, layout.ACCUMULATOR_COLUMNS),
        outputs=_table(tables.output_rows, layout.OUTPUT_COLUMNS),
        floats=tuple(i for i, a in enumerate(aggregates) if a.kind in _FLOAT_KINDS),
        texts={
            i: a.of for i, a in enumerate(aggregates) if a.kind in ("last", "first") and a.of and a.of not in values
        },
        chain_of=np.array([chains.index(_chain_of(a)) for a in aggregates], dtype=np.intp),
        keeps_filters=keeps_filters,
        row_words=(tables.cells + 1) // 2,
        reach_ms=max((a.reach_ms for a in aggregates), default=0),
    )


def _check(aggregate: Aggregate, values: Sequence[str]) -> None:
    if not 1 <= len(set(aggregate.by)) == len(aggregate.by) <= layout.KEYS_MAX:
        raise ValueError(f"expected one to {layout.KEYS_MAX} different key columns, got {aggregate.by}")
    if aggregate.over_ms <= 0 or aggregate.delay_ms < 0:
        raise ValueError(f"expected over_ms > 0 and delay_ms >= 0, got {aggregate.over_ms} and {aggregate.delay_ms}")
    if not 0 <= aggregate.filter < FILTERS_MAX:
        raise ValueError(f"expected a filter from 0 to {FILTERS_MAX - 1}, got {aggregate.filter}")
    if aggregate.kind in _STEPPED:
        _check_steps(aggregate)
    if aggregate.kind in _VALUE_KINDS and aggregate.of not in values:
        raise ValueError(f"expected `{aggregate.kind}` of a value column ({', '.join(values)}), got {aggregate.of}")
    _check_own(aggregate, values)
    if aggregate.kind in _PAIR_KINDS and (aggregate.of is None or aggregate.of in values):
        raise ValueError(f"expected `{aggregate.kind}` of an id column, got {aggregate.of}")
    if aggregate.kind in _PAIR_KINDS and len({*aggregate.by, aggregate.of}) > layout.KEYS_MAX:
        most = layout.KEYS_MAX - 1
        raise ValueError(f"expected `{aggregate.kind}` by at most {most} key columns, got {aggregate.by}")
    if aggregate.kind in ("last", "first") and aggregate.of is None:
        raise ValueError(f"expected `{aggregate.kind}` of a column, got {aggregate.of}")


def _check_own(aggregate: Aggregate, values: Sequence[str]) -> None:
    """What only some kinds have."""
    if aggregate.kind == "zscore" and aggregate.least < 2:
        raise ValueError(f"expected at least 2 values for a `zscore`, got {aggregate.least}")
    if aggregate.kind == "rate" and aggregate.of not in (None, *values):
        raise ValueError(f"expected `rate` of a value column or of events, got {aggregate.of}")
    if aggregate.kind == "rate" and aggregate.against_ms <= aggregate.over_ms:
        raise ValueError(f"expected against_ms above over_ms {aggregate.over_ms}, got {aggregate.against_ms}")
    if not 0 <= aggregate.share <= 100_000:
        raise ValueError(f"expected a share from 0 to 100,000, got {aggregate.share}")


def _check_steps(sequence: Aggregate) -> None:
    if not 1 <= len(sequence.steps) <= layout.STEPS_MAX:
        raise ValueError(f"expected a sequence of 1 to {layout.STEPS_MAX} steps, got {len(sequence.steps)}")
    filters = (*sequence.steps, *sequence.unless, *sequence.ends)
    if not all(0 <= each < FILTERS_MAX for each in filters):
        raise ValueError(f"expected filters from 0 to {FILTERS_MAX - 1} as steps, got {filters}")


def _chain_of(aggregate: Aggregate) -> _Chain:
    return _Chain(tuple(sorted(aggregate.by)), aggregate.entering)


def _parts(aggregate: Aggregate) -> tuple[Aggregate, ...]:
    """What windows have to tell for the aggregate: a rate's shorter one puts its sum where the longer one finds it."""
    if aggregate.kind != "rate":
        return (aggregate,)
    return replace(aggregate, kind="sum" if aggregate.of else "count"), aggregate


def _span(aggregate: Aggregate) -> tuple[int, int]:
    """Length and delay of the window that tells the aggregate."""
    return aggregate.spans_ms, aggregate.delay_ms


def _pair_of(aggregate: Aggregate) -> _Chain:
    return _Chain(aggregate.pair, aggregate.entering)


def _chains(aggregates: Sequence[Aggregate]) -> list[_Chain]:
    chains = dict.fromkeys(sorted(map(_chain_of, aggregates), key=lambda chain: len(chain.keys)))
    chains |= {_pair_of(a): None for a in aggregates if a.pair}
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
        for over_ms, delay_ms in sorted({_span(a) for _, a in features}):
            told = [(i, a) for i, a in features if _span(a) == (over_ms, delay_ms)]
            word += self._add_window(word, over_ms, delay_ms, told)
        keys = [self.ids.index(key) for key in chain.keys]
        keys += [layout.NONE] * (layout.KEYS_MAX - len(keys))
        cell = self.chain_cell(position)
        self.chain_rows.append([chain.filters, cell, word, first_window, len(self.window_rows), position + 1, *keys])

    def add_members(self) -> None:
        """Gives each tree of counts its word in the slots of the pairs that it counts."""
        for accumulator in self.accumulator_rows:
            if accumulator[layout.ACCUMULATOR_KIND] == layout.TOP:
                cells = [chain[layout.CHAIN_CELL] for chain in self.chain_rows]
                pair = self.chain_rows[cells.index(accumulator[layout.ACCUMULATOR_OF])]
                word = max(pair[layout.CHAIN_WORDS], layout.SLOT_WINDOWS)
                accumulator[layout.ACCUMULATOR_CELL] = word
                pair[layout.CHAIN_WORDS] = word + layout.MEMBER_WORDS

    def _add_window(self, word: int, over_ms: int, delay_ms: int, features: list[tuple[int, Aggregate]]) -> int:
        """Adds one window with what its features need; returns its number of words."""
        first_accumulator, first_output = len(self.accumulator_rows), len(self.output_rows)
        block = _Block(self)
        structures = [each for each in features if each[1].kind in _STRUCTURE_KINDS]
        for feature, aggregate in (each for each in features if each not in structures):
            self._add_output(feature, block.output(aggregate))
        first_structure = len(self.accumulator_rows)
        for feature, aggregate in structures:
            self._add_output(feature, block.output(aggregate))
        self.window_rows.append(
            [
                over_ms,
                delay_ms,
                word,
                block.words,
                first_accumulator,
                first_structure,
                len(self.accumulator_rows),
                first_output,
                len(self.output_rows),
            ]
        )
        return block.words

    def _add_output(self, feature: int, output: tuple[int, ...]) -> None:
        self.output_rows.append([feature, *output, *[0] * (layout.OUTPUT_COLUMNS - 1 - len(output))])


class _Block:
    """One window's block: each accumulator once, however many features read it."""

    def __init__(self, tables: _Tables) -> None:
        self.tables = tables
        self.words = layout.BLOCK_ACCUMULATORS
        self.placed: dict[tuple[int, int], int] = {}

    def number(self, kind: int, of: int) -> int:
        """The row in the table of the accumulator `kind` of column or cell `of`."""
        if (kind, of) not in self.placed:
            cell, rows = layout.NONE, self.tables.accumulator_rows
            if kind in _ROW_CELLS:
                cell = self.tables.cells
                self.tables.cells += _ROW_CELLS[kind]
            self.placed[kind, of] = len(rows)
            rows.append([kind, of, self.words, cell])
            self.words += 2 if kind in (layout.SQUARES, layout.TOP) else 1
        return self.placed[kind, of]

    def accumulator(self, kind: int, of: int) -> int:
        """The word of that accumulator."""
        return self.tables.accumulator_rows[self.number(kind, of)][layout.ACCUMULATOR_WORD]

    def output(self, aggregate: Aggregate) -> tuple[int, ...]:
        """The kind and the arguments of the output that is `aggregate`'s value."""
        kind = aggregate.kind
        if kind in _PLAIN_OUTPUTS:
            return _PLAIN_OUTPUTS[kind]
        if kind == "rate":
            total = layout.BLOCK_COUNT
            if aggregate.of is not None:
                total = self.accumulator(layout.SUM, 1 + self.tables.values.index(aggregate.of))
            return layout.OUT_RATE, total, aggregate.over_ms, aggregate.against_ms - aggregate.over_ms
        if aggregate.pair:
            cell = self.tables.chain_cell(self.tables.chains.index(_pair_of(aggregate)))
            if kind == "top_share":
                return layout.OUT_TOP_SHARE, self.number(layout.TOP, cell)
            return layout.OUT_WORD, self.accumulator(layout.DISTINCT, cell)
        if kind == "sequence":
            column = 1 + len(self.tables.values)
            return layout.OUT_SEQUENCE, column, packed(aggregate.steps), bits_of(aggregate.unless)
        if aggregate.of not in self.tables.values:
            return (layout.OUT_LAST_ROW if kind == "last" else layout.OUT_FIRST_ROW,)
        return self._of_values(aggregate, 1 + self.tables.values.index(aggregate.of))

    def _of_values(self, aggregate: Aggregate, column: int) -> tuple[int, ...]:
        kind = aggregate.kind
        match kind:
            case "last":
                return layout.OUT_LAST_VALUE, column
            case "first":
                return layout.OUT_FIRST_VALUE, column
            case "sum":
                return layout.OUT_WORD, self.accumulator(layout.SUM, column)
            case "min":
                return layout.OUT_EXTREME, self.accumulator(layout.MINIMUM, column), column
            case "max":
                return layout.OUT_EXTREME, self.accumulator(layout.MAXIMUM, column), column
            case "distance":
                return layout.OUT_DISTANCE, column
            case "speed":
                return layout.OUT_SPEED, column
            case "percentile":
                return layout.OUT_PERCENTILE, self.number(layout.ORDER, column), aggregate.share
        count, total = self.accumulator(layout.COUNT_OF, column), self.accumulator(layout.SUM, column)
        if kind == "mean":
            return layout.OUT_MEAN, total, count
        squares = self.accumulator(layout.SQUARES, column)
        if kind == "std":
            return layout.OUT_STD, total, count, squares
        return layout.OUT_ZSCORE, total, count, squares, column, aggregate.least
