"""The features of a frame's events, as the windows gave them: by column or by event, each made when first asked for."""

from collections.abc import Mapping, Sequence
from functools import cached_property
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

    @cached_property
    def values(self) -> dict[str, list[Value]]:
        """Every feature's value for each event; None where missing."""
        rows: list[list[Value]] = self._raw.tolist()
        for number in self._plan.floats:
            floats: list[float] = self._raw[number].view(np.float64).tolist()
            rows[number] = [None if isnan(value) else value for value in floats]
        for number, field in self._plan.texts.items():
            texts = self._texts[field]
            rows[number] = [NULL if row == NULL else texts[row] for row in self._raw[number].tolist()]
        for number in self._truths:
            rows[number] = [value if value == NULL else bool(value) for value in rows[number]]
        return {
            name: [None if value == NULL else value for value in row] if NULL in row else row
            for name, row in zip(self._names, rows, strict=True)
        }

    def column(self, name: str) -> NumberColumn | Sequence[str | None]:
        """The feature as a column; a text feature as its texts."""
        number = self._names[name]
        if number in self._plan.texts:
            return cast(list[str | None], self.values[name])
        raw = self._raw[number]
        if number in self._plan.floats:
            floats = raw.view(np.float64)
            missing = np.isnan(floats)
            return NumberColumn(floats, missing if missing.any() else None)
        missing = raw == NULL
        return NumberColumn(raw != 0 if number in self._truths else raw, missing if missing.any() else None)
