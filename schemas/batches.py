"""Decoding: the bytes of a micro-batch become its events, two checked columns, and what had to be refused."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.decisions import RejectionCode
from schemas.events import PRICED, STRUCTS, AnyEvent, Correction, Event, Transaction
from schemas.money import AMOUNT_MAX, EXPONENTS, MoneyError, minor_units
from schemas.timestamps import EARLIEST_MS, LATEST_MS, TimestampError, epoch_ms

EVENT_BYTES_MAX = 65_536
"""A longer event is refused unread."""

COLUMN_MIN = 8
"""From so many amounts on, a column is faster than one by one."""

NULL = -(2**63)
"""Stands in an int64 column where an event has no value."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a batch was refused; `index` is its position in what was given to `decode`."""

    index: int
    reason: RejectionCode
    message: str


class Batch(msgspec.Struct, frozen=True):
    """Decoded events in order of arrival.

    `raws` are the events' bytes as they came. `timestamp_ms` and `amount_minor` are int64 columns of the events'
    length; an event that tells no amount has NULL. `rejections` are in order, and their indexes are positions among the
    bytes that came, not among the events.
    """

    events: list[Event]
    raws: Sequence[bytes]
    timestamp_ms: NDArray[np.int64]
    amount_minor: NDArray[np.int64]
    rejections: list[Rejection]

    def accepted(self) -> Sequence[int]:
        """Positions of the events among the bytes that came."""
        return _accepted(len(self.events) + len(self.rejections), self.rejections)

    def between(self, start: int, end: int) -> "Batch":
        """The events from `start` on, up to `end`, as a batch of their own without rejections."""
        times, amounts = self.timestamp_ms[start:end], self.amount_minor[start:end]
        return Batch(self.events[start:end], self.raws[start:end], times, amounts, [])


_decode_known: Callable[[bytes], Event] = msgspec.json.Decoder(AnyEvent).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_amount_of = attrgetter("amount")
_currency_of = attrgetter("currency")
_timestamp_of = attrgetter("timestamp")


def decode(raws: Sequence[bytes]) -> Batch:
    """Decodes and checks each of `raws`; what cannot be taken is a rejection and costs only itself."""
    events: list[Event] = []
    rejections: list[Rejection] = []
    suspect = not b"".join(raws).isascii() or (len(raws) > 0 and max(map(len, raws)) > EVENT_BYTES_MAX)
    pending = iter(raws)
    decode_one = _decode_checked if suspect else _decode_known
    while True:
        try:
            events.extend(map(decode_one, pending))
            break
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _TooLarge):
            index = len(events) + len(rejections)
            try:
                events.append(_decode_with_attributes(raws[index]))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _TooLarge) as error:
                rejections.append(Rejection(index, *_diagnosis(error)))
    try:
        times, amounts = _timestamps(events), _amounts(events)
    except (MoneyError, TimestampError):
        return _without_invalid(raws, events, rejections)
    kept = [raws[index] for index in _accepted(len(raws), rejections)] if rejections else raws
    return Batch(events, kept, times, amounts, rejections)


def _accepted(count: int, rejections: Sequence[Rejection]) -> Sequence[int]:
    """Positions of the others among `count`."""
    if not rejections:
        return range(count)
    refused = {rejection.index for rejection in rejections}
    return [index for index in range(count) if index not in refused]


class _TooLarge(Exception):
    pass


def _decode_checked(raw: bytes) -> Event:
    if len(raw) > EVENT_BYTES_MAX:
        raise _TooLarge(f"expected at most {EVENT_BYTES_MAX:,} bytes, got {len(raw):,}")
    if not raw.isascii():
        raw.decode()
    return _decode_known(raw)


