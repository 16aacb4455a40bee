"""Outcomes: which rules match an event and which are missing, as the bits of two integers; bit n is rule n."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.frames import Frame
from engine.rows import Rows
from rules import Input, Rule
from rules.columns import Columns
from rules.conditions import compile_scalar

COLUMNS_MIN = 32
"""From so many events on, columns are faster than event by event."""


class Conditions:
    """The conditions of some of a pack's rules, by the numbers they have in the engine, compiled both ways."""

    def __init__(self, rules: Mapping[int, Rule], features: Iterable[str], text_id: Callable[[str], int]) -> None:
        conditions = {number: rule.when for number, rule in rules.items()}
        self._numbers = list(rules)
        self._words = list(_words_of(self._numbers))
        self._columns = Columns(list(conditions.values()), text_id)
        self._scalar = compile_scalar(conditions)
        self.rows = Rows(self._scalar.inputs, features)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self._scalar.inputs

    def reads(self) -> dict[int, tuple[Input, ...]]:
        """What the condition of each rule reads."""
        return {
            number: tuple(self.inputs[index] for index in indexes)
            for number, indexes in zip(self._numbers, self._scalar.inputs_of, strict=True)
        }

    def outcomes(self, frame: Frame, positions: Sequence[int]) -> tuple[list[int], list[int]]:
        """For each event, which rules match and which are missing; those not at `positions` may have none."""
        if len(frame.events) >= COLUMNS_MIN:
            columns = [frame.column(read) for read in self._columns.inputs]
            matched, missing = self._columns.evaluate(columns, frame.lists, frame.moments_ms)
            return self._bits_of_events(matched), self._bits_of_events(missing)
        rows, moments = self.rows.of(frame), frame.moments
        hits, lacks = [0] * len(rows), [0] * len(rows)
        for at in positions:
            hits[at], lacks[at] = self.outcome(rows[at], frame, moments[at])
        return hits, lacks

    def outcome(self, values: Sequence[Any], frame: Frame, moment_ms: int) -> tuple[int, int]:
        """Which rules match and which are missing, with a value for each of `inputs`."""
        return self._scalar.evaluate(values, frame.lists, moment_ms)

    def _bits_of_events(self, masks: NDArray[np.bool_]) -> list[int]:
        """For each event the integer of its bits."""
        bits = [0] * masks.shape[1]
        if not masks.any():
            return bits
        for first, rows, shifts in self._words:
            shifted = masks[rows].astype(np.uint64)
            shifted <<= shifts
            word: list[int] = np.bitwise_or.reduce(shifted, axis=0).tolist()
            bits = [low | high << first for low, high in zip(bits, word, strict=True)] if first else word
        return bits


def _words_of(numbers: Sequence[int]) -> Iterator[tuple[int, slice, NDArray[np.uint64]]]:
    """For each word of 64 bits the first number in it, the places of its numbers, and their bits as a column."""
    for word, members in groupby(enumerate(numbers), lambda member: member[1] // 64):
        places, bits = zip(*((place, number % 64) for place, number in members), strict=True)
        yield 64 * word, slice(places[0], places[-1] + 1), np.array(bits, dtype=np.uint64)[:, None]


def bits_of(numbers: Iterable[int]) -> int:
    """The integer with these bits."""
    return sum(1 << number for number in numbers)


def numbers_of(bits: int) -> tuple[int, ...]:
    """The numbers of the bits of an integer."""
    return tuple(number for number in range(bits.bit_length()) if bits >> number & 1)
