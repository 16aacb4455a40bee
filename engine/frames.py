"""A frame: one batch with everything conditions can read of it, as columns and event by event."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from math import nan
from operator import attrgetter
from sys import float_info
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.exchange import Exchange
from engine.fields import Fields
from engine.tables import FeatureTable
from rules import Input, ValueType
from rules.columns import Column, NumberColumn, TextColumn
from rules.fields import PLACE_FIELDS
from rules.syntax import CARRIED
from schemas import STRUCTS, Event, Value
from schemas.batches import Batch
from windows import NULL, Hasher, pack

FLOAT_MAX = float_info.max
"""An integer beyond it has no float, and counts as missing."""

Lists = Mapping[str, Mapping[str, int] | None]
Profiles = Mapping[str, Mapping[str, str]]
NO_PROFILES: Profiles = MappingProxyType({})


class Frame:
    """The fields of a batch's events, read once each; features and scores join when they are known, and how far the
    stream had surely come at each event.

    `texts` are the text fields that anybody reads; `text_ids` has a column of ids for each of them. The events' names
    are what identifies them, with an id for each. `kinds` are the events' types as numbers, `type_ids` the ids of the
    types' names. `contents` has a hash of each event's bytes. Amounts are in the pack's currency, as `exchange` says.
    """

    def __init__(
        self,
        batch: Batch,
        exchange: Exchange,
        texts: Fields,
        hasher: Hasher,
        lists: Lists,
        type_ids: NDArray[np.uint64],
        profiles: Profiles,
    ) -> None:
        self.batch = batch
        self.events: list[Event] = batch.events
        self.kinds = kinds_of(batch.events)
        self.kinds_present = frozenset(self.kinds)
        self._codes: NDArray[np.intp] | None = None
        self.times: list[int] = batch.timestamp_ms.tolist()
        self.moments_ms = batch.timestamp_ms
        self.moments = self.times
        self.lists = lists
        self._profiles = profiles
        self.features: FeatureTable
        self.reached_ms: NDArray[np.int64]
        self.scores: dict[int, dict[str, float | None]] = {}
        self._hasher = hasher
        self._exchange = exchange
        self._amounts: NumberColumn | None = None
        self._fields: dict[str, Sequence[Value]] = {}
        self._text_names = texts.names
        self._texts: list[tuple[str | None, ...]] = texts.of(batch.events)
        self.names = names_of(batch.events)
        hashes = hasher.hashes([*chain.from_iterable(self._texts), *self.names], batch.raws)
        count, width = len(batch.events), len(texts.names)
        self.text_ids: NDArray[np.uint64] = hashes[: count * width].reshape(count, width)
        self.name_ids: NDArray[np.uint64] = hashes[count * width : -count]
        self.contents: NDArray[np.uint64] = hashes[-count:]
        self._type_ids = type_ids

    @property
    def codes(self) -> NDArray[np.intp]:
        """`kinds` as a column."""
        if self._codes is None:
            self._codes = np.array(self.kinds, dtype=np.intp)
        return self._codes

    def judge_as_of(self, moments_ms: NDArray[np.int64]) -> None:
        """Lets conditions see each event as of another moment than its own time."""
        self.moments_ms, self.moments = moments_ms, moments_ms.tolist()

    def read(self, field: str) -> list[str | None]:
        """A field of every event; None where its type has no such field."""
        if field == "type":
            return list(map(_TYPES.__getitem__, self.kinds))
        try:
            return list(map(attrgetter(field), self.events))
        except AttributeError:
            return [getattr(event, field, None) for event in self.events]

    def ids(self, field: str) -> NDArray[np.uint64]:
        return self._type_ids[self.codes] if field == "type" else self.text_ids[:, self._text_names.index(field)]

    def texts(self, field: str) -> list[str | None]:
        place = self._text_names.index(field)
        return [texts[place] for texts in self._texts]

    def amounts(self) -> NumberColumn:
        """Amounts in minor units of the pack's currency, as `Exchange.amounts` says."""
        if self._amounts is None:
            self._amounts = self._exchange.amounts(self.batch)
        return self._amounts

    def numbers(self, field: str) -> NumberColumn:
        """A number field as a column; where missing NULL, or NaN in a part of a place."""
        if field == "amount":
            return self.amounts()
        if field in PLACE_FIELDS:
            return _number_column(self.read(field), np.float64, nan)
        return _number_column(self.read(field), np.int64, NULL)

    def window_values(self, field: str) -> NDArray[np.int64]:
        """A field as the windows keep it, NULL where missing; `geo` is the place."""
        if field == "geo":
            latitudes, longitudes = (self.numbers(each).values for each in PLACE_FIELDS)
            return pack(latitudes, longitudes)
        return self.numbers(field).values

    def column(self, wanted: Input) -> Column | None:
        """What conditions over columns read; None for a list, which they find in `lists`."""
        if wanted.kind == "list":
            return None
        if wanted.kind == "feature":
            feature = self.features.column(wanted.name)
            return feature if isinstance(feature, NumberColumn) else self._text_column(feature)
        if wanted.kind == "score":
            scores = [self.scores[at][wanted.name] if at in self.scores else None for at in range(len(self.events))]
            return _number_column(scores, np.float64, 0)
        if wanted.kind in CARRIED:
            values = [self._carried(wanted, event) for event in self.events]
            if wanted.type == "text":
                return self._text_column([value if isinstance(value, str) else None for value in values])
            return _number_column(values, np.bool_ if wanted.type == "bool" else np.float64, 0)
        if wanted.type == "text":
            return TextColumn(self.read(wanted.name), self.ids(wanted.name))
        if wanted.type == "bool":
            return _number_column(self.read(wanted.name), np.bool_, 0)
        return self.numbers(wanted.name)

    def listed(self, wanted: Input) -> Sequence[Value]:
        """An attribute, a field or what the profile has, of every event; None where missing, and at a score's or list's
        place.
        """
        if wanted.kind == "field":
            return self.fields(wanted.name)
        if wanted.kind in CARRIED:
            return [self._carried(wanted, event) for event in self.events]
        return [None] * len(self.events)

    def fields(self, name: str) -> Sequence[Value]:
        """A field of every event; None where missing."""
        found = self._fields.get(name)
        if found is None:
            found = self._fields[name] = self._amounts_listed() if name == "amount" else self.read(name)
        return found

    def _amounts_listed(self) -> Sequence[Value]:
        values: list[int] = self.amounts().values.tolist()
        return [None if value == NULL else value for value in values] if NULL in values else values

    def values(self, wanted: Input, positions: Sequence[int]) -> list[Value]:
        """The values for the events at `positions`; None where missing."""
        if wanted.kind not in ("feature", "field"):
            return [self.value(wanted, at) for at in positions]
        column = self.features.values(wanted.name) if wanted.kind == "feature" else self.fields(wanted.name)
        return [column[at] for at in positions]

    def value(self, wanted: Input, at: int) -> Value:
        """The value for event `at`; None where missing. A list has None if nobody knows it, else True."""
        match wanted.kind:
            case "list":
                return True if self.lists.get(wanted.name) is not None else None
            case "score":
                return self.scores[at][wanted.name]
            case "feature":
                return self.features.value(wanted.name, at)
            case "attribute" | "profile":
                return self._carried(wanted, self.events[at])
        if wanted.name == "amount":
            return _number_at(self.amounts(), at)
        value: Value = getattr(self.events[at], wanted.name, None)
        return value

    def _text_column(self, values: Sequence[str | None]) -> TextColumn:
        return TextColumn(values, self._hasher.ids(values))

    def _carried(self, wanted: Input, event: Event) -> Value:
        """An attribute or a fact of the profile; missing where it is not of the type that the expression needs."""
        if wanted.kind == "profile":
            return _fact(self._profiles.get(event.user_id, {}).get(wanted.name, ""), wanted.type)
        value: Value = event.attributes.get(wanted.name)
        match wanted.type:
            case "text":
                return value if isinstance(value, str) and value else None
            case "bool":
                return value if isinstance(value, bool) else None
            case _:
                if not isinstance(value, int | float) or isinstance(value, bool):
                    return None
                return float(value) if -FLOAT_MAX <= value <= FLOAT_MAX else None


