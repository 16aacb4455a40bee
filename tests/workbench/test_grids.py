"""Which values a command line names for a rule's params."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import Literal, Rule
from rules.findings import Ledger
from rules.literals import literal, written
from rules.sources import Source
from rules.trees import Scalar
from support.rule_packs import sound_pack
from workbench.grids import VARIANTS_MAX, Axis, GridError, axes_of, grid_of

BODY = """
features: {gap_1d: {gap: user_id, over: 1d}}
rules:
- id: a.all
  when: quantity > params.n and gap_1d < params.wait and amount > params.sum and country == params.where
  params: {n: 5, wait: 10m, sum: 5.00 CNY, where: CN, q: 0.5, on: true}
  explain: "{params.q} {params.on}"
  then: block
"""


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> Rule:
    (found,) = sound_pack(tmp_path_factory.mktemp("pack"), BODY, {}).rules
    return found


def _texts(rule: Rule, spec: str) -> list[str]:
    (axis,) = axes_of(rule, [spec], "CNY")
    assert all(each.type == rule.params[axis.param].type for each in axis.values)
    return [written(each, "CNY") for each in axis.values]


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("n=3..6", ["3", "4", "5", "6"]),
        ("n=3..8/2", ["3", "5", "7"]),
        ("n=-1..1", ["-1", "0", "1"]),
        ("n=9,3..4,3", ["9", "3", "4"]),
        ("q=0.9,0.99, 0.999", ["0.9", "0.99", "0.999"]),
        ("q=0.1..0.5/0.1", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ("q=0.5..2/0.5", ["0.5", "1", "1.5", "2"]),
        ("wait=30m..2h/30m", ["30m", "1h", "90m", "2h"]),
        ("wait=0s..100ms/50ms", ["0s", "50ms", "100ms"]),
        ("sum=100..200/50", ["100.00 CNY", "150.00 CNY", "200.00 CNY"]),
        ("sum=1.00 CNY..1.02 CNY/0.01", ["1.00 CNY", "1.01 CNY", "1.02 CNY"]),
        ("sum=7", ["7.00 CNY"]),
        ("where=CN,NO,5..6", ['"CN"', '"NO"', '"5..6"']),
        ("on=false,true", ["false", "true"]),
    ],
)
def test_what_is_named(rule: Rule, spec: str, values: list[str]) -> None:
    assert _texts(rule, spec) == values


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("n", "expected a param and its values such as `max_n=3..8`"),
        ("n=", "expected a param and its values"),
        ("m=3", "the rule `a.all` has no param `m`"),
        ("wher=CN", "did you mean `where`?"),
        ("n=x", "expected a number such as `5` for `n`, got `x`"),
        ("n=10m", "expected a number such as `5` for `n`, got `10m`"),
        ("n=007", "`n`: expected a number"),
        ("n=8..3", "expected a range upwards by a step above 0 for `n`, got `8..3`"),
        ("n=3..8/0", "expected a range upwards by a step above 0"),
        ("n=1..1e9", "expected at most 10,000 values of `n`, got 1,000,000,000"),
        ("q=0.1..0.9", "`q=0.1..0.9` needs a step, such as `0.1..0.9/0.08`"),
        ("wait=10m..1h", "`wait=10m..1h` needs a step, such as `10m..1h/5m`"),
        ("sum=1..2", "`sum=1..2` needs a step, such as `1..2/0.10 CNY`"),
        ("sum=5.00 EUR", "expected money in the pack's currency `CNY`, got `5.00 EUR`"),
        ("sum=0.001", "expected a money such as `5.00 CNY` for `sum`, got `0.001`"),
        ("on=maybe", "expected a bool such as `true` for `on`, got `maybe`"),
    ],
)
def test_what_is_wrong_is_told(rule: Rule, spec: str, problem: str) -> None:
    with pytest.raises(GridError) as found:
        axes_of(rule, [spec], "CNY")
    assert problem in str(found.value)


def test_a_param_is_given_once(rule: Rule) -> None:
    with pytest.raises(GridError, match="the param `n` is given twice"):
        axes_of(rule, ["n=3", "n=4"], "CNY")


@given(st.integers(-50, 50), st.integers(0, 400), st.integers(1, 70), st.integers(0, 3))
def test_a_range_has_each_step_exactly(rule: Rule, start: int, length: int, step: int, places: int) -> None:
    """No step is lost to rounding, and none is a bit beside its decimal."""
    first, last, by = (Decimal(each).scaleb(-places) for each in (start, start + length, step))
    expected, at = [], first
    while at <= last:
        expected.append(float(at))
        at += by
    (axis,) = axes_of(rule, [f"q={first}..{last}/{by}"], "CNY")
    assert [each.value for each in axis.values] == expected


LITERALS = st.one_of(
    st.integers(-(2**53), 2**53).map(lambda value: Literal(value, "number")),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Literal(value, "number")),
    st.integers(-(10**12), 10**12).map(lambda value: Literal(value, "money")),
    st.integers(0, 3660 * 86_400_000).map(lambda value: Literal(value, "duration")),
    st.booleans().map(lambda value: Literal(value, "bool")),
)


@given(LITERALS)
def test_what_is_written_reads_back(value: Literal) -> None:
    text, ledger = written(value, "CNY"), Ledger()
    assert literal(Scalar(text, "", Source("", text), 0, len(text)), "CNY", ledger) == value


def test_a_grid_is_every_combination() -> None:
    axes = [
        Axis(name, tuple(Literal(n, "number") for n in range(size))) for name, size in (("a", 3), ("b", 1), ("c", 4))
    ]
    assert grid_of(axes, None, 0) == list(itertools.product(*(axis.values for axis in axes)))
    assert grid_of(axes, 12, 0) == grid_of(axes, None, 0) == grid_of(axes, 99, 0)


def test_a_draw_is_some_of_a_grid_that_may_be_large() -> None:
    axes = [Axis(name, tuple(Literal(n, "number") for n in range(10_000))) for name in "abcdefgh"]
    drawn = grid_of(axes, 500, 7)
    assert len(set(drawn)) == 500
    assert drawn == grid_of(axes, 500, 7)
    assert drawn != grid_of(axes, 500, 8)
    assert {value.value for variant in drawn for value in variant} <= set(range(10_000))
    assert len({variant[0] for variant in drawn}) > 400
    with pytest.raises(GridError, match=f"expected at most {VARIANTS_MAX:,} variants"):
        grid_of(axes, None, 0)


def test_every_variant_can_be_drawn() -> None:
    axes = [Axis("a", tuple(Literal(n, "number") for n in range(6)))]
    drawn = {variant for seed in range(60) for variant in grid_of(axes, 1, seed)}
    assert drawn == set(grid_of(axes, None, 0))
