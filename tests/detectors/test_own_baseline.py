"""The own baseline against its definition, and what it lets nobody do."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import Facts, OwnBaseline
from support.baseline_oracle import BaselineOracle


@given(
    st.integers(1, 60),
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**6) | st.floats(0, 1e12)), max_size=60),
)
def test_scores_are_those_of_the_definition(half_life: int, warm_up: int, stream: list[tuple[str, float]]) -> None:
    own = OwnBaseline("user_id", "amount", half_life, warm_up)
    oracles = {key: BaselineOracle(half_life, warm_up) for key in "ab"}
    for key, value in stream:
        x: Facts = {"user_id": key, "amount": value}
        expected = oracles[key].score(value)
        assert own.score_one(x) == (expected if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9))
        own.learn_one(x)
        oracles[key].learn(value)


def settled(amounts: int = 60) -> OwnBaseline:
    own, draw = OwnBaseline("user_id", "amount", half_life=30), random.Random(1)
    for _ in range(amounts):
        own.learn_one({"user_id": "u", "amount": round(draw.lognormvariate(7, 0.5))})
    return own


@pytest.mark.parametrize("amount", [0, 10**6, 10**15])
def test_one_event_moves_the_baseline_by_at_most_its_bound(amount: int) -> None:
    """Whatever it is: 4 deviations times its weight of 2.3% are a tenth of a deviation."""
    own = settled()
    usual: Facts = {"user_id": "u", "amount": 1_100}
    before = own.score_one(usual)
    own.learn_one({"user_id": "u", "amount": amount})
    after = own.score_one(usual)
    assert before is not None
    assert after is not None
    assert 0 < abs(after - before) < 4 * (1 - 2 ** (-1 / 30)) + 0.2 * abs(before)


def test_a_huge_event_teaches_no_more_than_a_large_one() -> None:
    large, huge = settled(), settled()
    large.learn_one({"user_id": "u", "amount": 10**6})
    huge.learn_one({"user_id": "u", "amount": 10**15})
    for amount in (1, 1_000, 10**6):
        x: Facts = {"user_id": "u", "amount": amount}
        assert large.score_one(x) == huge.score_one(x)


def test_the_key_that_learnt_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.own_baseline.KEYS_MAX", 2)
    own = OwnBaseline("user_id", "amount", half_life=30, warm_up=1)
    for key in ("a", "b", "a", "c"):
        own.learn_one({"user_id": key, "amount": 5})
    known = [key for key in "abc" if own.score_one({"user_id": key, "amount": 5}) is not None]
    assert known == ["a", "c"]


def test_keys_do_not_touch_each_other() -> None:
    own = settled()
    x: Facts = {"user_id": "u", "amount": 5_000}
    before = own.score_one(x)
    for _ in range(100):
        own.learn_one({"user_id": "v", "amount": 10**9})
    assert own.score_one(x) == before


def test_who_always_pays_the_same_is_not_alarmed_by_a_tenth_more() -> None:
    own = OwnBaseline("user_id", "amount", half_life=30)
    for _ in range(40):
        own.learn_one({"user_id": "u", "amount": 10_000})
    assert own.score_one({"user_id": "u", "amount": 11_000}) == pytest.approx(0.953, abs=1e-3)
