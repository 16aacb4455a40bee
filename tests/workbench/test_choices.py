"""The best variant and the frontier against a look at all pairs."""

from hypothesis import given
from hypothesis import strategies as st

from support.tuning_oracle import best_of, undominated
from workbench.choices import OBJECTIVES, Limits, choice_of
from workbench.variants import Counts

FEW = st.integers(0, 6)
COUNTS = st.builds(Counts, FEW, FEW, FEW, FEW, FEW, FEW, FEW, FEW, FEW, FEW)
LIMITS = st.builds(
    Limits, st.one_of(st.none(), st.floats(0, 5)), st.one_of(st.none(), FEW), st.sampled_from((1.0, 3.0, 13.7))
)


@given(
    st.lists(COUNTS, min_size=1, max_size=12),
    st.sampled_from(sorted(OBJECTIVES)),
    LIMITS,
    st.sampled_from((1.0, 2.5, 13.7)),
    st.data(),
)
def test_a_choice_is_the_best_of_what_is_allowed(
    variants: list[Counts], name: str, limits: Limits, days: float, data: st.DataObject
) -> None:
    objective, now = OBJECTIVES[name], data.draw(st.integers(0, len(variants) - 1))
    choice = choice_of(variants, now, days, objective, limits)
    allowed = [
        (limits.alerts_a_day is None or each.hits <= limits.alerts_a_day * days)
        and (limits.good_minor is None or each.good_minor / days * limits.good_days <= limits.good_minor + 1e-9)
        for each in variants
    ]
    assert list(choice.within) == allowed
    scores = [(objective.score(each), each.hits, ok) for each, ok in zip(variants, allowed, strict=True)]
    best = best_of(scores)
    assert (choice.best is None) == (best is None)
    if best is not None and choice.best is not None:
        assert scores[choice.best] == scores[best]
        assert choice.best == (now if scores[now] == scores[best] else best)
        assert choice.best in choice.frontier
    points = [(objective.gain(each), objective.cost(each)) for each, ok in zip(variants, allowed, strict=True) if ok]
    drawn = [(objective.gain(variants[at]), objective.cost(variants[at])) for at in choice.frontier]
    assert set(drawn) == undominated(points)
    assert len(set(drawn)) == len(drawn)
    assert [cost for _, cost in drawn] == sorted(cost for _, cost in drawn)


def test_what_each_objective_wants() -> None:
    """A wide variant, one that others decide already, and a narrow one."""
    wide = Counts(100, 9, 90, 900, 500, 100, 9, 90, 900, 500)
    doubled = Counts(20, 10, 10, 1000, 100, 0, 0, 0, 0, 0)
    narrow = Counts(5, 4, 1, 400, 10, 5, 4, 1, 400, 10)
    variants = [wide, doubled, narrow]

    def best(name: str, limits: Limits | None = None) -> int | None:
        return choice_of(variants, 0, 10.0, OBJECTIVES[name], limits or Limits()).best

    assert best("net-money") == 1
    assert best("added-net-money") == 0
    assert best("added-net-money", Limits(alerts_a_day=5.0)) == 2
    assert best("fraud") == 1
    assert best("fraud", Limits(good_minor=10, good_days=10.0)) == 2
    assert best("fraud", Limits(good_minor=9, good_days=10.0)) is None
    assert best("net-money", Limits(good_minor=1, good_days=1.0)) == 2