def _decode_with_attributes(raw: bytes) -> Event:
    """As `_decode_known`, but fields that the event's struct does not have go to `attributes`."""
    try:
        return _decode_checked(raw)
    except msgspec.ValidationError as error:
        if not str(error).startswith("Object contains unknown field"):
            raise
    fields = _decode_object(raw)
    kind = fields["type"]
    known = STRUCTS[kind].__struct_fields__ if isinstance(kind, str) and kind in STRUCTS else ()
    unknown = [name for name in fields if name not in known and name != "type"]
    extra = {name: fields.pop(name) for name in unknown}
    metadata = fields.pop("metadata", None)
    event = cast(Event, msgspec.convert(fields, AnyEvent))
    event.attributes = extra | event.attributes
    if metadata is not None and isinstance(event, Transaction):
        event.metadata = msgspec.Raw(msgspec.json.encode(metadata))
    return event


def _timestamps(events: list[Event]) -> NDArray[np.int64]:
    given = list(map(_timestamp_of, events))
    try:
        if given and not (min(given) >= EARLIEST_MS and max(given) < LATEST_MS):
            raise TimestampError
    except TypeError:
        given = list(map(epoch_ms, given))
    return np.array(given, dtype=np.int64)


def _amounts(events: list[Event]) -> NDArray[np.int64]:
    try:
        if len(events) < COLUMN_MIN:
            return np.array(list(map(minor_units, map(_amount_of, events), map(_currency_of, events))), dtype=np.int64)
        given, currencies = list(map(_amount_of, events)), list(map(_currency_of, events))
    except AttributeError:
        return np.array([e.amount_minor if isinstance(e, PRICED) else NULL for e in events], dtype=np.int64)
    if len(set(currencies)) == 1:
        exponent = EXPONENTS.get(currencies[0])
        column = np.array(given)
        if exponent is not None and column.dtype == np.float64 and column.min() >= 0 and column.max() <= AMOUNT_MAX:
            scale = 10.0**exponent
            minor = np.rint(column * scale)
            if np.array_equal(minor / scale, column):
                return minor.astype(np.int64)
    return np.array(list(map(minor_units, given, currencies)), dtype=np.int64)


def _without_invalid(raws: Sequence[bytes], events: list[Event], rejections: list[Rejection]) -> Batch:
    """The same batch with one rejection more for each event whose amount or timestamp cannot be taken."""
    kept: list[Event] = []
    kept_raws: list[bytes] = []
    for index, event in zip(_accepted(len(raws), rejections), events, strict=True):
        try:
            _ = event.timestamp_ms, isinstance(event, PRICED) and event.amount_minor
        except TimestampError as error:
            rejections.append(Rejection(index, "invalid_timestamp", f"{error} - at `$.timestamp`"))
        except MoneyError as error:
            place = "$.amount" if cast(Transaction | Correction, event).currency in EXPONENTS else "$.currency"
            rejections.append(Rejection(index, "invalid_amount", f"{error} - at `{place}`"))
        else:
            kept.append(event)
            kept_raws.append(raws[index])
    rejections.sort(key=attrgetter("index"))
    return Batch(kept, kept_raws, _timestamps(kept), _amounts(kept), rejections)


_DIAGNOSES: tuple[tuple[str, RejectionCode], ...] = (
    (r"missing required field", "missing_field"),
    (r"Invalid value .* at `\$\.type`", "unknown_type"),
    (r"Expected `(str|array|object)` of length|Expected `int` [<>]=?|out of range", "invalid_value"),
    (r"^Expected ", "wrong_type"),
)


def _diagnosis(error: Exception) -> tuple[RejectionCode, str]:
    message = str(error)
    match error:
        case _TooLarge():
            return "too_large", message
        case UnicodeDecodeError():
            byte = error.object[error.start]
            return "invalid_utf8", f"expected UTF-8, got the byte {byte:#04x} at byte {error.start}"
        case RecursionError():
            return "not_json", "expected JSON of moderate depth, got one nested too deeply"
        case msgspec.ValidationError():
            for pattern, code in _DIAGNOSES:
                if re.search(pattern, message):
                    return code, message
            return "invalid_value", message
        case _:
            return "not_json", message
