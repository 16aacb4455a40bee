"""Recounting: what a feature says of one event, from a plain scan of the events that came before it.

The engine never uses this. It names the events behind a value, and its own result is held against the engine's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import asin, ceil, cos, floor, isclose, radians, sin, sqrt
from statistics import mean, stdev
from typing import Literal, Protocol

from rules import Feature, Filter
from rules.conditions import Scalar, compile_scalar
from rules.fields import PLACE_FIELDS
from rules.models import FilterKey
from schemas import Event, Value
from windows.places import EARTH_KM

Fate = Literal["counted", "late", "future", "repeated", "conflicting"]
"""What became of an event when it came; all but the first are in no window."""

_UNITS = 1e7
"""Windows keep places in tens of millionths of a degree."""


class Happening(Protocol):
    """An event in order of arrival. `moment_ms` is as of when it counts; `id`, `type` and `user_id` are None where they
    are not known.
    """

    @property
    def id(self) -> str | None: ...

    @property
    def type(self) -> str | None: ...

    @property
    def user_id(self) -> str | None: ...

    @property
    def moment_ms(self) -> int: ...

    @property
    def fate(self) -> Fate: ...

    def value(self, field: str) -> Value:
        """A field of the event, money in minor units of the pack's currency, as reversals and corrections changed it;
        of a text of which nothing but a hash is known, that.
        """

    def text(self, field: str) -> str | None:
        """A text as it is shown; None where it is not known."""

    def passes(self, wanted: Filter) -> bool:
        """Whether it is one of those that a filter lets into a window."""


class Filters:
    """The filters of a pack for one event, compiled when first asked for."""

    def __init__(self) -> None:
        self._compiled: dict[FilterKey, Scalar] = {}

    def let_in(self, wanted: Filter, event: Event, amount_minor: int | None) -> bool:
        """Whether the event, which tells this amount, is one of those that enter."""
        if event.type not in wanted.events:
            return False
        if wanted.where is None:
            return True
        condition = self._compiled.get(wanted.key)
        if condition is None:
            condition = self._compiled[wanted.key] = compile_scalar({0: wanted.where})
        values: list[Value] = [
            amount_minor if read.name == "amount" else getattr(event, read.name, None) for read in condition.inputs
        ]
        return condition.evaluate(values, {}, 0)[0] != 0


@dataclass(slots=True)
class Told:
    """A happening of which the whole event is known. `told_minor` is the amount in the pack's currency as it was told:
    that is what a `where` saw. `amount_minor` is the one of now.
    """

    event: Event
    moment_ms: int
    fate: Fate
    told_minor: int | None
    amount_minor: int | None
    filters: Filters

    @property
    def id(self) -> str | None:
        return self.event.id

    @property
    def type(self) -> str | None:
        return self.event.type

    @property
    def user_id(self) -> str | None:
        return self.event.user_id

    def value(self, field: str) -> Value:
        value: Value = self.amount_minor if field == "amount" else getattr(self.event, field, None)
        return value

    def text(self, field: str) -> str | None:
        value = self.value(field)
        return None if value is None else str(value)

    def passes(self, wanted: Filter) -> bool:
        return self.filters.let_in(wanted, self.event, self.told_minor)


Key = tuple[Value, ...]


@dataclass(frozen=True)
class Window:
    """What lies in a feature's window as of one event, by time, simultaneous events in order of arrival.

    `counted` entered it, the event itself among them where it did; `before` are those of a rate's longer window that
    `counted` leaves out. `left_out` lie there by their own time, but did not enter.
    """

    feature: Feature
    event: Happening
    high_ms: int
    counted: tuple[Happening, ...]
    before: tuple[Happening, ...]
    left_out: tuple[Happening, ...]

    @cached_property
    def earlier(self) -> tuple[Happening, ...]:
        """Those counted without the event itself."""
        return tuple(each for each in self.counted if each is not self.event)


class Scan:
    """Collects the events that share a key of `features` with the explained one, whose keys `keys` gives by fields."""

    def __init__(self, features: Iterable[Feature], keys: Callable[[tuple[str, ...]], Key]) -> None:
        self._features = tuple(features)
        found = {feature.by: keys(feature.by) for feature in self._features}
        self.keys: Mapping[tuple[str, ...], Key] = {by: key for by, key in found.items() if None not in key}
        self.kept: list[Happening] = []

    def windows(self) -> dict[str, Window]:
        """The window of each feature by name, as of the last event that was kept; none where that has no key."""
        return {each.name: self._window(each) for each in self._features if each.by in self.keys}

    def _window(self, feature: Feature) -> Window:
        event, key = self.kept[-1], self.keys[feature.by]
        high_ms = event.moment_ms - feature.delay_ms
        low_ms, far_ms = high_ms - feature.over_ms, high_ms - max(feature.over_ms, feature.against_ms)
        chain = [
            each
            for each in self.kept
            if far_ms < each.moment_ms <= high_ms
            and tuple(each.value(name) for name in feature.by) == key
            and any(each.passes(one) for one in feature.filters)
        ]
        chain.sort(key=lambda each: each.moment_ms)
        entered = [each for each in chain if each.fate == "counted"]
        return Window(
            feature,
            event,
            high_ms,
            tuple(each for each in entered if each.moment_ms > low_ms),
            tuple(each for each in entered if each.moment_ms <= low_ms),
            tuple(each for each in chain if each.fate != "counted" and each is not event),
        )


def sequence_of(window: Window) -> tuple[Happening, ...]:
    """One choice of events that are the steps of a sequence, the latest that there is; none where none is."""
    feature, events = window.feature, window.earlier
    for place in range(len(events) - 1, -1, -1):
        following = events[place + 1 :]
        if any(each.passes(ending) for each in following for ending in feature.unless):
            return ()
        if events[place].passes(feature.steps[0]):
            steps = _following(feature.steps[1:], following)
            if steps is not None:
                return (events[place], *steps)
    return ()


def _following(steps: Sequence[Filter], events: Sequence[Happening]) -> list[Happening] | None:
    """The first events that are these steps in order; None where they are not all there."""
    found: list[Happening] = []
    for each in events:
        if len(found) < len(steps) and each.passes(steps[len(found)]):
            found.append(each)
    return found if len(found) == len(steps) else None


def recounted(window: Window) -> Value:
    """The feature's value by the events of its window; None where missing."""
    aggregate = window.feature.aggregate
    if aggregate == "sequence":
        return bool(sequence_of(window))
    if aggregate in _OF_EVENTS:
        return _OF_EVENTS[aggregate](window)
    numbers = _numbers(window, window.counted)
    return sum(numbers) if aggregate == "sum" else _OF_NUMBERS[aggregate](window, numbers) if numbers else None