_NUMBER = re.compile(r"-?\d{1,300}(\.\d{1,300})?", re.ASCII)


def _fact(text: str, kind: ValueType) -> Value:
    """What a text of the profile means; None where it means nothing of that type."""
    match kind:
        case "text":
            return text or None
        case "bool":
            return text == "true" if text in ("true", "false") else None
        case _:
            return float(text) if _NUMBER.fullmatch(text) else None


_transaction_id_of = attrgetter("transaction_id")


def names_of(events: Sequence[Event]) -> list[str]:
    """What each event is called: its `transaction_id` or its `event_id`."""
    try:
        return list(map(_transaction_id_of, events))
    except AttributeError:
        return [event.id for event in events]


def kinds_of(events: Sequence[Event]) -> list[int]:
    """The type of each event as a number."""
    return list(map(_CODES.__getitem__, map(type, events)))


_TYPES: list[str | None] = list(STRUCTS)
_CODES = {struct: code for code, struct in enumerate(STRUCTS.values())}


def _number_column(
    values: Sequence[Value], kind: type[np.int64 | np.float64 | np.bool_], instead: float
) -> NumberColumn:
    if None not in values:
        return NumberColumn(np.array(values, dtype=kind), None)
    filled = [instead if value is None else value for value in values]
    return NumberColumn(np.array(filled, dtype=kind), np.array([value is None for value in values], dtype=np.bool_))


def _number_at(column: NumberColumn, at: int) -> Value:
    if column.missing is not None and column.missing[at]:
        return None
    value: Value = column.values[at].item()
    return value
