"""A frame: one batch with everything conditions can read of it, as columns and event by event."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from rules import Input
from rules.columns import Column, NumberColumn, TextColumn
from schemas import EVENT_TYPES, Event, Transaction, Value
from schemas.batches import Batch
from windows import NULL, Hasher

Lists = Mapping[str, Mapping[str, int] | None]


class Frame:
    """The fields of a batch's events, read once each; features and scores join when they are known.

    `codes` are the events' types as numbers. An amount in another currency than the pack's is missing.
    """

    def __init__(self, batch: Batch, currency: str, texts: Sequence[str], hasher: Hasher, lists: Lists) -> None:
        self.batch = batch
        self.events: list[Event] = batch.events
        self.lists = lists
        self.features: dict[str, NumberColumn | list[str | None]] = {}
        self.scores: dict[tuple[str, int], float | None] = {}
        self._hasher = hasher
        self._currency = currency
        self._amounts: NumberColumn | None = None
        self._texts: dict[str, list[str | None]] = {name: self.read(name) for name in texts}
        joined: list[str | None] = []
        for values in self._texts.values():
            joined += values
        ids = hasher.ids(joined).reshape(len(texts), len(self.events))
        self._ids: dict[str, NDArray[np.uint64]] = dict(zip(texts, ids, strict=True))

    def read(self, field: str) -> list[str | None]:
        """A field of every event; None where its type has no such field."""
        try:
            return list(map(attrgetter(field), self.events))
        except AttributeError:
            return [getattr(event, field, None) for event in self.events]

    def ids(self, field: str) -> NDArray[np.uint64]:
        return self._ids[field]

    def texts(self, field: str) -> list[str | None]:
        return self._texts[field]

    def amounts(self) -> NumberColumn:
        """Amounts in minor units; missing where the event moves no money, or money of another currency."""
        if self._amounts is None:
            values = self.batch.amount_minor
            try:
                foreign = set(map(_currency_of, self.events)) != {self._currency}
            except AttributeError:
                foreign = True
            missing = None
            if foreign:
                ours = [isinstance(event, Transaction) and event.currency == self._currency for event in self.events]
                missing = ~np.array(ours, dtype=np.bool_)
                values = np.where(missing, NULL, values)
            self._amounts = NumberColumn(values, missing)
        return self._amounts

    def numbers(self, field: str) -> NumberColumn:
        """A number field as a column; NULL where missing."""
        if field == "amount":
            return self.amounts()
        return _number_column(self.read(field), np.int64, NULL)

    def column(self, wanted: Input) -> Column | None:
        """What conditions over columns read; None for a list, which they find in `lists`."""
        if wanted.kind == "list":
            return None
        if wanted.kind == "feature":
            feature = self.features[wanted.name]
            return feature if isinstance(feature, NumberColumn) else self._text_column(feature)
        if wanted.kind == "attribute":
            values = [self._attribute(wanted, event) for event in self.events]
            return self._text_column(values) if wanted.type == "text" else _number_column(values, np.float64, 0)
        if wanted.type == "text":
            return TextColumn(self._texts[wanted.name], self._ids[wanted.name])
        if wanted.type == "bool":
            return _number_column(self.read(wanted.name), np.bool_, 0)
        return self.numbers(wanted.name)

    def value(self, wanted: Input, at: int) -> Value:
        """The value for event `at`; None where missing. A list has None if nobody knows it, else True."""
        match wanted.kind:
            case "list":
                return True if self.lists.get(wanted.name) is not None else None
            case "score":
                return self.scores.get((wanted.name, at))
            case "feature":
                feature = self.features[wanted.name]
                return _number_at(feature, at) if isinstance(feature, NumberColumn) else feature[at]
            case "attribute":
                return self._attribute(wanted, self.events[at])
        return self.field(wanted.name, at)

    def field(self, name: str, at: int) -> Value:
        """A field of event `at`; None where missing."""
        if name == "amount":
            return _number_at(self.amounts(), at)
        value: Value = getattr(self.events[at], name, None)
        return value

    def type_codes(self, codes: Mapping[str, int]) -> NDArray[np.intp]:
        kinds = {struct: codes[name] for struct, name in EVENT_TYPES.items()}
        return np.fromiter(map(kinds.__getitem__, map(type, self.events)), dtype=np.intp, count=len(self.events))

    def _text_column(self, values: list[str | None]) -> TextColumn:
        return TextColumn(values, self._hasher.ids(values))

    def _attribute(self, wanted: Input, event: Event) -> Value:
        """An attribute of the type that the expression needs; one of another type counts as missing."""
        value: Value = event.attributes.get(wanted.name)
        match wanted.type:
            case "text":
                return value if isinstance(value, str) and value else None
            case "bool":
                return value if isinstance(value, bool) else None
            case _:
                return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_currency_of = attrgetter("currency")


def _number_column(values: Sequence[Value], kind: type[np.int64 | np.float64 | np.bool_], instead: int) -> NumberColumn:
    if None not in values:
        return NumberColumn(np.array(values, dtype=kind), None)
    filled = [instead if value is None else value for value in values]
    return NumberColumn(np.array(filled, dtype=kind), np.array([value is None for value in values], dtype=np.bool_))


def _number_at(column: NumberColumn, at: int) -> Value:
    if column.missing is not None and column.missing[at]:
        return None
    value: Value = column.values[at].item()
    return value