def agree(one: Value, other: Value) -> bool:
    """Whether two values are the same, fractions within rounding."""
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


def _field_of(window: Window) -> str:
    field = window.feature.field
    if field is None:
        raise ValueError(f"`{window.feature.aggregate}` is of no field")
    return field


def _numbers(window: Window, events: Iterable[Happening]) -> list[int]:
    values = [each.value(_field_of(window)) for each in events]
    return [value for value in values if isinstance(value, int)]


def _age(window: Window) -> Value:
    return window.high_ms - window.counted[0].moment_ms if window.counted else None


def _gap(window: Window) -> Value:
    return window.high_ms - window.earlier[-1].moment_ms if window.earlier else None


def _first(window: Window) -> Value:
    return window.counted[0].value(_field_of(window)) if window.counted else None


def _last(window: Window) -> Value:
    return window.earlier[-1].value(_field_of(window)) if window.earlier else None


def _shares(window: Window) -> Counter[Value]:
    values = [each.value(_field_of(window)) for each in window.counted]
    return Counter(value for value in values if value is not None)


def _top_share(window: Window) -> Value:
    counts = _shares(window)
    return max(counts.values()) / counts.total() if counts else None


def _rate(window: Window) -> Value:
    feature = window.feature
    parts = (window.counted, window.before)
    now, then = (len(part) if feature.field is None else sum(_numbers(window, part)) for part in parts)
    if then == 0:
        return None
    return (now / feature.over_ms) / (then / (feature.against_ms - feature.over_ms))


def _zscore(window: Window) -> Value:
    own, known = _numbers(window, [window.event]), _numbers(window, window.earlier)
    if not own or len(known) < window.feature.min_events or stdev(known) == 0:
        return None
    return float(own[0] - Fraction(sum(known), len(known))) / stdev(known)


def _distance(window: Window) -> Value:
    pair = [*window.earlier[-1:], window.event]
    places = [[each.value(name) for name in PLACE_FIELDS] for each in pair]
    degrees = [[round(value * _UNITS) / _UNITS for value in each if isinstance(value, int | float)] for each in places]
    if len(pair) < 2 or min(map(len, degrees)) < 2:
        return None
    (latitude, longitude), (other, other_longitude) = (map(radians, each) for each in degrees)
    apart = sin((other - latitude) / 2) ** 2
    apart += cos(latitude) * cos(other) * sin((other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(apart, 1.0)))


def _speed(window: Window) -> Value:
    distance_km = _distance(window)
    if not isinstance(distance_km, float):
        return None
    took_ms = window.event.moment_ms - window.earlier[-1].moment_ms
    return distance_km / (took_ms / 3_600_000) if took_ms else None


def _percentile(window: Window, numbers: Sequence[int]) -> Value:
    """numpy's method "linear", in exact arithmetic."""
    ordered = sorted(numbers)
    place = Fraction(window.feature.share * (len(ordered) - 1), 100_000)
    value, following = ordered[floor(place)], ordered[ceil(place)]
    return float(value + (following - value) * (place - floor(place)))


_OF_EVENTS: Mapping[str, Callable[[Window], Value]] = {
    "count": lambda window: len(window.counted),
    "absence": lambda window: len(window.counted),
    "distinct": lambda window: len(_shares(window)),
    "top_share": _top_share,
    "age": _age,
    "gap": _gap,
    "is_new": lambda window: not window.earlier,
    "first": _first,
    "last": _last,
    "rate": _rate,
    "zscore": _zscore,
    "distance": _distance,
    "speed": _speed,
}

_OF_NUMBERS: Mapping[str, Callable[[Window, Sequence[int]], Value]] = {
    "mean": lambda _, numbers: float(mean(map(Fraction, numbers))),
    "min": lambda _, numbers: min(numbers),
    "max": lambda _, numbers: max(numbers),
    "std": lambda _, numbers: stdev(numbers) if len(numbers) > 1 else None,
    "median": _percentile,
    "percentile": _percentile,
}


def makers(window: Window) -> tuple[Happening, ...]:
    """Those of the counted events that make the value what it is, by time: all of them, the last of each different
    value, or the one that is meant.
    """
    counted, earlier = window.counted, window.earlier
    match window.feature.aggregate:
        case "first" | "age":
            return counted[:1]
        case "last" | "gap" | "is_new" | "distance" | "speed":
            return earlier[-1:]
        case "zscore":
            return earlier
        case "sequence":
            return sequence_of(window)
        case "min" | "max":
            extreme = recounted(window)
            return tuple(each for each in counted if each.value(_field_of(window)) == extreme)[-1:]
        case "distinct":
            latest = {value: each for each in counted if (value := each.value(_field_of(window))) is not None}
            return tuple(sorted(latest.values(), key=counted.index))
    return counted
