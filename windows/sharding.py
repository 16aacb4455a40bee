"""The answers of several shards joined into one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from windows.plan import Plan


def join(plan: Plan, parts: Sequence[tuple[NDArray[np.int64], NDArray[np.bool_]]]) -> NDArray[np.int64]:
    """The features of n events, int64[len(plan.aggregates), n], from what each shard has of them.

    A part is what a store's `update` answered and its `owned` after that: bool[chains with windows, n]. The shards
    must be all there are; each feature of each event is taken from the one that owns it.
    """
    (joined, _), *others = parts
    for part, owned in others:
        joined = np.where(owned[plan.chain_of], part, joined)
    return joined
