"""What several shards have of the same events: made small, to be carried, and put together again."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windows.jit import kernel
from windows.memory import Words
from windows.plan import Plan

Marks = NDArray[np.bool_]


class Part(NamedTuple):
    """A shard's own features of n events: `features` is int64[as many as are its own], feature by feature.

    `owned` is bool[chains with windows, n], which windows are its own.
    """

    features: Words
    owned: Marks

    def __reduce__(self) -> tuple[object, ...]:
        """As bytes, which are carried elsewhere in less time than arrays."""
        return _unpacked, (self.features.tobytes(), self.owned.tobytes(), self.owned.shape)


def _unpacked(features: bytes, owned: bytes, shape: tuple[int, int]) -> Part:
    found, marks = np.frombuffer(features, dtype=np.int64).copy(), np.frombuffer(owned, dtype=np.bool_).copy()
    return Part(found, marks.reshape(shape))


def part_of(plan: Plan, features: Words, owned: Marks) -> Part:
    """The shard's own part of what its store's `update` answered, with its `owned` after that."""
    counts, places = np.count_nonzero(owned, axis=1), np.empty(owned.shape, dtype=np.int64)
    found = np.empty(int(counts[plan.chain_of].sum()), dtype=np.int64)
    _move(features, owned, counts, plan.chain_of, places, found, True)
    return Part(found, owned)


def join(plan: Plan, parts: Sequence[Part]) -> Words:
    """The features of n events, int64[len(plan.aggregates), n]. The parts must be those of all shards there are."""
    places = np.empty(parts[0].owned.shape, dtype=np.int64)
    joined = np.empty((len(plan.aggregates), parts[0].owned.shape[1]), dtype=np.int64)
    for found, owned in parts:
        _move(joined, owned, np.count_nonzero(owned, axis=1), plan.chain_of, places, found, False)
    return joined


@kernel
def _move(
    features: Words, owned: Marks, counts: Words, chain_of: Words, places: Words, found: Words, picking: bool
) -> None:
    """Moves what is owned of the features to `found`, or back. `counts` is how much is owned in each chain.

    `places`, as many as `owned`, are found first, without a branch, since what is owned nobody can guess.
    """
    for c in range(len(owned)):
        count = 0
        for i in range(owned.shape[1]):
            places[c, count] = i
            count += owned[c, i]
    start = 0
    for f in range(len(features)):
        c = chain_of[f]
        count = counts[c]
        for k in range(count):
            if picking:
                found[start + k] = features[f, places[c, k]]
            else:
                features[f, places[c, k]] = found[start + k]
        start += count
