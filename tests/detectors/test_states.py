"""What every detector that a pack can name has learnt, as plain bytes that another one takes over."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import KINDS, Facts, Scorer
from support.scorers import facts, fresh

every_kind = pytest.mark.parametrize("kind", KINDS)

_AMOUNTS = st.integers(0, 10**7) | st.floats(0, 1e12) | st.sampled_from([None, -1])
_FACTS = st.builds(lambda user, amount: {"user_id": user, "amount": amount}, st.sampled_from("abcd"), _AMOUNTS)
_STREAMS = st.lists(_FACTS, max_size=120)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def _soon_settled() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detectors.ranks.SETTLED", 5)
        yield


def take(scorer: Scorer, stream: Iterable[Facts]) -> list[tuple[float | None, float | None]]:
    """Each event's score and quantile; then it is learnt."""
    told = []
    for x in stream:
        score = scorer.detector.score_one(x)
        told.append((score, None if score is None else scorer.ranks.quantile(score)))
        scorer.learn(score, x)
    return told


def adopting(kind: str, states: Sequence[bytes]) -> Scorer:
    scorer = fresh(kind)
    scorer.adopt(states)
    return scorer


def known(scorer: Scorer) -> list[str]:
    """Who of the users `a` to `f` has a score."""
    return [user for user in "abcdef" if scorer.detector.score_one({"user_id": user, "amount": 5}) is not None]


@every_kind
@given(_STREAMS, st.integers(0, 120), st.sampled_from([3, 20, 1000]))
def test_who_adopts_a_state_goes_on_as_if_nothing_had_been(
    kind: str, stream: list[Facts], at: int, lifetime: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detectors.ranks.LIFETIME", lifetime)
        undisturbed, before = fresh(kind), fresh(kind)
        expected = take(undisturbed, stream)
        told = take(before, stream[:at])
        after = adopting(kind, [before.state()])
        assert after.state() == before.state()
        assert told + take(after, stream[at:]) == expected
        assert after.state() == undisturbed.state()


@every_kind
@settings(max_examples=40)
@given(_STREAMS, _STREAMS)
def test_who_adopts_from_several_that_shared_a_stream_knows_what_all_knew(
    kind: str, before: list[Facts], after: list[Facts]
) -> None:
    """They had shared it by the key, so that each key is known by one of them."""
    whole, parts = fresh(kind), {"ab": fresh(kind), "c": fresh(kind), "d": fresh(kind)}
    take(whole, before)
    for users, part in parts.items():
        take(part, [x for x in before if str(x["user_id"]) in users])
    expected = take(whole, after)
    for states in permutations(part.state() for part in parts.values()):
        assert take(adopting(kind, states), after) == expected


@every_kind
def test_who_adopts_nothing_knows_nothing(kind: str) -> None:
    assert adopting(kind, []).state() == fresh(kind).state()
    assert take(adopting(kind, []), facts(60)) == take(fresh(kind), facts(60))


@every_kind
def test_memory_is_bounded_and_the_oldest_goes_first(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[type(fresh(kind).detector).__module__], "KEYS_MAX", 3)
    one, other = fresh(kind), fresh(kind)
    take(one, [{"user_id": user, "amount": 5} for user in "abcab" for _ in range(9)])
    take(other, [{"user_id": user, "amount": 5} for user in "defde" for _ in range(9)])
    after = adopting(kind, [one.state()])
    after.learn(None, {"user_id": "new", "amount": 5})
    assert known(after) == ["a", "b"]
    assert known(adopting(kind, [one.state(), other.state()])) == ["d", "e", "f"]


@every_kind
@settings(max_examples=300)
@given(st.data())
def test_what_is_no_state_is_refused(kind: str, data: st.DataObject) -> None:
    scorer = fresh(kind)
    take(scorer, facts(data.draw(st.integers(0, 40))))
    state = scorer.state()
    cut = state[: data.draw(st.integers(0, len(state) - 1))]
    other = msgspec.msgpack.encode(data.draw(_ANYTHING))
    for damaged in (cut, state + b"\0", other, msgspec.msgpack.encode((other, other))):
        with pytest.raises(msgspec.MsgspecError):
            adopting(kind, [damaged])
