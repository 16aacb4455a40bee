"""Outcomes: which rules match an event, are missing or failed, as the bits of three integers; bit n is rule n."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.frames import Frame
from engine.rows import Rows
from rules import Input, Rule
from rules.columns import Columns
from rules.conditions import Scalar, compile_scalar

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
        self._conditions = conditions
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

    def outcomes(self, frame: Frame, positions: Sequence[int]) -> tuple[list[int], list[int], dict[int, int]]:
        """For each event, which rules match and which are missing; those not at `positions` may have none.

        For the events, by their place, for which rules failed, also which those are: they neither match nor miss.
        """
        if len(frame.events) >= COLUMNS_MIN:
            masks = self._in_columns(frame)
            if masks is not None:
                return self._bits_of_events(masks[0]), self._bits_of_events(masks[1]), {}
        rows, moments = self.rows.of(frame), frame.moments
        hits, lacks, failures = [0] * len(rows), [0] * len(rows), {}
        for at in positions:
            hits[at], lacks[at], failed = self.outcome(rows[at], frame, moments[at])
            if failed:
                failures[at] = failed
        return hits, lacks, failures

    def _in_columns(self, frame: Frame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
        """Where each condition matches and is missing; None where one raised, which is then sought event by event."""
        try:
            columns = [frame.column(read) for read in self._columns.inputs]
            return self._columns.evaluate(columns, frame.lists, frame.moments_ms)
        except Exception:  # noqa: BLE001 whatever a rule raises costs only itself
            return None

    def outcome(self, values: Sequence[Any], frame: Frame, moment_ms: int) -> tuple[int, int, int]:
        """Which rules match, which are missing and which failed, with a value for each of `inputs`."""
        try:
            hit, lack = self._scalar.evaluate(values, frame.lists, moment_ms)
        except Exception:  # noqa: BLE001 whatever a rule raises costs only itself
            return self._one_by_one(values, frame, moment_ms)
        return hit, lack, 0

    def _one_by_one(self, values: Sequence[Any], frame: Frame, moment_ms: int) -> tuple[int, int, int]:
        """As `outcome`, each condition by itself."""
        hit = lack = failed = 0
        for number, alone, indexes in zip(self._numbers, self._alone, self._scalar.inputs_of, strict=True):
            try:
                its_hit, its_lack = alone.evaluate([values[index] for index in indexes], frame.lists, moment_ms)
            except Exception:  # noqa: BLE001 as above
                failed |= 1 << number
            else:
                hit |= its_hit
                lack |= its_lack
        return hit, lack, failed

    @cached_property
    def _alone(self) -> list[Scalar]:
        return [compile_scalar({number: condition}) for number, condition in self._conditions.items()]

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
