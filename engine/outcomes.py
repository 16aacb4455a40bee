"""Outcomes: which rules match an event, are missing or failed, as the bits of three integers; bit n is rule n."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.frames import Frame
from engine.rows import Rows
from rules import Input, Rule
from rules.columns import Column, Columns, TextColumn
from rules.conditions import Scalar, compile_scalar

COLUMNS_MIN = 32
"""From so many events on, columns are faster than event by event."""

_SHIFTS = np.arange(8, dtype=np.uint64)[:, None]


class Outcomes(NamedTuple):
    """What became of a frame's events, one by one: which rules match each and which are missing.

    `failures` says by the place of an event which rules failed there: they neither match nor miss. `absent` says which
    of the conditions' inputs each event lacks; None where that was not looked at.
    """

    hits: list[int]
    lacks: list[int]
    failures: dict[int, int]
    absent: list[int] | None


class Conditions:
    """The conditions of some of a pack's rules, by the numbers they have in the engine, compiled both ways."""

    def __init__(self, rules: Mapping[int, Rule], features: Iterable[str], text_id: Callable[[str], int]) -> None:
        conditions = {number: rule.when for number, rule in rules.items()}
        self._numbers = list(rules)
        self._bits = np.array(self._numbers, dtype=np.intp)
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

    def outcomes(self, frame: Frame, positions: Sequence[int]) -> Outcomes:
        """The outcomes of the frame's events; those not at `positions` may have none."""
        if len(frame.events) >= COLUMNS_MIN:
            found = self._in_columns(frame)
            if found is not None:
                return found
        rows, moments = self.rows.of(frame), frame.moments
        hits, lacks, failures = [0] * len(rows), [0] * len(rows), {}
        for at in positions:
            hits[at], lacks[at], failed = self.outcome(rows[at], frame, moments[at])
            if failed:
                failures[at] = failed
        return Outcomes(hits, lacks, failures, None)

    def _in_columns(self, frame: Frame) -> Outcomes | None:
        """The outcomes, of all events at once; None where a condition raised, which is then sought event by event."""
        try:
            columns = [frame.column(read) for read in self.inputs]
            matched, missing = self._columns.evaluate(columns, frame.lists, frame.moments_ms)
        except Exception:  # noqa: BLE001 whatever a rule raises costs only itself
            return None
        hits = integers(matched, self._bits)
        if not missing.any():
            return Outcomes(hits, [0] * len(hits), {}, None)
        absent = np.array([_absent(*each, frame) for each in zip(self.inputs, columns, strict=True)])
        return Outcomes(hits, integers(missing, self._bits), {}, integers(absent, np.arange(len(absent))))

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


def _absent(read: Input, column: Column | None, frame: Frame) -> NDArray[np.bool_]:
    """Which events of the frame have no value for an input, bool[n]."""
    if isinstance(column, TextColumn):
        return np.equal(column.ids, 0)
    if column is None:
        return np.full(len(frame.events), frame.lists.get(read.name) is None)
    return np.zeros(len(frame.events), dtype=np.bool_) if column.missing is None else column.missing


def integers(masks: NDArray[np.bool_], numbers: NDArray[np.intp]) -> list[int]:
    """For each of the events whose columns the masks have, bool[rows, n], an integer: row r is bit `numbers[r]`.

    Numbers are in order.
    """
    count = masks.shape[1]
    if not masks.any():
        return [0] * count
    words = int(numbers[-1]) // 64 + 1
    bits = np.zeros((64 * words, -(-count // 8) * 8), dtype=np.bool_)
    bits[numbers, :count] = masks
    eights = bits.view(np.uint64).reshape(8 * words, 8, -1)
    eights <<= _SHIFTS
    octets = np.bitwise_or.reduce(eights, axis=1).view(np.uint8)[:, :count].T
    if words == 1:
        single: list[int] = np.ascontiguousarray(octets).view("<u8")[:, 0].tolist()
        return single
    width, octets_of_all = 8 * words, octets.tobytes()
    return [int.from_bytes(octets_of_all[at : at + width], "little") for at in range(0, count * width, width)]


def bits_of(numbers: Iterable[int]) -> int:
    """The integer with these bits."""
    return sum(1 << number for number in numbers)


def numbers_of(bits: int) -> tuple[int, ...]:
    """The numbers of the bits of an integer."""
    octets = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), dtype=np.uint8)
    numbers: list[int] = np.flatnonzero(np.unpackbits(octets, bitorder="little")).tolist()
    return tuple(numbers)
