"""Sequences of steps against the oracle, which tries every way to take them."""

import random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.window_driver import WindowDriver
from support.window_oracle import Happening
from support.window_streams import (
    FILTER_SHARES,
    Revaluations,
    assert_equal_to_oracle_with_changes,
    happenings,
    revaluations,
    sequences,
)
from windows import FILTERS_MAX, Aggregate

RESET, LOGIN, PROOF, OTHER = range(4)
TAKEOVER = Aggregate("sequence", ("user",), 100, steps=(RESET, LOGIN), unless=(PROOF,))
NOBODY = {"device": None, "payee": None}


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 59),
    st.integers(1, 3),
    st.sampled_from((4, 1024)),
    st.lists(sequences(), min_size=1, max_size=6),
    happenings(),
    revaluations(),
)
def test_sequences_equal_the_oracle(
    loaded: int,
    shards: int,
    page_rows: int,
    plan: list[Aggregate],
    stream: list[Happening],
    changes: Revaluations,
) -> None:
    driver = WindowDriver(plan, page_rows=page_rows, lateness_ms=300, shards=shards)
    assert_equal_to_oracle_with_changes(driver, stream, changes, loaded)


def matches(*events: tuple[int, int], sequence: Aggregate = TAKEOVER) -> bool:
    """Whether the sequence has come before a last event, which passes no filter; each event is a time and a filter."""
    stream = [
        Happening(time_ms, {"user": "a", **NOBODY}, {"amount": 1, "quantity": 1}, frozenset({passes}))
        for time_ms, passes in events
    ]
    answers = [row[0] for row in WindowDriver([sequence]).take(stream)]
    assert set(answers) <= {0, 1}
    return answers[-1] == 1


def test_the_steps_must_come_in_their_order() -> None:
    assert matches((1, RESET), (2, LOGIN), (3, OTHER))
    assert not matches((1, LOGIN), (2, RESET), (3, OTHER))
    assert matches((1, LOGIN), (2, RESET), (2, LOGIN), (2, OTHER))


def test_the_first_step_is_within_the_window() -> None:
    assert matches((1, RESET), (2, LOGIN), (100, OTHER))
    assert not matches((1, RESET), (2, LOGIN), (101, OTHER))


def test_what_ends_a_sequence_counts_only_between_its_steps() -> None:
    assert not matches((1, RESET), (2, PROOF), (3, LOGIN), (4, OTHER))
    assert not matches((1, RESET), (2, LOGIN), (3, PROOF), (4, OTHER))
    assert matches((0, PROOF), (1, RESET), (2, LOGIN), (4, OTHER))
    assert matches((1, RESET), (2, PROOF), (3, RESET), (4, LOGIN), (5, OTHER))


def test_a_late_event_takes_its_place() -> None:
    assert not matches((1, RESET), (5, LOGIN), (3, PROOF), (6, OTHER))
    assert matches((5, LOGIN), (1, RESET), (6, OTHER))
    assert matches((1, RESET), (5, LOGIN), (9, PROOF), (6, OTHER))


def test_the_last_step_may_be_of_the_kind_of_an_earlier_one() -> None:
    twice = Aggregate("sequence", ("user",), 100, steps=(LOGIN,))
    assert not matches((1, LOGIN), sequence=twice)
    assert matches((1, LOGIN), (1, LOGIN), sequence=twice)


def test_the_last_filters_there_are_can_be_steps() -> None:
    last = FILTERS_MAX - 1
    wide = Aggregate("sequence", ("user",), 100, steps=tuple(range(last - 9, last + 1)), unless=(0,))
    events = [(time_ms, filter_) for time_ms, filter_ in enumerate(wide.steps)]
    assert matches(*events, (20, 1), sequence=wide)
    assert not matches(*events[1:], (20, 1), sequence=wide)
    assert not matches(*events, (20, 0), (21, 1), sequence=wide)


def test_random_sequences_both_match_and_do_not() -> None:
    """What the properties above are worth."""
    thrown = random.Random(1)
    stream = [
        Happening(
            time_ms,
            {"user": thrown.choice("ab"), **NOBODY},
            {"amount": 1, "quantity": 1},
            frozenset(each for each, share in enumerate(FILTER_SHARES) if thrown.random() < share),
        )
        for time_ms in range(0, 2000, 7)
    ]
    steps, unless = [(0,), (4, 3), (5, 4, 3), (0, 1, 2, 3)], [(), (5,), (2,)]
    plan = [Aggregate("sequence", ("user",), 90, steps=each, unless=ends) for each in steps for ends in unless]
    answers = np.array(WindowDriver(plan).take(stream))
    assert ((answers.mean(axis=0) > 0.02) & (answers.mean(axis=0) < 0.99)).sum() >= 9
