"""Seeded simulations of crashes, power failures, full disks and slow sinks; `make soak` goes on with others."""

from collections import Counter

import pytest

from support.simulation import simulate

GROUPS, SEEDS = 10, 12
"""So many groups of so many seeds, always the same ones."""


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_event_is_decided_once_whatever_happens(group: int) -> None:
    for seed in range(group * SEEDS, (group + 1) * SEEDS):
        simulate(seed)


def test_a_seed_gives_the_same_life_again() -> None:
    for seed in range(1_000, 1_005):
        assert simulate(seed) == simulate(seed)


def test_the_seeds_have_every_kind_of_trouble() -> None:
    """Else the tests above would say little."""
    ends: Counter[str] = Counter()
    for seed in range(30):
        ends += simulate(seed).ends
    assert not [end for end in ("crash", "power", "failed", "stopped", "done") if ends[end] < 3]
