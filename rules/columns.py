"""Conditions for columns of many events, in numpy.

Truth is three-valued and kept as two masks: where a condition is true, and where it is possible (true or missing).
`and` and `or` work on each mask alone; where nothing is missing the second mask is left out and costs nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.layers import Layers
from rules.programs import compile_program
from rules.steps import Frame, Mask, Numbers, Step, Texts, step_of
from rules.syntax import Condition, Input, walk

Lists = Mapping[str, Mapping[str, int] | None]


class NumberColumn(msgspec.Struct, frozen=True):
    """int64, float64 or bool values of n events; `missing` is None where none is."""

    values: NDArray[Any]
    missing: Mask | None


class TextColumn(msgspec.Struct, frozen=True):
    """Texts of n events with their uint64 ids; a missing one is None with the id 0."""

    values: Sequence[str | None]
    ids: NDArray[np.uint64]


Column = NumberColumn | TextColumn


class Columns:
    """Compiled conditions; `inputs` and `inputs_of` are as in `rules.conditions.Scalar`."""

    def __init__(self, conditions: Sequence[Condition], text_id: Callable[[str], int]) -> None:
        program = compile_program(conditions)
        self.inputs: tuple[Input, ...] = program.inputs
        self.inputs_of: tuple[tuple[int, ...], ...] = program.inputs_of
        self._layers = Layers(program, text_id)
        self._program, self._conditions, self._text_id = program, conditions, text_id

    def evaluate(
        self, columns: Sequence[Column | None], lists: Lists, timestamp_ms: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where each condition matches, and where it is missing: two masks of shape [conditions, events].

        `columns` has one column for each of `inputs` (what stands at a list's place is not read), `lists` what each
        list holds (None or absent: not known). A missing number may have any value in its column.
        """
        with np.errstate(all="ignore"):
            true, possible = self._layers.evaluate(_frame(columns, lists, timestamp_ms))
        return true, np.zeros_like(true) if possible is None else possible != true

    def one_by_one(
        self, columns: Sequence[Column | None], lists: Lists, timestamp_ms: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_] | None]]:
        """As `evaluate`, condition after condition, for many that differ little: masks of shape [events].

        What several have in common is computed once, and let go when the last of them has used it. The second mask is
        None where nothing is missing.
        """
        frame = _frame(columns, lists, timestamp_ms)
        for number, (first, last) in enumerate(self._spans):
            with np.errstate(all="ignore"):
                for step in self._steps[first:last]:
                    frame.results.append(step(frame))
            masks = frame.results[self._program.outcomes[number]]
            true = np.broadcast_to(masks.true, len(timestamp_ms))
            yield true, None if masks.possible is None else np.not_equal(masks.possible, true)
            for done in self._done[number]:
                frame.results[done] = None

    @cached_property
    def _steps(self) -> list[Step]:
        indexes = {read: index for index, read in enumerate(self.inputs)}
        return [step_of(node, self._program.nodes, indexes, self._text_id) for node in self._program.nodes]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """For each condition the steps that it is the first to need."""
        needed = [0]
        for outcome in self._program.outcomes:
            needed.append(max(needed[-1], outcome + 1))
        return list(pairwise(needed))

    @cached_property
    def _done(self) -> list[list[int]]:
        """For each condition the nodes that no later one uses."""
        last: dict[int, int] = {}
        for number, condition in enumerate(self._conditions):
            last |= dict.fromkeys((self._program.nodes[node] for node in walk(condition.tree)), number)
        done: list[list[int]] = [[] for _ in self._conditions]
        for node, number in last.items():
            done[number].append(node)
        return done


def _frame(columns: Sequence[Column | None], lists: Lists, timestamp_ms: NDArray[np.int64]) -> Frame:
    return Frame([None if column is None else _load(column) for column in columns], lists, timestamp_ms)


def _load(column: Column) -> Numbers | Texts:
    if isinstance(column, NumberColumn):
        return Numbers(column.values, column.missing)
    absent = column.ids == 0
    return Texts(column.values, column.ids, absent if absent.any() else None)


def compile_columns(conditions: Sequence[Condition], text_id: Callable[[str], int]) -> Columns:
    """Compiles conditions for columns; `text_id` gives the id that a text has in `TextColumn.ids`."""
    return Columns(conditions, text_id)
