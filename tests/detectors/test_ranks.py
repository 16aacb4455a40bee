"""The quantile of a score against a list of all scores that were learnt."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import ScoreRanks
from detectors.ranks import BINS, LIFETIME, SETTLED
from support.baseline_oracle import RankOracle

_SCORES = st.lists(st.floats(-12, 12) | st.sampled_from([-10.0, 0.0, 0.01, 10.0]), min_size=1, max_size=120)


@given(_SCORES, st.sampled_from([1, 7, 50]))
def test_quantiles_are_those_of_the_list(scores: list[float], lifetime: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detectors.ranks.LIFETIME", lifetime)
        patch.setattr("detectors.ranks.SETTLED", 3)
        ranks, oracle = ScoreRanks(-10, 10), RankOracle(-10, 10, BINS, 3, lifetime)
        for score in scores:
            expected = oracle.quantile(score)
            found = ranks.quantile(score)
            assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))
            ranks.learn(score)
            oracle.learn(score)


def test_there_is_no_quantile_before_it_has_settled() -> None:
    ranks = ScoreRanks(0, 1)
    for number in range(SETTLED):
        assert ranks.quantile(0.5) is None, number
        ranks.learn(number / SETTLED)
    assert ranks.quantile(0.5) == pytest.approx(0.5, abs=0.01)
    assert ranks.quantile(-5) == pytest.approx(0.0, abs=0.01)
    assert ranks.quantile(5) == pytest.approx(1.0, abs=0.01)


def test_quantiles_follow_a_drift() -> None:
    """Once the scores lie elsewhere, what was high becomes ordinary."""
    draw, ranks = random.Random(1), ScoreRanks(-10, 10)
    for _ in range(LIFETIME // 4):
        ranks.learn(draw.gauss(0, 1))
    before = ranks.quantile(3)
    for _ in range(4 * LIFETIME):
        ranks.learn(3.0)
    after = ranks.quantile(3)
    assert before is not None
    assert after is not None
    assert before > 0.99
    assert after == pytest.approx(0.5, abs=0.02)


def test_quantiles_rise_with_the_score() -> None:
    draw, ranks = random.Random(2), ScoreRanks(-10, 10)
    for _ in range(2_000):
        ranks.learn(draw.gauss(0, 3))
    found = [ranks.quantile(at / 10) or 0.0 for at in range(-110, 111)]
    assert found == sorted(found)
    assert found[0] >= 0
    assert found[-1] <= 1
