"""Plans and streams for the tests of the windows, and a store held to the oracle."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening, Value, feature
from windows import Aggregate, Kind, pack

KEYS = ("user", "device", "payee")
NUMERIC: tuple[Kind, ...] = ("sum", "mean", "min", "max", "std", "zscore", "percentile")
LATITUDES, LONGITUDES = (31.23, 31.2301, 22.3, -90, 51.5), (121.47, 121.47, 114.2, 180, -0.1)
PLACES: list[int] = pack(np.array(LATITUDES), np.array(LONGITUDES)).tolist()
OTHERS: tuple[Kind, ...] = ("rate", "distinct", "distinct", "top_share", "distance", "speed", "last", "first")
KEYLESS: tuple[Kind, ...] = ("count", "age", "gap", "is_new")
FILTER_SHARES = (0.7, 0.7, 0.7, 0.3, 0.2, 0.1)
"""How many of the events pass each filter."""


def dice() -> st.SearchStrategy[random.Random]:
    """Seeded, so that what is thrown varies more than what hypothesis would draw, and still comes again."""
    return st.builds(random.Random, st.integers(0, 2**32))


@st.composite
def aggregates(draw: st.DrawFn) -> Aggregate:
    thrown = draw(dice())
    kind: Kind = thrown.choice((*NUMERIC, *KEYLESS, *OTHERS, "sequence"))
    by = tuple(thrown.sample(KEYS, thrown.choice((1, 1, 2, 3))))
    if kind == "sequence":
        return sequence(thrown, by)
    of = None
    if kind in NUMERIC:
        of = thrown.choice(("amount", "quantity"))
    elif kind in ("distance", "speed"):
        of = "geo"
    elif kind == "rate":
        of = thrown.choice(("amount", "quantity", None))
    elif kind in ("distinct", "top_share"):
        of = thrown.choice([name for name in KEYS if name not in by] or KEYS)
    elif kind in ("last", "first"):
        of = thrown.choice((*KEYS, "amount"))
    over_ms, delay_ms = thrown.randint(1, 100), thrown.choice((0, 0, 0, 1, 7, 40))
    least, against_ms = thrown.randint(2, 4), over_ms + thrown.randint(1, 100)
    share = thrown.choice((0, 25_000, 50_000, 95_000, 99_900, 100_000))
    return Aggregate(kind, by, over_ms, of, delay_ms, thrown.randint(0, 2), least, against_ms, share)


def sequence(thrown: random.Random, by: tuple[str, ...]) -> Aggregate:
    numbers = range(len(FILTER_SHARES))
    steps = tuple(thrown.choices(numbers, k=thrown.choice((1, 1, 2, 2, 3, 4))))
    unless = tuple(thrown.sample(numbers[2:], thrown.choice((0, 0, 1, 1, 2))))
    return Aggregate("sequence", by, thrown.randint(1, 100), steps=steps, unless=unless)


@st.composite
def sequences(draw: st.DrawFn) -> Aggregate:
    thrown = draw(dice())
    return sequence(thrown, tuple(thrown.sample(KEYS, thrown.choice((1, 1, 2)))))


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    thrown, time_ms, result = draw(dice()), 1000, []
    steps = thrown.choice(((0, 0, 1, 2, 5, 30, -1), (0, 1, 2, 5, 200, -3, -20)))
    for _ in range(draw(st.integers(1, 60))):
        time_ms += thrown.choice(steps)
        result.append(
            Happening(
                time_ms,
                {name: thrown.choice(("a", "a", "b", "c", None)) for name in KEYS},
                {
                    "amount": thrown.choice((None, 0, 1, 2, 10**14)),
                    "quantity": thrown.choice((None, thrown.randint(-(2**40), 2**40))),
                    "geo": thrown.choice((None, *PLACES)),
                },
                frozenset(each for each, share in enumerate(FILTER_SHARES) if thrown.random() < share),
                thrown.random() < 0.8,
            )
        )
    return result


Revaluations = list[tuple[int, int, str, int | None]]


@st.composite
def revaluations(draw: st.DrawFn) -> Revaluations:
    """Sorted: after how many events which one (of those then taken in, roughly) gets another value of which name."""
    thrown = draw(dice())
    return sorted(
        (
            (
                thrown.randint(1, 59),
                thrown.randrange(59),
                thrown.choice(("amount", "quantity")),
                thrown.choice((None, 0, 1, 2, -5, 10**14)),
            )
            for _ in range(draw(st.integers(1, 12)))
        ),
        key=itemgetter(0),
    )


def same(ours: Value, theirs: Value) -> bool:
    if isinstance(ours, float) and theirs is not None and not isinstance(theirs, str):
        return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    return ours == theirs


def assert_equal_to_oracle(driver: WindowDriver, stream: Sequence[Happening], start: int, end: int) -> None:
    """Takes the events from `start` to `end` in, the next ones of the stream."""
    for i, row in enumerate(driver.take(stream[start:end]), start):
        if stream[i].judged:
            for aggregate, ours in zip(driver.plan.aggregates, row, strict=True):
                theirs = feature(stream[: i + 1], aggregate)
                assert same(ours, theirs), f"event {i}: {aggregate}: got {ours}, expected {theirs}"


def assert_equal_to_oracle_with_changes(
    driver: WindowDriver, stream: Sequence[Happening], changes: Revaluations, loaded: int = 0
) -> None:
    """Takes the whole stream in, with the changes in between; what comes up to the change at `loaded` is loaded."""
    history, taken = list(stream), 0
    for place, number, name, value in changes:
        place = min(place, len(stream))
        if place <= loaded:
            driver.load(history[taken:place])
        else:
            assert_equal_to_oracle(driver, history, taken, place)
        taken = place
        if name in driver.plan.values:
            ordinal = number % place
            driver.revalue(ordinal, name, value)
            happening = history[ordinal]
            history[ordinal] = replace(happening, values={**happening.values, name: value})
    assert_equal_to_oracle(driver, history, taken, len(stream))


def assert_all_equal_to_oracle(driver: WindowDriver, stream: Sequence[Happening], cuts: Sequence[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in pairwise(edges):
        assert_equal_to_oracle(driver, stream, start, end)


def everything(over_ms: int) -> list[Aggregate]:
    return [
        *(Aggregate(kind, ("user",), over_ms, "amount", least=2, share=95_000) for kind in NUMERIC),
        *(Aggregate(kind, ("user",), over_ms) for kind in KEYLESS),
        Aggregate("distinct", ("user",), over_ms, "device"),
        Aggregate("rate", ("user",), over_ms // 4, "amount", against_ms=over_ms),
        Aggregate("speed", ("user",), over_ms, "geo"),
        Aggregate("top_share", ("user",), over_ms, "payee"),
        Aggregate("distinct", ("device",), over_ms // 3, "user"),
        Aggregate("count", ("device", "payee"), over_ms),
        Aggregate("sum", ("payee",), over_ms, "amount", delay_ms=over_ms // 2),
    ]


def stream_of(count: int, seed: int, gap_ms: int, keys: int, late_share: float = 0.0) -> list[Happening]:
    draw, time_ms, result = random.Random(seed), 10**12, []
    for _ in range(count):
        time_ms += draw.randrange(2 * gap_ms)
        late_ms = draw.randrange(20 * gap_ms) if draw.random() < late_share else 0
        names: dict[str, str | None] = {name: f"{name}{draw.randrange(keys)}" for name in KEYS}
        amount = draw.randrange(10**6)
        values = {"amount": amount, "quantity": None, "geo": draw.choice(PLACES)}
        result.append(Happening(time_ms - late_ms, names, values, frozenset({0})))
    return result
