"""What every detector that a pack can name must hold to: each check is crossed with every kind."""

import doctest
import pickle
import random
import sys
from pathlib import Path

import pytest

from detectors import KINDS, Facts, Scorer, open_scorer
from support.rule_packs import sound_pack
from support.scorers import OPTIONS, facts, fresh, scores_of

every_kind = pytest.mark.parametrize("kind", KINDS)


def test_every_kind_is_covered() -> None:
    assert set(OPTIONS) == set(KINDS)
    assert len(KINDS) == len(set(KINDS)) == 1


@every_kind
def test_a_pack_can_name_it(kind: str, tmp_path: Path) -> None:
    options = ", ".join(f"{name}: {count} events" for name, count in OPTIONS[kind].items())
    detectors = f"detectors: {{d: {{kind: {kind}, by: user_id, of: amount, {options}}}}}\n"
    pack = sound_pack(tmp_path, detectors + "rules: [{id: a.b, when: score.d.value > 3, then: block}]\n")
    spec = pack.detectors["d"]
    assert (spec.kind, spec.by, spec.of, spec.options) == (kind, "user_id", "amount", OPTIONS[kind])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a detector kind \(own_baseline\), got `oracle`"):
        open_scorer("oracle", "user_id", "amount", {})


@every_kind
def test_it_reads_the_fields_it_was_given(kind: str) -> None:
    assert set(fresh(kind).detector.reads) == {"user_id", "amount"}


@every_kind
def test_there_is_no_score_before_it_has_learnt(kind: str) -> None:
    """During the warm-up a score is missing, not zero."""
    scorer = fresh(kind)
    scores = scores_of(scorer.detector, facts(400))
    assert scores[0] is None
    assert None not in scores[200:]
    assert scorer.ranks.quantile(0.0) is None


@every_kind
def test_scoring_teaches_nothing(kind: str) -> None:
    one, other = fresh(kind).detector, fresh(kind).detector
    for number, x in enumerate(facts(300)):
        for _ in range(number % 4):
            one.score_one({"user_id": x["user_id"], "amount": 10**9})
        assert one.score_one(x) == other.score_one(x)
        one.learn_one(x)
        other.learn_one(x)


@every_kind
def test_the_facts_stay_as_they_are(kind: str) -> None:
    detector = fresh(kind).detector
    for x in facts(50):
        before = dict(x)
        detector.score_one(x)
        detector.learn_one(x)
        assert x == before


@every_kind
def test_the_same_stream_gives_the_same_scores(kind: str) -> None:
    assert scores_of(fresh(kind).detector, facts(500)) == scores_of(fresh(kind).detector, facts(500))


@every_kind
def test_pickled_it_goes_on_as_if_nothing_had_been(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 50)
    scorer = fresh(kind)
    for score in scores_of(scorer.detector, facts(300)):
        if score is not None:
            scorer.ranks.learn(score)
    copy: Scorer = pickle.loads(pickle.dumps(scorer))  # noqa: S301
    assert [copy.ranks.quantile(at / 7) for at in range(-70, 70)] == [
        scorer.ranks.quantile(at / 7) for at in range(-70, 70)
    ]
    assert scores_of(copy.detector, facts(300, seed=2)) == scores_of(scorer.detector, facts(300, seed=2))


@every_kind
@pytest.mark.parametrize(
    "x",
    [
        {},
        {"user_id": "u1"},
        {"amount": 5},
        {"user_id": None, "amount": 5},
        {"user_id": "u1", "amount": None},
        {"user_id": 7, "amount": 5},
        {"user_id": "u1", "amount": "5"},
        {"user_id": "u1", "amount": -1},
        {"user_id": "u1", "amount": float("nan")},
        {"user_id": "u1", "amount": float("inf")},
        {"user_id": "u1", "amount": 10**400},
    ],
    ids=str,
)
def test_facts_that_lack_something_have_no_score_and_teach_nothing(kind: str, x: Facts) -> None:
    detector, undisturbed = fresh(kind).detector, fresh(kind).detector
    for each in facts(200):
        assert detector.score_one(x) is None
        detector.learn_one(x)
        detector.learn_one(each)
        undisturbed.learn_one(each)
    assert scores_of(detector, facts(50)) == scores_of(undisturbed, facts(50))


@every_kind
def test_fields_appear_and_vanish(kind: str) -> None:
    """What it does not read may come and go."""
    draw = random.Random(3)
    detector, undisturbed = fresh(kind).detector, fresh(kind).detector
    for x in facts(300):
        more = {name: draw.random() for name in draw.sample(("ip", "hour", "", "amount2"), draw.randrange(4))}
        assert detector.score_one(x | more) == undisturbed.score_one(x)
        detector.learn_one(dict(sorted((x | more).items())))
        undisturbed.learn_one(x)


@every_kind
def test_scores_stay_within_what_the_ranks_can_hold(kind: str) -> None:
    scorer = fresh(kind)
    for score in scores_of(scorer.detector, facts(300)):
        if score is not None:
            scorer.ranks.learn(score)
    for amount in (0, 1, 10**15, 1e308):
        score = scorer.detector.score_one({"user_id": "u1", "amount": amount})
        assert score is not None
        assert abs(score) <= 10


@every_kind
def test_memory_is_bounded_by_keys(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[type(fresh(kind).detector).__module__]
    monkeypatch.setattr(module, "KEYS_MAX", 50)
    detector = fresh(kind).detector
    sizes = []
    for number in range(5_000):
        detector.learn_one({"user_id": f"user{number:06}", "amount": 5})
        if number % 500 == 499:
            sizes.append(len(pickle.dumps(detector)))
    assert max(sizes) - min(sizes) < 100


@every_kind
def test_its_doctest_runs(kind: str) -> None:
    result = doctest.testmod(sys.modules[type(fresh(kind).detector).__module__])
    assert result.attempted > 0
    assert result.failed == 0
