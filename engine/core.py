"""The core: the part of the engine that remembers, from columns of events to their features.

Everything that a decision owes to earlier events is here: which ids have been seen, how far the stream is, the windows.
It knows columns only, so that what it has taken can be kept and taken in again.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.coming import Coming, Revaluation
from engine.features import FeaturePlan
from engine.holding import Holding
from engine.succession import Succession
from engine.waits import Due, Pending, Wait, Waits
from rules import Timing
from schemas import EARLIEST_MS
from windows import (
    DUPLICATE,
    FRESH,
    FUTURE,
    HAS_COME,
    LATE,
    NOT_OURS,
    NULL,
    UNSURE,
    Admission,
    Columns,
    Part,
    Verdicts,
    WindowStore,
    join,
    part_of,
)


class Entered(msgspec.Struct, frozen=True, gc=False):
    """What became of n events when they came, which is the same in all shards.

    `turn` counts what has been taken in, over all runs that share their records. `admitted` are the events as they
    were taken in; they are those of `verdicts.kinds` below DUPLICATE. `revalued` is False where an event that was to
    change is not known. `due` are the waits that were over as one of the admitted came.
    """

    turn: int
    verdicts: Verdicts
    admitted: Coming
    revalued: bool
    due: Sequence[Due]


class Share(msgspec.Struct, frozen=True, gc=False):
    """What one shard has of m events that were admitted.

    `part` are the features of its own windows, NULL for events that nobody judges. `complete` is bool[m], whether the
    log surely had all that the windows reach, None where it had for all. `texts` are those that rows in the features
    mean, of m events, by feature. `probed` says for each wait that was over what `windows.WindowStore.probe` does.
    """

    part: Part
    complete: NDArray[np.bool_] | None
    texts: Mapping[str, NDArray[np.object_]]
    probed: Sequence[int]


class Elapsed(NamedTuple):
    """A wait that was in vain, as event `at` came; `unsure` where not all is known that came meanwhile."""

    at: int
    pending: Pending
    unsure: bool


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What the core says of n events.

    `features` is int64[features, n], NULL for events that were not admitted; `texts` has, by field, those that rows in
    it mean. `complete` is bool[n], whether all was known that the windows reach, as it is not for who is late; None
    where it was for all. `elapsed` are waits that were in vain, in order.
    """

    entered: Entered
    features: NDArray[np.int64]
    texts: Mapping[str, NDArray[np.object_]]
    complete: NDArray[np.bool_] | None
    elapsed: Sequence[Elapsed]


class Readmitted(NamedTuple):
    """How the core stood around events that had been admitted before.

    `first` is the serial of the first of them, `repeatable` the lowest that an event may still turn out to be a
    repetition of. `meant` is the serial of the event that the last of them changes, -1 where there is none.
    `reached_ms` is how far the stream had come.
    """

    first: int
    repeatable: int
    meant: int
    reached_ms: int


