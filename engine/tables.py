"""The features of a frame's events, as the windows gave them: by column or by event, each made when first asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from rules.columns import NumberColumn
from schemas import Value
from windows import NULL


@dataclass(frozen=True, slots=True)
class FeatureForms:
    """How to read the features that `windows.WindowStore.update` gives as int64[features, events].

    `numbers` has the place of each, `floats` and `truths` the places of those that are float64 bits and truth values,
    and `texts` for each that is a row of the windows' log the field whose text is meant. Those that nobody reads need
    not be among them.
    """

    numbers: Mapping[str, int]
    floats: frozenset[int]
    truths: frozenset[int]
    texts: Mapping[int, str]


class FeatureTable:
    """The features of a frame; `texts` gives, for a field, the text of every row in the windows' log."""

    def __init__(self, forms: FeatureForms, raw: NDArray[np.int64], texts: Mapping[str, NDArray[np.object_]]) -> None:
        self._forms = forms
        self._raw = raw
        self._texts = texts
        self._rows: list[list[Value]] | None = None
        self._listed: dict[int, list[Value]] = {}

    @property
    def rows(self) -> list[list[Value]]:
        """For each event the value of every feature; None where missing."""
        if self._rows is not None:
            return self._rows
        rows: list[list[Value]] = self._raw.T.tolist()
        for row in rows:
            if NULL in row:
                row[:] = [None if each == NULL else each for each in row]
        for number in (*self._forms.floats, *self._forms.texts, *self._forms.truths):
            for row, value in zip(rows, self._list(number), strict=True):
                row[number] = value
        self._rows = rows
        return rows

    def values(self, name: str) -> list[Value]:
        """The feature's value for each event; None where missing."""
        number = self._forms.numbers[name]
        listed = self._listed.get(number)
        if listed is None:
            listed = self._listed[number] = self._list(number)
        return listed

    def value(self, name: str, at: int) -> Value:
        """The feature's value for event `at`; None where missing."""
        return self.values(name)[at]

    def _list(self, number: int) -> list[Value]:
        raw = self._raw[number]
        if number in self._forms.floats:
            return [None if isnan(each) else each for each in raw.view(np.float64).tolist()]
        if number in self._forms.texts:
            texts = self._texts[self._forms.texts[number]]
            return [None if at == NULL else texts[at] for at in raw.tolist()]
        values: list[Value] = raw.tolist()
        if number in self._forms.truths:
            return [None if each == NULL else bool(each) for each in values]
        return [None if each == NULL else each for each in values] if NULL in values else values

    def column(self, name: str) -> NumberColumn | Sequence[str | None]:
        """The feature as a column; a text feature as its texts."""
        number = self._forms.numbers[name]
        raw = self._raw[number]
        if number in self._forms.texts:
            texts: NDArray[np.object_] = self._texts[self._forms.texts[number]]
            return [None if at == NULL else texts[at] for at in raw.tolist()]
        if number in self._forms.floats:
            floats = raw.view(np.float64)
            missing = np.isnan(floats)
            return NumberColumn(floats, missing if missing.any() else None)
        missing = raw == NULL
        return NumberColumn(raw != 0 if number in self._forms.truths else raw, missing if missing.any() else None)
