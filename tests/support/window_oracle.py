"""What every window feature means, computed from the whole history: slow and obviously right."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    return _of_window(aggregate, window, earlier, high)


def _of_window(aggregate: Aggregate, window: list[Happening], earlier: list[Happening], high: int) -> Value:
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
        case "sequence":
            return int(_has_come(aggregate, earlier))
        case "distinct":
            return len({value_of(h) for h in window} - {None})
    return _of_numbers(aggregate, window)


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


def _of_numbers(aggregate: Aggregate, window: list[Happening]) -> Value:
    numbers = [h.values[aggregate.of] for h in window if aggregate.of]
    known = [number for number in numbers if number is not None]
    match aggregate.kind:
        case "sum":
            return sum(known)
        case "mean":
            return mean(known) if known else None
        case "std":
            return stdev(known) if len(known) > 1 else None
        case "min":
            return min(known, default=None)
        case _:
            return max(known, default=None)