class Core:
    """Admission, windows and the texts of their rows, for one pack; `shard` of so many that all take in the same."""

    def __init__(
        self, features: FeaturePlan, timing: Timing, memory_bytes: int, shard: int = 0, shards: int = 1
    ) -> None:
        plan = features.plan
        self.plan = plan
        self.keep_ms = max(timing.dedupe_ms, plan.reach_ms + timing.lateness_ms)
        """For how long after an event, by the stream's clock, it is of any consequence."""
        self._timing = timing
        self._admission = Admission(timing.lateness_ms, timing.skew_ms, timing.dedupe_ms, self.keep_ms)
        store = WindowStore(plan, memory_bytes, lateness_ms=timing.lateness_ms, shard=shard, shards=shards)
        self.holding = Holding(plan, store)
        self._succession: Succession | None = None
        self._waits = Waits(features.waits, timing.lateness_ms)
        self._turn = 0

    def expect(self, succession: Succession | None) -> None:
        """Windows that grow from what is held hear of what changes there, until they are to `succeed`."""
        self._succession = succession

    def succeed(self, succession: Succession) -> None:
        """From now on the windows are those that have grown. The core must be the only shard, and no rule may wait."""
        self.holding = succession.finish()
        self._succession = None
        self.plan = self.holding.plan
        self.keep_ms = max(self._timing.dedupe_ms, self.plan.reach_ms + self._timing.lateness_ms)
        self._admission.keep(self.keep_ms)

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields whose texts features answer with."""
        return tuple(self.holding.rows_of)

    @property
    def held(self) -> tuple[int, int]:
        """Events in the log, and live keys."""
        return self.holding.store.events, self.holding.store.keys

    @property
    def repeatable(self) -> int:
        """The lowest serial that an event may still turn out to be a repetition of."""
        return self._admission.repeatable

    @property
    def forgotten_early(self) -> int:
        """How many ids had to be forgotten before their time, for want of room."""
        return self._admission.forgotten_early

    @property
    def next_serial(self) -> int:
        """The serial of the next event that is admitted."""
        return self._admission.next_serial

    @property
    def clock_ms(self) -> int:
        """How far the stream has come, in event time."""
        return self._admission.clock_ms

    def stands_ms(self, coming: Coming) -> int:
        """Where the events stand in the stream's time: by one of them, unless that is from the future."""
        return min(int(coming.timestamp_ms[len(coming.timestamp_ms) // 2]), self.clock_ms + self._timing.skew_ms)

    def knows(self, ids: NDArray[np.uint64]) -> list[bool]:
        """For each id whether its event is remembered."""
        known: list[bool] = (self._admission.find(ids) >= 0).tolist()
        return known

    def take(self, coming: Coming) -> Taken:
        """Takes the events in, at most BATCH_MAX, and answers with their features. The core must be the only shard."""
        entered, features, complete, probed = self._enter(coming)
        return _spread(entered, features, self.holding.rows_of, complete, probed)

    def elapse(self) -> list[Elapsed]:
        """The waits that are in vain if no event comes any more. The core must be the only shard."""
        due = self._waits.end()
        return _in_vain(due, [self.holding.store.probe(self._waits.probe(each)) for each in due])

    def enter(self, coming: Coming) -> tuple[Entered, Share]:
        """Takes the events in, as all shards must in the same order, and answers with what this one has of them."""
        entered, features, complete, probed = self._enter(coming)
        owned, texts = self.holding.store.owned, {}
        for number, field in self.plan.texts.items():
            rows = features[number]
            found = owned[self.plan.chain_of[number]] & (rows != NULL) & entered.admitted.columns.judged
            texts[str(number)] = np.full(len(rows), None, dtype=np.object_)
            texts[str(number)][found] = self.holding.rows_of[field][rows[found]]
        return entered, Share(part_of(self.plan, features, owned), complete, texts, probed)

    def joined(self, entered: Entered, shares: Sequence[Share]) -> Taken:
        """What all shards together say of events that have entered; `shares` are theirs, one of each."""
        features = join(self.plan, [share.part for share in shares])
        texts = self._joined_texts(features, shares)
        complete = None
        for share in shares:
            if share.complete is not None:
                complete = share.complete if complete is None else complete & share.complete
        probed = [
            next(found for found in answers if found != NOT_OURS)
            for answers in zip(*(share.probed for share in shares), strict=True)
        ]
        return _spread(entered, features, texts, complete, probed)

    def _joined_texts(self, features: NDArray[np.int64], shares: Sequence[Share]) -> dict[str, NDArray[np.object_]]:
        """The texts that features mean, by field; the features are made to be the places in there."""
        texts: dict[str, list[NDArray[np.object_]]] = {field: [] for field in self.holding.rows_of}
        for number, field in self.plan.texts.items():
            chosen = shares[0].texts[str(number)].copy()
            for share in shares[1:]:
                np.copyto(chosen, share.texts[str(number)], where=share.part.owned[self.plan.chain_of[number]])
            count = len(chosen)
            places = np.arange(count) + count * len(texts[field])
            features[number] = np.where(features[number] == NULL, NULL, places)
            texts[field].append(chosen)
        return {field: np.concatenate(parts) for field, parts in texts.items()}

    def _enter(self, coming: Coming) -> tuple[Entered, NDArray[np.int64], NDArray[np.bool_] | None, Sequence[int]]:
        """Takes the events in; the features, what was complete and what was probed are as in a Share."""
        verdicts = self._admission.admit(coming.ids, coming.contents, coming.timestamp_ms, coming.arrival_ms)
        admitted = coming if verdicts.plain else _admitted(coming, verdicts)
        holding, columns = self.holding, admitted.columns
        due = self._due(admitted, verdicts) if self._waits else ()
        features, rows = holding.store.update(columns, list(map(self._waits.probe, due)))
        holding.blank(features, columns.timestamp_ms)
        complete = self._complete(columns.timestamp_ms)
        holding.keep_texts(rows, admitted.texts)
        self._turn += 1
        revalued = self._revalue(admitted.revaluation)
        entered = Entered(self._turn, verdicts, admitted, revalued, due)
        return entered, features, complete, tuple(holding.store.probed)

    def _due(self, admitted: Coming, verdicts: Verdicts) -> list[Due]:
        """Takes in the waits that the events start; those that are over as one of them comes."""
        serials, reached_ms, columns = verdicts.serials, verdicts.reached_ms, admitted.columns
        if not verdicts.plain:
            known = verdicts.kinds < DUPLICATE
            serials, reached_ms = serials[known], reached_ms[known]
        return self._waits.begin(admitted.waits, serials, columns.timestamp_ms, columns.ids, reached_ms)

    def readmit(self, coming: Coming) -> Readmitted:
        """Remembers events that were admitted before, any number of them; they are loaded next."""
        first = self.next_serial
        self._admission.load(coming.ids, coming.contents, coming.timestamp_ms, coming.arrival_ms)
        meant = -1 if coming.revaluation is None else self._serial(coming.revaluation)
        return Readmitted(first, self.repeatable, meant, self.clock_ms)

    def load(self, coming: Coming, readmitted: Readmitted, turn: int) -> None:
        """Takes readmitted events in, up to that turn; nobody asks for their features.

        This may run while the next ones are readmitted.
        """
        self._turn = turn
        times_ms, ids = coming.columns.timestamp_ms, coming.columns.ids
        self._waits.load(coming.waits, readmitted.first, times_ms, ids, readmitted.reached_ms)
        rows = self.holding.store.load(coming.columns)
        self.holding.keep_texts(rows, coming.texts)
        if coming.revaluation is not None:
            self._change(readmitted.meant, coming.revaluation)

    def _serial(self, revaluation: Revaluation) -> int:
        """That of the event which is meant; -1 where it is not known."""
        (serial,) = self._admission.find(np.array([revaluation.target], dtype=np.uint64)).tolist()
        return int(serial)

    def _revalue(self, revaluation: Revaluation | None) -> bool:
        """False where the event that is meant is not known."""
        return revaluation is None or self._change(self._serial(revaluation), revaluation)

    def _change(self, serial: int, revaluation: Revaluation) -> bool:
        if serial < 0:
            return False
        if self._succession is not None:
            self._succession.revalue(serial, revaluation.amount_minor)
        column = self.holding.amount
        return column is None or self.holding.store.revalue(serial, column, revaluation.amount_minor)

    def _complete(self, timestamp_ms: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        since_ms = self.holding.store.complete_since_ms + self.plan.reach_ms
        if since_ms < EARLIEST_MS or not len(timestamp_ms) or np.minimum.reduce(timestamp_ms) >= since_ms:
            return None
        complete = timestamp_ms >= self.holding.store.whole_since_ms + self.plan.reach_ms
        return None if complete.all() else complete


def _spread(
    entered: Entered,
    features: NDArray[np.int64],
    texts: Mapping[str, NDArray[np.object_]],
    complete: NDArray[np.bool_] | None,
    probed: Sequence[int],
) -> Taken:
    """From the events that were admitted to all that came."""
    elapsed = _in_vain(entered.due, probed) if entered.due else ()
    if entered.verdicts.plain:
        return Taken(entered, features, texts, complete, elapsed)
    kinds = entered.verdicts.kinds
    known = kinds < DUPLICATE
    whole = kinds != LATE
    if complete is not None:
        whole[known] &= complete
    if not known.all():
        spread = np.full((len(features), len(known)), NULL, dtype=np.int64)
        spread[:, known] = features
        features = spread
    places: list[int] = np.flatnonzero(known).tolist()
    return Taken(entered, features, texts, whole, [each._replace(at=places[each.at]) for each in elapsed])


def _in_vain(due: Sequence[Due], probed: Sequence[int]) -> list[Elapsed]:
    return [
        Elapsed(each.at, each.pending, found == UNSURE)
        for each, found in zip(due, probed, strict=True)
        if found != HAS_COME
    ]


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
        _started(coming.waits, kinds),
    )


def _started(waits: Sequence[Wait], kinds: NDArray[np.int64]) -> Sequence[Wait]:
    """The waits of events that count, in their places among those that were admitted."""
    if not waits:
        return waits
    places = np.cumsum(kinds < DUPLICATE) - 1
    return [wait._replace(at=int(places[wait.at])) for wait in waits if kinds[wait.at] == FRESH]
