"""Judging a frame: which rules match each event, in columns where there are many and no score, else one by one."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.composition import Answer, Composer
from engine.features import type_table
from engine.frames import Frame
from rules import Input, Pack
from rules.columns import Columns
from rules.conditions import compile_scalar
from schemas import Value

KEPT_MAX = 1 << 16
"""So many different sets of matching rules have their answer kept."""

COLUMNS_MIN = 32
"""From so many events on, columns are faster than event by event."""


class Judge:
    """The rules of a pack that are not off, compiled both ways."""

    def __init__(self, pack: Pack, text_id: Callable[[str], int]) -> None:
        self.rules = tuple(rule for rule in pack.rules if rule.mode != "off")
        conditions = [rule.when for rule in self.rules]
        self._columns = Columns(conditions, text_id)
        self._scalar = compile_scalar(conditions)
        self._scores = [(index, read.name) for index, read in enumerate(self._scalar.inputs) if read.kind == "score"]
        self._composer = Composer(pack, self.rules)
        self._judges = type_table(rule.events for rule in self.rules)
        self._judges_all = bool(self._judges.all())
        self._kept: dict[bytes, Answer] = {}

    @property
    def inputs(self) -> frozenset[Input]:
        """Everything that conditions and reasons read."""
        return frozenset(self._columns.inputs) | self._composer.sentence_inputs

    def tails(self, frame: Frame, positions: Sequence[int], answers: Sequence[Answer]) -> list[str]:
        """The JSON of answers to the frame's events at `positions`, with the values that reasons tell."""
        return self._composer.tails(frame, positions, answers)

    def judge_columns(
        self, frame: Frame, codes: NDArray[np.intp], complete: NDArray[np.bool_] | None, unknown: tuple[str, ...]
    ) -> list[Answer]:
        """An answer for every event of a frame whose rules read no score."""
        columns = [frame.column(read) for read in self._columns.inputs]
        matched, missing = self._columns.evaluate(columns, frame.lists, frame.batch.timestamp_ms)
        if not self._judges_all:
            judges = self._judges[:, codes]
            matched &= judges
            missing &= judges
        for number, rule in enumerate(self.rules):
            if rule.on_missing == "match":
                matched[number] |= missing[number]
        doubtful: NDArray[np.bool_] = np.logical_or.reduce(missing, axis=0)
        if complete is not None:
            doubtful |= ~complete
        if unknown:
            doubtful[:] = True
        answers: list[Answer] = []
        kept = self._kept
        for at, (key, doubt) in enumerate(zip(_row_keys(matched), doubtful.tolist(), strict=True)):
            answer = None if doubt else kept.get(key)
            if answer is None:
                numbers = tuple(np.flatnonzero(matched[:, at]).tolist())
                lacking = np.flatnonzero(missing[:, at]).tolist()
                answer = self._answer(frame, at, numbers, lacking, complete, unknown)
                if not doubt:
                    if len(kept) >= KEPT_MAX:
                        kept.clear()
                    kept[key] = answer
            answers.append(answer)
        return answers

    def judge_rows(
        self, frame: Frame, codes: NDArray[np.intp], complete: NDArray[np.bool_] | None, unknown: tuple[str, ...]
    ) -> Iterator[Answer]:
        """An answer for one event after the other; an event's scores must be in the frame when it is its turn."""
        judges = [tuple(column) for column in self._judges.T.tolist()]
        times: list[int] = frame.batch.timestamp_ms.tolist()
        for at, (row, time, code) in enumerate(
            zip(frame.rows(self._scalar.inputs), times, codes.tolist(), strict=True)
        ):
            values: Sequence[Value] = row
            if self._scores:
                values, scores = list(row), frame.scores[at]
                for index, name in self._scores:
                    values[index] = scores[name]
            outcomes = self._scalar.evaluate(values, frame.lists, time)
            matched, missing = [], []
            if True in outcomes or None in outcomes:
                for number, (outcome, judging) in enumerate(zip(outcomes, judges[code], strict=True)):
                    if outcome is None and judging:
                        missing.append(number)
                    if judging and (outcome or (outcome is None and self.rules[number].on_missing == "match")):
                        matched.append(number)
            yield self._answer(frame, at, tuple(matched), missing, complete, unknown)

    def _answer(
        self, frame: Frame, at: int, matched: tuple[int, ...], missing: Sequence[int],
        complete: NDArray[np.bool_] | None, unknown: tuple[str, ...],
    ) -> Answer:  # fmt: skip
        degraded = bool(unknown)
        lacking = dict.fromkeys(unknown)
        for number in missing:
            rule = self.rules[number]
            degraded |= rule.on_missing == "degraded" and rule.mode == "live"
            for index in self._scalar.inputs_of[number]:
                read = self._scalar.inputs[index]
                if frame.value(read, at) is None:
                    lacking[_title(read)] = None
        if complete is not None and not complete[at]:
            degraded = True
            lacking["windows"] = None
        return self._composer.answer(matched, tuple(lacking), degraded)


def _row_keys(matched: NDArray[np.bool_]) -> list[bytes]:
    """For each event, bytes that are equal where the same rules match."""
    if not len(matched):
        return [b""] * matched.shape[1]
    bits = np.ascontiguousarray(np.packbits(matched, axis=0).T)
    keys: list[bytes] = bits.view(f"S{bits.shape[1]}").ravel().tolist()
    return keys


def _title(read: Input) -> str:
    """How a decision names an input that was missing."""
    prefix = {"score": "score.", "attribute": "attributes.", "list": "lists."}.get(read.kind, "")
    return prefix + read.name
