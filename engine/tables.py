"""The features of a frame's events, as the windows gave them: by column or by event, each made when first asked for."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rules.columns import NumberColumn
from schemas import Value
from windows import NULL, Plan


class FeatureTable:
    """int64[features, events] of `windows.WindowStore.update`, and how each feature is to be read.

    `texts` gives, for an id column, the text of every row in the windows' log.
    """

    def __init__(
        self,
        names: Mapping[str, int],
        plan: Plan,
        truths: frozenset[int],
        raw: NDArray[np.int64],
        texts: Mapping[str, NDArray[np.object_]],
    ) -> None:
        self._names = names
        self._plan = plan
        self._truths = truths
        self._raw = raw
        self._texts = texts
        self._rows: list[list[Value]] | None = None

    @property
    def rows(self) -> list[list[Value]]:
        """For each event the value of every feature; None where missing."""
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> list[list[Value]]:
        raw: list[list[int]] = self._raw.T.tolist()
        rows: list[list[Value]] = [
            [None if each == NULL else each for each in row] if NULL in row else [*row] for row in raw
        ]
        for number in self._plan.floats:
            for row, value in zip(rows, self._raw[number].view(np.float64).tolist(), strict=True):
                row[number] = None if isnan(value) else value
        for number, field in self._plan.texts.items():
            texts = self._texts[field]
            for row, at in zip(rows, self._raw[number].tolist(), strict=True):
                row[number] = None if at == NULL else texts[at]
        for number in self._truths:
            for row in rows:
                row[number] = None if row[number] is None else bool(row[number])
        return rows

    def values(self, name: str) -> list[Value]:
        """The feature's value for each event; None where missing."""
        number = self._names[name]
        return [row[number] for row in self.rows]

    def value(self, name: str, at: int) -> Value:
        """The feature's value for event `at`; None where missing."""
        return self.rows[at][self._names[name]]

    def column(self, name: str) -> NumberColumn | Sequence[str | None]:
        """The feature as a column; a text feature as its texts."""
        number = self._names[name]
        if number in self._plan.texts:
            return cast(list[str | None], self.values(name))
        raw = self._raw[number]
        if number in self._plan.floats:
            floats = raw.view(np.float64)
            missing = np.isnan(floats)
            return NumberColumn(floats, missing if missing.any() else None)
        missing = raw == NULL
        return NumberColumn(raw != 0 if number in self._truths else raw, missing if missing.any() else None)
