"""What a plan refuses, and what it shares."""

import pytest

from windows import FILTERS_MAX, Aggregate, Kind, layout, plan_of

VALUES = ("amount", "quantity")
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("aggregate", "message"),
    [
        (Aggregate("count", (), 1), r"expected one to 4 different key columns, got \(\)"),
        (Aggregate("count", ("a", "a"), 1), r"expected one to 4 different key columns, got \('a', 'a'\)"),
        (Aggregate("count", tuple("abcde"), 1), "expected one to 4 different key columns, got"),
        (Aggregate("count", ("a",), 0), "expected over_ms > 0 and delay_ms >= 0, got 0 and 0"),
        (Aggregate("count", ("a",), 5, delay_ms=-1), "expected over_ms > 0 and delay_ms >= 0, got 5 and -1"),
        (Aggregate("count", ("a",), 1, filter=-1), "expected a filter from 0 to 62, got -1"),
        (Aggregate("count", ("a",), 1, filter=FILTERS_MAX), "expected a filter from 0 to 62, got 63"),
        (Aggregate("sum", ("a",), 1, "b"), r"expected `sum` of a value column \(amount, quantity\), got b"),
        (Aggregate("std", ("a",), 1), "expected `std` of a value column"),
        (Aggregate("zscore", ("a",), 1, "amount", least=1), "expected at least 2 values for a `zscore`, got 1"),
        (Aggregate("rate", ("a",), 1, "b", against_ms=2), "expected `rate` of a value column or of events, got b"),
        (Aggregate("rate", ("a",), 5, against_ms=5), "expected against_ms above over_ms 5, got 5"),
        (Aggregate("percentile", ("a",), 1, "amount", share=100_001), "expected a share from 0 to 100,000, got 100001"),
        (Aggregate("distinct", ("a",), 1, "amount"), "expected `distinct` of an id column, got amount"),
        (Aggregate("distinct", ("a",), 1), "expected `distinct` of an id column, got None"),
        (Aggregate("distinct", tuple("abcd"), 1, "e"), "expected `distinct` by at most 3 key columns, got"),
        (Aggregate("top_share", ("a",), 1, "amount"), "expected `top_share` of an id column, got amount"),
        (Aggregate("top_share", tuple("abcd"), 1, "e"), "expected `top_share` by at most 3 key columns, got"),
        (Aggregate("last", ("a",), 1), "expected `last` of a column, got None"),
        (Aggregate("sequence", ("a",), 1), "expected a sequence of 1 to 10 steps, got 0"),
        (Aggregate("sequence", ("a",), 1, steps=(0,) * 11), "expected a sequence of 1 to 10 steps, got 11"),
        (Aggregate("sequence", ("a",), 1, steps=(0, -1)), r"expected filters from 0 to 62 as steps, got \(0, -1\)"),
        (Aggregate("sequence", ("a",), 1, steps=(0,), unless=(63,)), "expected filters from 0 to 62 as steps, got"),
    ],
)
def test_refusals(aggregate: Aggregate, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_of([aggregate], VALUES)


def test_features_of_one_window_share_its_accumulators() -> None:
    by = ("user",)
    wanted: tuple[Kind, ...] = ("sum", "mean", "std", "sum", "max")
    plan = plan_of(
        [*(Aggregate(kind, by, DAY_MS, "amount") for kind in wanted), Aggregate("count", by, DAY_MS)], VALUES
    )
    assert len(plan.windows) == 1
    kinds = plan.accumulators[:, layout.ACCUMULATOR_KIND].tolist()
    assert sorted(kinds) == sorted([layout.COUNT_OF, layout.SUM, layout.SQUARES, layout.MAXIMUM])
    assert len(plan.outputs) == 6


def test_windows_of_another_length_or_delay_share_only_their_chain() -> None:
    by = ("user",)
    plan = plan_of(
        [Aggregate("sum", by, 1, "amount"), Aggregate("sum", by, 2, "amount"), Aggregate("sum", by, 1, "amount", 5)],
        VALUES,
    )
    assert (len(plan.chains), len(plan.windows), len(plan.accumulators)) == (1, 3, 3)
    assert plan.reach_ms == 6


def test_a_rate_needs_no_more_than_the_sums_of_both_windows() -> None:
    wanted = [Aggregate("sum", ("user",), over_ms, "amount") for over_ms in (70, 10)]
    plan = plan_of([*wanted, Aggregate("rate", ("user",), 10, "amount", against_ms=70)], VALUES)
    assert plan.windows[:, layout.WINDOW_OVER].tolist() == [10, 70]
    assert (len(plan.accumulators), plan.reach_ms, plan.floats) == (2, 70, (2,))


def test_both_directions_of_a_pair_and_the_pair_itself_share_one_chain() -> None:
    plan = plan_of(
        [
            Aggregate("distinct", ("user",), DAY_MS, "device"),
            Aggregate("distinct", ("device",), DAY_MS, "user"),
            Aggregate("count", ("device", "user"), DAY_MS),
            Aggregate("count", ("user", "device"), DAY_MS),
        ],
        VALUES,
    )
    assert len(plan.chains) == 3
    assert plan.ids == ("device", "user")


def test_chains_of_other_filters_are_not_shared() -> None:
    plan = plan_of([Aggregate("count", ("user",), 1, filter=f) for f in (0, 1, 0)], VALUES)
    assert len(plan.chains) == 2


def test_a_plan_brings_only_the_columns_it_reads() -> None:
    plan = plan_of([Aggregate("last", ("user",), 1, "device"), Aggregate("mean", ("user",), 1, "quantity")], VALUES)
    assert (plan.ids, plan.values) == (("user",), ("quantity",))
    assert (plan.floats, plan.texts) == ((1,), {0: "device"})


def test_a_plan_of_nothing() -> None:
    plan = plan_of([], VALUES)
    assert (len(plan.chains), len(plan.outputs), plan.reach_ms, plan.ids, plan.values) == (0, 0, 0, (), ())
