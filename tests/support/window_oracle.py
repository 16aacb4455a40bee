"""What every window feature means, computed from the whole history: slow and obviously right."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import asin, ceil, cos, floor, radians, sin, sqrt
from statistics import mean, stdev

from windows import Aggregate

Value = int | float | str | None


@dataclass(frozen=True)
class Happening:
    """An event as the oracle sees it: missing ids and values are None."""

    time_ms: int
    ids: dict[str, str | None]
    values: dict[str, int | None]
    filters: frozenset[int]
    judged: bool = True


def feature(history: Sequence[Happening], aggregate: Aggregate) -> Value:
    """The feature's value for the last event of `history` (in order of arrival), as of its own time."""
    event = history[-1]
    key = tuple(event.ids[name] for name in aggregate.by)
    if None in key:
        return None
    high = event.time_ms - aggregate.delay_ms
    low = high - aggregate.over_ms
    filters = {*aggregate.steps, *aggregate.unless} or {aggregate.filter}
    chain = [h for h in history if filters & h.filters and tuple(h.ids[n] for n in aggregate.by) == key]
    window = sorted((h for h in chain if low < h.time_ms <= high), key=lambda h: h.time_ms)
    earlier = [h for h in window if h is not event]
    if aggregate.kind == "rate":
        return _rate(aggregate, window, [h for h in chain if high - aggregate.against_ms < h.time_ms <= low])
    if aggregate.kind == "sequence":
        return int(_has_come(aggregate, earlier))
    return _of_window(aggregate, event, window, earlier, high)


def _of_window(
    aggregate: Aggregate, event: Happening, window: list[Happening], earlier: list[Happening], high: int
) -> Value:
    def value_of(happening: Happening) -> Value:
        assert aggregate.of is not None
        return happening.values[aggregate.of] if aggregate.of in happening.values else happening.ids[aggregate.of]

    match aggregate.kind:
        case "count":
            return len(window)
        case "age":
            return high - window[0].time_ms if window else None
        case "gap":
            return high - earlier[-1].time_ms if earlier else None
        case "is_new":
            return int(not earlier)
        case "first":
            return value_of(window[0]) if window else None
        case "last":
            return value_of(earlier[-1]) if earlier else None
        case "distinct":
            return len({value_of(h) for h in window} - {None})
        case "top_share":
            return _top_share(Counter(map(value_of, window)))
        case "distance" | "speed":
            return _travelled(aggregate, event, earlier)
        case "zscore":
            return _standing(event, earlier, aggregate)
    return _of_numbers(aggregate, window)


def in_vain(history: Sequence[Happening], begun: int, absence: Aggregate, within_ms: int) -> bool:
    """Whether, by what has come so far, the steps of an absence came up to event `begun`, and then nothing ended the
    wait for `within_ms`.
    """
    event = history[begun]
    key = [event.ids[name] for name in absence.by]
    chain = [(number, h) for number, h in enumerate(history) if [h.ids[name] for name in absence.by] == key]
    until_ms = event.time_ms + within_ms
    for number, other in chain:
        if number != begun and other.filters.intersection(absence.ends) and event.time_ms <= other.time_ms <= until_ms:
            return False
    before = (event.time_ms, begun)
    earlier = [
        each for each in chain if event.time_ms - within_ms < each[1].time_ms and (each[1].time_ms, each[0]) < before
    ]
    *steps, _ = absence.steps
    ordered = [h for _, h in sorted(earlier, key=lambda each: (each[1].time_ms, each[0]))]
    return not steps or _has_come(replace(absence, steps=tuple(steps)), ordered)


def _has_come(sequence: Aggregate, earlier: list[Happening]) -> bool:
    """Whether any of the events is a first step that the other steps follow, and nothing that ends a sequence."""
    return any(
        sequence.steps[0] in first.filters
        and not any(later.filters.intersection(sequence.unless) for later in earlier[place:])
        and _follow(sequence.steps[1:], earlier[place:])
        for place, first in enumerate(earlier, 1)
    )


def _follow(steps: tuple[int, ...], events: list[Happening]) -> bool:
    return not steps or any(
        steps[0] in event.filters and _follow(steps[1:], events[place:]) for place, event in enumerate(events, 1)
    )


def _top_share(counts: Counter[Value]) -> float | None:
    del counts[None]
    return max(counts.values()) / counts.total() if counts else None


def _standing(event: Happening, earlier: list[Happening], aggregate: Aggregate) -> float | None:
    own, known = _known(aggregate, [event]), _known(aggregate, earlier)
    if not own or len(known) < aggregate.least or stdev(known) == 0:
        return None
    return float(own[0] - Fraction(sum(known), len(known))) / stdev(known)


def _travelled(aggregate: Aggregate, event: Happening, earlier: list[Happening]) -> float | None:
    places = [h.values[aggregate.of] for h in [*earlier[-1:], event] if aggregate.of]
    if len(places) < 2 or places[0] is None or places[1] is None:
        return None
    way_km = _distance_km(*map(_degrees, (places[0], places[1])))
    took_ms = event.time_ms - earlier[-1].time_ms
    if aggregate.kind == "distance":
        return way_km
    return way_km / (took_ms / 3_600_000) if took_ms else None


def _degrees(place: int) -> tuple[float, float]:
    """Latitude and longitude of a place as `windows.pack` writes it."""
    return (place >> 32) / 1e7, ((place & (2**32 - 1)) - 2**31) / 1e7


def _distance_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    (latitude, longitude), (other, other_longitude) = (map(radians, each) for each in (here, there))
    apart = sin((other - latitude) / 2) ** 2
    apart += cos(latitude) * cos(other) * sin((other_longitude - longitude) / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(min(apart, 1)))


def _rate(aggregate: Aggregate, recent: list[Happening], before: list[Happening]) -> float | None:
    now, then = (sum(_known(aggregate, part)) if aggregate.of else len(part) for part in (recent, before))
    if then == 0:
        return None
    return (now / aggregate.over_ms) / (then / (aggregate.against_ms - aggregate.over_ms))


def _percentile(ordered: list[int], share: int) -> float:
    """numpy's method "linear", in exact arithmetic."""
    place = Fraction(share * (len(ordered) - 1), 100_000)
    value, following = ordered[floor(place)], ordered[ceil(place)]
    return float(value + (following - value) * (place - floor(place)))


def _known(aggregate: Aggregate, window: list[Happening]) -> list[int]:
    numbers = [h.values[aggregate.of] for h in window if aggregate.of]
    return [number for number in numbers if number is not None]


def _of_numbers(aggregate: Aggregate, window: list[Happening]) -> Value:
    known = _known(aggregate, window)
    match aggregate.kind:
        case "sum":
            return sum(known)
        case "mean":
            return mean(known) if known else None
        case "std":
            return stdev(known) if len(known) > 1 else None
        case "percentile":
            return _percentile(sorted(known), aggregate.share) if known else None
        case "min":
            return min(known, default=None)
        case _:
            return max(known, default=None)
