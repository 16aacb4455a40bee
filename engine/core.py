"""The core: the part of the engine that remembers, from columns of events to their features.

Everything that a decision owes to earlier events is here: which ids have been seen, how far the stream is, the windows.
It knows columns only, so that what it has taken can be kept and taken in again.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.features import FeaturePlan
from rules import Timing
from schemas import EARLIEST_MS
from windows import (
    BATCH_MAX,
    DUPLICATE,
    FRESH,
    FUTURE,
    LATE,
    NULL,
    Admission,
    Columns,
    Verdicts,
    WindowStore,
)

Texts = Mapping[str, Sequence[str | None]]


class Revaluation(NamedTuple):
    """From here on the event with the id `target` has the amount `amount_minor`, or none where that is NULL."""

    target: int
    amount_minor: int


class Coming(msgspec.Struct, frozen=True, gc=False):
    """n events on their way into the core, in order of arrival.

    `ids` and `contents` are uint64[n]; `timestamp_ms` and `arrival_ms` are int64[n], the latter None where nobody knows
    when they came. `columns` are what the windows want of them. `texts` are the texts that features answer with, by
    field. `revaluation` is what the last of the events says of an earlier one.
    """

    ids: NDArray[np.uint64]
    contents: NDArray[np.uint64]
    timestamp_ms: NDArray[np.int64]
    arrival_ms: NDArray[np.int64] | None
    columns: Columns
    texts: Texts
    revaluation: Revaluation | None


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What the core says of n events.

    `features` is int64[features, n] as `windows.WindowStore` gives them, NULL for events that were not admitted.
    `complete` is bool[n], whether the log surely had all that the windows reach, as it has not for who is late; None
    where it had for all.
    `admitted` are the events as they were taken in; they are those of `verdicts.kinds` below DUPLICATE. `revalued` is
    false where the last of them changes an event that is not known.
    """

    verdicts: Verdicts
    features: NDArray[np.int64]
    complete: NDArray[np.bool_] | None
    admitted: Coming
    revalued: bool


