"""Plans and streams for the tests of the windows, and a store held to the oracle."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening, Value, feature
from windows import Aggregate, Kind

KEYS = ("user", "device", "payee")
NUMERIC: tuple[Kind, ...] = ("sum", "mean", "min", "max", "std")
KEYLESS: tuple[Kind, ...] = ("count", "age", "gap", "is_new")


@st.composite
def aggregates(draw: st.DrawFn) -> Aggregate:
    kind: Kind = draw(st.sampled_from((*NUMERIC, *KEYLESS, "distinct", "last", "first")))
    by = tuple(draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)))
    of = None
    if kind in NUMERIC:
        of = draw(st.sampled_from(("amount", "quantity")))
    elif kind == "distinct":
        of = draw(st.sampled_from(KEYS))
    elif kind in ("last", "first"):
        of = draw(st.sampled_from((*KEYS, "amount")))
    delay_ms = draw(st.sampled_from((0, 0, 0, 1, 7, 40)))
    return Aggregate(kind, by, draw(st.integers(1, 60)), of, delay_ms, draw(st.integers(0, 2)))


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    time_ms, result = 1000, []
    for _ in range(draw(st.integers(1, 60))):
        time_ms += draw(st.sampled_from((0, 0, 1, 2, 5, 30, 200, -1, -3, -20)))
        result.append(
            Happening(
                time_ms,
                {name: draw(st.sampled_from(("a", "b", "c", None))) for name in KEYS},
                {
                    "amount": draw(st.sampled_from((None, 0, 1, 2, 10**14))),
                    "quantity": draw(st.one_of(st.none(), st.integers(-(2**40), 2**40))),
                },
                frozenset(draw(st.sets(st.integers(0, 2)))),
                draw(st.booleans()),
            )
        )
    return result


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


def assert_all_equal_to_oracle(driver: WindowDriver, stream: Sequence[Happening], cuts: Sequence[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in pairwise(edges):
        assert_equal_to_oracle(driver, stream, start, end)


def everything(over_ms: int) -> list[Aggregate]:
    return [
        *(Aggregate(kind, ("user",), over_ms, "amount") for kind in NUMERIC),
        *(Aggregate(kind, ("user",), over_ms) for kind in KEYLESS),
        Aggregate("distinct", ("user",), over_ms, "device"),
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
        result.append(Happening(time_ms - late_ms, names, {"amount": amount, "quantity": None}, frozenset({0})))
    return result
