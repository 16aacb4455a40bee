"""The columns of a batch of events, as the windows take them, and what is asked of the windows in between."""

import msgspec
import numpy as np
from numpy.typing import NDArray


class Columns(msgspec.Struct, frozen=True):
    """A batch of n events in order of arrival.

    `ids` is uint64[n, columns], as a Hasher gives them, 0 where missing; its first columns are those of `plan.ids`,
    others are not read. `values` is int64[len(plan.values), n],
    NULL where missing; `entering` is uint64[n], bit f set where the event passes filter f; `judged` is bool[n], false
    where nobody asks for the features. Texts stay with the caller: a feature of `plan.texts` comes out as a row.
    """

    timestamp_ms: NDArray[np.int64]
    ids: NDArray[np.uint64]
    values: NDArray[np.int64]
    entering: NDArray[np.uint64]
    judged: NDArray[np.bool_]


class Probe(msgspec.Struct, frozen=True, gc=False):
    """Asks, as event `at` of an update comes, what became of a wait for what the absence `feature` says.

    The event with that `ordinal`, of `start_ms`, began it; it was for `within_ms`, and so were the steps before it. The
    event's key is that of `ids`, uint64[columns] as in `Columns`; none of them may be missing.
    """

    at: int
    feature: int
    ids: NDArray[np.uint64]
    ordinal: int
    start_ms: int
    within_ms: int


def between(columns: Columns, start: int, end: int) -> Columns:
    """The events from `start` on, up to `end`."""
    return Columns(
        columns.timestamp_ms[start:end],
        columns.ids[start:end],
        np.ascontiguousarray(columns.values[:, start:end]),
        columns.entering[start:end],
        columns.judged[start:end],
    )