class Core:
    """Admission, windows and the texts of their rows, for one pack."""

    def __init__(self, features: FeaturePlan, timing: Timing, memory_bytes: int) -> None:
        plan = features.plan
        self.plan = plan
        self.texts: dict[str, NDArray[np.object_]] = {
            field: np.empty(BATCH_MAX, dtype=np.object_) for field in set(plan.texts.values())
        }
        self._amount = plan.values.index("amount") if "amount" in plan.values else None
        self.keep_ms = max(timing.dedupe_ms, plan.reach_ms + timing.lateness_ms)
        """For how long after an event, by the stream's clock, it is of any consequence."""
        self._admission = Admission(timing.lateness_ms, timing.skew_ms, timing.dedupe_ms, self.keep_ms)
        self._store = WindowStore(plan, memory_bytes, lateness_ms=timing.lateness_ms)

    @property
    def held(self) -> tuple[int, int]:
        """Events in the log, and live keys."""
        return self._store.events, self._store.keys

    @property
    def repeatable(self) -> int:
        """The lowest serial that an event may still turn out to be a repetition of."""
        return self._admission.repeatable

    @property
    def forgotten_early(self) -> int:
        """How many ids had to be forgotten before their time, for want of room."""
        return self._admission.forgotten_early

    @property
    def clock_ms(self) -> int:
        """How far the stream has come, in event time."""
        return self._admission.clock_ms

    def knows(self, ids: NDArray[np.uint64]) -> list[bool]:
        """For each id whether its event is remembered."""
        known: list[bool] = (self._admission.find(ids) >= 0).tolist()
        return known

    def take(self, coming: Coming) -> Taken:
        """Takes the events in, at most BATCH_MAX, and answers with their features."""
        verdicts = self._admission.admit(coming.ids, coming.contents, coming.timestamp_ms, coming.arrival_ms)
        if verdicts.plain:
            features, rows = self._update(coming.columns)
            complete = self._complete(coming.timestamp_ms)
            self._keep_texts(rows, coming.texts)
            return Taken(verdicts, features, complete, coming, self._revalue(coming.revaluation))
        admitted = _admitted(coming, verdicts)
        features, rows = self._update(admitted.columns)
        known = verdicts.kinds < DUPLICATE
        complete = verdicts.kinds != LATE
        whole = self._complete(admitted.columns.timestamp_ms)
        if whole is not None:
            complete[known] &= whole
        self._keep_texts(rows, admitted.texts)
        if not known.all():
            spread = np.full((len(features), len(known)), NULL, dtype=np.int64)
            spread[:, known] = features
            features = spread
        return Taken(verdicts, features, complete, admitted, self._revalue(admitted.revaluation))

    def load(self, coming: Coming) -> None:
        """Takes in events that were admitted before, any number of them; nobody asks for their features."""
        self._admission.load(coming.ids, coming.contents, coming.timestamp_ms, coming.arrival_ms)
        rows = self._store.load(coming.columns)
        self._keep_texts(rows, coming.texts)
        self._revalue(coming.revaluation)

    def _revalue(self, revaluation: Revaluation | None) -> bool:
        """False where the event that is meant is not known."""
        if revaluation is None:
            return True
        (serial,) = self._admission.find(np.array([revaluation.target], dtype=np.uint64)).tolist()
        if serial < 0:
            return False
        return self._amount is None or self._store.revalue(serial, self._amount, revaluation.amount_minor)

    def _update(self, columns: Columns) -> tuple[NDArray[np.int64], Sequence[range]]:
        features, rows = self._store.update(columns)
        if len(columns.judged) > np.count_nonzero(columns.judged):
            features[:, ~columns.judged] = NULL
        return features, rows

    def _complete(self, timestamp_ms: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        since_ms = self._store.complete_since_ms + self.plan.reach_ms
        if since_ms < EARLIEST_MS or not len(timestamp_ms) or np.minimum.reduce(timestamp_ms) >= since_ms:
            return None
        complete = timestamp_ms >= self._store.whole_since_ms + self.plan.reach_ms
        return None if complete.all() else complete

    def _keep_texts(self, rows: Sequence[range], texts: Texts) -> None:
        """Keeps the texts of the log's `rows`; the log fills from its first row on, so that its size says how many."""
        for field in self.texts:
            kept, needed = self.texts[field], max((each.stop for each in rows), default=0)
            if needed > len(kept):
                more = np.empty(max(needed, 2 * len(kept)) - len(kept), dtype=np.object_)
                kept = self.texts[field] = np.concatenate((kept, more))
            start = 0
            for each in rows:
                kept[each.start : each.stop] = texts[field][start : start + len(each)]
                start += len(each)


def moments_of(verdicts: Verdicts, timestamp_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """As of when each event is judged, int64: its own time, but where the stream is if it is from the future.

    How many events there are by its own time nobody can know, and what a list holds by then neither.
    """
    return np.where(verdicts.kinds == FUTURE, verdicts.clock_ms, timestamp_ms)


def _admitted(coming: Coming, verdicts: Verdicts) -> Coming:
    """The events that are none of DUPLICATE and CONFLICT; who is late or in the future enters no window."""
    kinds, columns = verdicts.kinds, coming.columns
    known = np.flatnonzero(kinds < DUPLICATE)
    moments_ms = moments_of(verdicts, coming.timestamp_ms)
    entering = np.where(kinds == FRESH, columns.entering, np.uint64(0))
    return Coming(
        coming.ids[known],
        coming.contents[known],
        coming.timestamp_ms[known],
        None if coming.arrival_ms is None else coming.arrival_ms[known],
        Columns(
            moments_ms[known],
            columns.ids[known],
            np.ascontiguousarray(columns.values[:, known]),
            entering[known],
            columns.judged[known],
        ),
        {field: [texts[at] for at in known.tolist()] for field, texts in coming.texts.items()},
        coming.revaluation if kinds[-1] < DUPLICATE else None,
    )
