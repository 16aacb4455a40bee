"""The store against the oracle: every aggregate, late and simultaneous events, missing keys, filters, delays, expiry."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.window_driver import WindowDriver
from support.window_oracle import Happening, Value, feature

from windows import Aggregate, Kind, WindowStore, plan_of, store

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


def assert_equal_to_oracle(plan: Sequence[Aggregate], stream: Sequence[Happening], cuts: Sequence[int]) -> WindowDriver:
    driver = WindowDriver(plan)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in zip(edges, edges[1:], strict=False):
        for i, row in enumerate(driver.take(stream[start:end]), start):
            if stream[i].judged:
                for aggregate, ours in zip(plan, row, strict=True):
                    theirs = feature(stream[: i + 1], aggregate)
                    assert same(ours, theirs), f"event {i}: {aggregate}: got {ours}, expected {theirs}"
    return driver


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(aggregates(), min_size=1, max_size=6), happenings(), st.lists(st.integers(1, 59), max_size=4))
def test_every_feature_equals_the_oracle(plan: list[Aggregate], stream: list[Happening], cuts: list[int]) -> None:
    assert_equal_to_oracle(plan, stream, cuts)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(aggregates(), min_size=1, max_size=4), happenings(), st.lists(st.integers(1, 59), max_size=4))
def test_forgetting_what_no_window_reaches_changes_nothing(
    plan: list[Aggregate], stream: list[Happening], cuts: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "PAGE_ROWS", 4)
        patch.setattr(store, "LATENESS_MS", 300)
        assert_equal_to_oracle(plan, stream, cuts)


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


@pytest.mark.parametrize("late_share", [0.0, 0.1])
def test_a_long_stream_is_exact_while_pages_are_forgotten(late_share: float) -> None:
    """Sampled, since the oracle is slow: 20,000 events over many times the longest window."""
    over_ms, stream = 400_000, stream_of(20_000, seed=1, gap_ms=1000, keys=30, late_share=late_share)
    driver = WindowDriver(everything(over_ms))
    for start in range(0, len(stream), 777):
        rows = driver.take(stream[start : start + 777])
        for i in range(start, min(start + 777, len(stream)), 97):
            recent = stream[max(0, i - 3000) : i + 1]
            for aggregate, ours in zip(driver.plan.aggregates, rows[i - start], strict=True):
                assert same(ours, feature(recent, aggregate)), f"event {i}: {aggregate}"
    assert driver.store.events < 8 * 1024
    assert driver.store.complete_since_ms > stream[0].time_ms


def test_keys_that_went_silent_give_their_slots_back() -> None:
    driver = WindowDriver([Aggregate("count", ("user",), 1000)])
    for start in range(0, 50_000, 1000):
        names = [f"u{start + i}" for i in range(1000)]
        driver.take(
            [
                Happening(
                    10**12 + (start + i) * 1000,
                    {"user": name, "device": None, "payee": None},
                    {"amount": None, "quantity": None},
                    frozenset({0}),
                )
                for i, name in enumerate(names)
            ]
        )
    assert driver.store.keys < 8 * 1024


def test_a_full_log_forgets_its_oldest_page_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = WindowDriver([Aggregate("count", ("user",), 10**9)])
    monkeypatch.setattr(driver.store, "_unused_pages", [2, 1, 0])
    stream = stream_of(5000, seed=2, gap_ms=10, keys=3)
    for start in range(0, len(stream), 500):
        driver.take(stream[start : start + 500])
    assert driver.store.events <= 3 * 1024
    assert driver.store.complete_since_ms > stream[0].time_ms


def test_sums_of_squares_do_not_drift() -> None:
    """One huge amount passes through a window of small ones: what it leaves behind is exact."""
    small = [Happening(t, {"user": "a"}, {"amount": 100 + t % 2, "quantity": None}, frozenset({0})) for t in range(100)]
    huge = Happening(100, {"user": "a"}, {"amount": 10**14, "quantity": None}, frozenset({0}))
    after = [
        Happening(t, {"user": "a"}, {"amount": 100 + t % 2, "quantity": None}, frozenset({0})) for t in range(101, 300)
    ]
    stream = [
        Happening(h.time_ms, {**h.ids, "device": None, "payee": None}, h.values, h.filters) for h in (*small, huge, *after)
    ]
    assert_equal_to_oracle([Aggregate("std", ("user",), 50, "amount")], stream, [120])


def test_too_little_memory_and_too_large_a_batch_are_refused() -> None:
    plan = plan_of([Aggregate("count", ("user",), 1000)], ())
    with pytest.raises(ValueError, match="expected at least 67108864 bytes of memory, got 5"):
        WindowStore(plan, 5)
    with pytest.raises(ValueError, match="expected at most 8192 events, got 9000"):
        WindowDriver([Aggregate("count", ("user",), 1000)]).take(stream_of(9000, seed=1, gap_ms=1, keys=2))
