"""The engine: one batch of events in, one batch of decisions out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.answers import Answers
from engine.coming import Coming
from engine.composition import encode
from engine.core import Core, Elapsed, Entered, Readmitted, Taken, moments_of
from engine.decisions import Decisions, joined
from engine.exchange import Exchange
from engine.frames import NO_PROFILES, Frame, Lists, Profiles
from engine.holding import Holding
from engine.lineup import Timer, first_serial, numbers_at, with_repeated, with_timers
from engine.measurements import Measured, measured
from engine.outfit import Outfit, outfit_of, same_windows
from engine.rates import Group, Rates
from engine.records import Bundle, Piece, Record, bundles
from engine.scoring import Learnt
from engine.succession import PART_ROWS, Succession
from engine.tables import FeatureTable
from rules import Input, Pack
from schemas import STRUCTS, Correction, Demotion, Event, Lapse, Reversal
from schemas.batches import Batch
from windows import BATCH_MAX, CONFLICT, DUPLICATE, FUTURE, LATE, Hasher

MEMORY_BYTES = 4 << 30
"""Address space for the windows unless the caller says otherwise."""

Prepared = tuple[Bundle, Readmitted]
"""Events to be restored, of which it is known that they have come, but not yet what they did."""

LAPSES: dict[int, Lapse] = {LATE: "late", FUTURE: "future"}
_CHANGING: frozenset[type[Event]] = frozenset((Reversal, Correction))


class Question(msgspec.Struct, frozen=True, gc=False):
    """Events that are taken in at once, on their way to a decision: they begin at `start` of their batch."""

    frame: Frame
    unknown: tuple[str, ...]
    start: int
    coming: Coming


class Renewal(NamedTuple):
    """Another pack for an engine whose windows were `holding`; `succession` has those that it needs, if they differ."""

    outfit: Outfit
    holding: Holding
    succession: Succession | None


class Engine:
    """Decides with one pack, from the history of the events it has been given.

    The same events in the same order with the same pack and lists give the same decisions, however they are cut into
    batches. `hash_key` is 16 bytes that nobody outside should know; `memory_bytes` bounds what the windows may take.
    `watched` are inputs whose values are wanted with each decision, whether a rule reads them or not. An engine that is
    number `shard` of several does not decide by itself: see `engine.sharding`.
    """

    def __init__(
        self,
        pack: Pack,
        hash_key: bytes = bytes(16),
        memory_bytes: int = MEMORY_BYTES,
        watched: Iterable[Input] = (),
        shard: int = 0,
        shards: int = 1,
    ) -> None:
        hasher = Hasher(hash_key)
        self._hasher = hasher
        self._type_ids = hasher.ids(list(STRUCTS))
        self._memory_bytes = memory_bytes
        self._wear(outfit_of(pack, hasher, tuple(watched)))
        features = self._outfit.features
        self.core = Core(features, pack.timing, memory_bytes, shard, shards)
        self.answers = Answers()

    def _wear(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._exchange = Exchange(outfit.pack.currency, outfit.pack.rates)
        self._judge = outfit.judge
        self._judged_kinds = outfit.judged_kinds
        self._intake = outfit.intake
        self._forms = outfit.forms
        self._texts = outfit.texts
        self._watched = outfit.watched
        self._starting = outfit.starting

    @property
    def pack(self) -> Pack:
        """The pack that decides now."""
        return self._outfit.pack

    def renewal(self, pack: Pack, watched: Iterable[Input] = ()) -> Renewal:
        """What the engine would be with another pack, to which there is no `obstacle`, to `grow` and then `change` to.

        Another thread may call it while this one decides.
        """
        outfit, worn = outfit_of(pack, self._hasher, tuple(watched)), self._outfit
        if same_windows(worn.features, outfit.features):
            return Renewal(outfit, self.core.holding, None)
        succession = Succession(
            self.core.holding, worn.features, outfit.features, self._memory_bytes, pack.timing.lateness_ms
        )
        return Renewal(outfit, self.core.holding, succession)

    def grow(self, renewal: Renewal) -> int:
        """Lets windows that the renewal needs take over a part of what is held, and returns how many events.

        0 where nothing is left to do but to `change`. Whoever begins with another renewal gives this one up.
        """
        self.core.expect(renewal.succession)
        return 0 if renewal.succession is None else renewal.succession.grow(PART_ROWS)

    def is_current(self, renewal: Renewal) -> bool:
        """Whether the windows are still those that the renewal was made for."""
        return renewal.holding is self.core.holding

    def change(self, renewal: Renewal) -> Outfit:
        """From now on decides with another pack; returns what it had of the last one.

        Windows that are the same stay, and so do ids and answers. New ones begin with what the log holds for them, and
        their features are missing until that covers them. Detectors that are the same go on with what they have learnt,
        and rules that are the same stay demoted, or are counted on.
        """
        before = self._outfit
        renewal.outfit.judge.take_over(before.judge)
        if renewal.succession is not None:
            self.core.succeed(renewal.succession)
        self._wear(renewal.outfit)
        return before

    @property
    def demotions(self) -> tuple[Demotion, ...]:
        """The rules that act as something weaker than they say, since their breakers have tripped."""
        return tuple(self._judge.breakers.demotions.values())

    @property
    def released(self) -> tuple[str, ...]:
        """The rules that had been demoted, and act as they say again: they were others until the pack was changed."""
        return self._judge.breakers.released

    @property
    def held(self) -> tuple[int, int]:
        """Events in the windows' log, and live keys over all windows."""
        return self.core.held

    @property
    def clock_ms(self) -> int:
        """How far the stream has come, in event time."""
        return self.core.clock_ms

    @property
    def forgotten_early(self) -> int:
        """How many ids had to be forgotten before their time, so that a repetition would be taken for a new event."""
        return self.core.forgotten_early

    @property
    def keep_ms(self) -> int:
        """For how long after an event, by that clock, its record is needed to restore the engine."""
        return self.core.keep_ms

    def knows(self, batch: Batch) -> list[bool]:
        """For each event whether one with its id has come before."""
        return self.core.knows(self._intake.ids(batch.events))

    @property
    def facts(self) -> tuple[str, ...]:
        """What rules read of the profiles of users."""
        return self._judge.facts

    def decide(
        self,
        batch: Batch,
        lists: Lists,
        unknown: tuple[str, ...] = (),
        arrived_ms: int | None = None,
        profiles: Profiles = NO_PROFILES,
    ) -> Decisions:
        """Decides on every transaction of the batch, and on every other event that a rule judges.

        `lists` says what each list holds now: its texts, and when each expires in epoch milliseconds; a list that is
        absent or None is missing. `unknown` names what the caller could not learn: every decision is then degraded.
        `arrived_ms` is when the batch came, in epoch milliseconds, where that is known. `profiles` has, as texts, the
        `facts` of the batch's users; what is not there is missing.
        """
        parts = [
            self.conclude(question, self.core.take(question.coming), {})
            for question in self.questions(batch, lists, unknown, arrived_ms, profiles)
        ]
        self.answers.forget(self.core.repeatable)
        return parts[0] if len(parts) == 1 else joined(parts)

    def questions(
        self,
        batch: Batch,
        lists: Lists,
        unknown: tuple[str, ...],
        arrived_ms: int | NDArray[np.int64] | None,
        profiles: Profiles = NO_PROFILES,
    ) -> Iterator[Question]:
        """The batch in pieces that the core takes in at once, as `decide` is asked; `arrived_ms` may be a column."""
        for start, piece in _pieces(batch):
            frame = Frame(piece, self._exchange, self._texts, self._hasher, lists, self._type_ids, profiles)
            came = arrived_ms[start : start + len(frame.kinds)] if isinstance(arrived_ms, np.ndarray) else arrived_ms
            coming = self._intake.coming(frame, came)
            if self._starting:
                waits = self._starting.waits(frame, coming.columns, self._judge.composer)
                coming = msgspec.structs.replace(coming, waits=waits)
            yield Question(frame, unknown, start, coming)

    def elapse(self) -> list[bytes]:
        """The decisions on all waits that are in vain if no event comes any more."""
        timers = [timer for _, timer in self._timers(self.core.elapse())]
        names, times = [timer.name for timer in timers], [timer.timestamp_ms for timer in timers]
        return encode(names, times, [timer.tail for timer in timers])

    def _timers(self, elapsed: Sequence[Elapsed]) -> list[tuple[int, Timer]]:
        """Before the answers to which events a wait's decision stands, and that."""
        timers = []
        for at, pending, unsure in elapsed:
            timer_ms = pending.start_ms + self._starting.within_ms(pending.rule)
            answer = self._judge.composer.elapsed(pending.rule, pending.reason, timer_ms, unsure)
            if answer is not None:
                timers.append((at, Timer(pending.name, pending.start_ms, answer[1], answer[0])))
        return timers

    def conclude(self, question: Question, taken: Taken, recorded: Mapping[int, str | None]) -> Decisions:
        """The answers, from what the core says of the events.

        `recorded` has the tails of earlier answers that are asked for and not here, by serial.
        """
        frame, start = question.frame, question.start
        entered = taken.entered
        kinds, positions, lapses = self._seen(frame, taken)
        answers = self._judge.judge(frame, positions, taken.complete, question.unknown, lapses)
        tails = self._judge.composer.tails(frame, positions, answers)
        watched = [tuple(frame.value(read, at) for read in self._watched) for at in positions] if self._watched else []
        answered = numbers_at(positions, len(frame.kinds))
        if kinds is not None:
            answered = [number for number, kind in zip(answered, kinds, strict=True) if kind < DUPLICATE]
        all_answered = len(positions) == len(answered)
        own = tails if all_answered else [None if at < 0 else tails[at] for at in answered]
        self.answers.keep(first_serial(entered, kinds), own)
        again = [] if kinds is None else [at for at, kind in enumerate(kinds) if kind == DUPLICATE]
        if again:
            serials: list[int] = entered.verdicts.serials.tolist()
            earlier = {
                at: recorded[serials[at]] if serials[at] in recorded else self.answers.of(serials[at]) for at in again
            }
            positions, tails, answered = with_repeated(positions, tails, answered, earlier)
        whole = len(positions) == len(frame.names)
        said = frame.names if whole else [frame.names[at] for at in positions]
        times = frame.times if whole else [frame.times[at] for at in positions]
        actions = [answer.action for answer in answers]
        if taken.elapsed and (timers := self._timers(taken.elapsed)):
            actions += [timer.action for _, timer in timers]
            positions, said, times, tails, answered = with_timers(positions, said, times, tails, answered, timers)
        return Decisions(
            [start + at if at >= 0 else at - start for at in positions] if start else positions,
            encode(said, times, tails),
            actions,
            watched,
            [start + at for at in again],
            [] if kinds is None else [start + at for at, kind in enumerate(kinds) if kind == CONFLICT],
            0 if entered.revalued else 1,
            (self._piece(entered, said, times, tails, answered),),
            tuple(trip._replace(at=start + trip.at) for trip in self._judge.breakers.take_trips())
            if self._judge.has_breakers
            else (),
            {start + at: lapse for at, lapse in lapses.items()} if lapses else lapses,
        )

    def measure(self, batch: Batch, lists: Lists, arrived_ms: NDArray[np.int64] | None = None) -> list[Measured]:
        """What the rules would see of the batch, which came at `arrived_ms`: its judged events with the watched inputs.

        The events are taken in as `decide` would, and detectors learn what they would then, but nobody is answered: an
        engine that measures is not to decide. The batch comes in parts, in the order of its events.
        """
        parts = []
        for question in self.questions(batch, lists, (), arrived_ms):
            frame, taken = question.frame, self.core.take(question.coming)
            kinds, positions, lapses = self._seen(frame, taken)
            if self._judge.scoring:
                self._judge.judge(frame, positions, taken.complete, (), lapses)
                self._judge.scoring.drain()
                self._judge.breakers.drain()
                self._judge.breakers.take_trips()
            begun, within_ms = [wait.at for wait in question.coming.waits], self._starting.within_ms
            parts.append(measured(frame, question.start, self._watched, positions, kinds, taken, begun, within_ms))
        return parts

    def _seen(self, frame: Frame, taken: Taken) -> tuple[list[int] | None, list[int], dict[int, Lapse]]:
        """Lets the frame have its features; what became of each event, who gets a decision, and who strayed in time."""
        verdicts = taken.entered.verdicts
        frame.features = FeatureTable(self._forms, taken.features, taken.texts)
        if self._judge.has_breakers:
            frame.reached_ms = verdicts.reached_ms
        kinds = None if verdicts.plain else verdicts.kinds.tolist()
        lapses: dict[int, Lapse] = {}
        if kinds is not None:
            lapses = {at: LAPSES[kind] for at, kind in enumerate(kinds) if kind in LAPSES}
            frame.judge_as_of(moments_of(verdicts, frame.batch.timestamp_ms))
        return kinds, self._positions(frame, kinds), lapses

    def _piece(
        self, entered: Entered, said: list[str], times: list[int], tails: list[str], answered: list[int]
    ) -> Piece:
        learnt, keys = self._judge.scoring.drain(), len(self.core.plan.ids)
        rates = self._judge.breakers.drain() if self._judge.has_breakers else None
        clock_ms = self.core.clock_ms
        return Piece(entered.turn, entered.admitted, keys, learnt, said, times, tails, answered, clock_ms, rates)

    def _positions(self, frame: Frame, kinds: list[int] | None) -> list[int]:
        """Where the events are that get a decision now."""
        if kinds is not None:
            return [
                at
                for at, (kind, type_) in enumerate(zip(kinds, frame.kinds, strict=True))
                if kind < DUPLICATE and type_ in self._judged_kinds
            ]
        if frame.kinds_present <= self._judged_kinds:
            return list(range(len(frame.kinds)))
        return [at for at, kind in enumerate(frame.kinds) if kind in self._judged_kinds]

    def restore(
        self, records: Iterable[Record], ahead: Callable[[Iterator[Prepared]], Iterator[Prepared]] = iter
    ) -> None:
        """Takes in what the records of earlier decisions say, by their turn, as if all of it had happened here.

        Detectors and breakers are left out: their memory goes further back than records do. See `adopt`, `relearn` and
        `take_up`. What comes is prepared by an iterator that `ahead` may let run while this works.
        """
        for bundle, readmitted in ahead(self._prepared(records)):
            self.core.load(bundle.entered, readmitted, bundle.turn)
            self.answers.keep(readmitted.first, bundle.tails)
            self.answers.forget(readmitted.repeatable)

    def _prepared(self, records: Iterable[Record]) -> Iterator[Prepared]:
        for bundle in bundles(records, self.core.plan, self.core.text_fields):
            yield bundle, self.core.readmit(bundle.entered)

    def learnt(self) -> bytes:
        """All that the detectors have learnt so far."""
        return self._judge.scoring.state()

    def adopt(self, learnt: Sequence[bytes]) -> None:
        """Lets fresh detectors know what others had learnt, several that shared a stream. Raises MsgspecError."""
        self._judge.scoring.adopt(learnt)

    def relearn(self, learnt: Iterable[Learnt]) -> None:
        """Lets detectors learn what records say that was learnt."""
        self._judge.scoring.relearn(learnt)

    @property
    def rates(self) -> list[Group]:
        """What the breakers have counted, and how far rules are demoted; it goes on changing."""
        return self._judge.breakers.groups

    def take_up(self, own: Rates | None, others: Sequence[Rates]) -> None:
        """Lets fresh breakers know what was counted here before, and how far others had demoted rules."""
        self._judge.take_up(own, others)


def _pieces(batch: Batch) -> list[tuple[int, Batch]]:
    """Cut behind each event that changes an earlier one, and where a piece would be too long; each with its start."""
    events = batch.events
    if 0 < len(events) <= BATCH_MAX and _CHANGING.isdisjoint(map(type, events)):
        return [(0, batch)]
    ends = [*(at + 1 for at, event in enumerate(events) if type(event) in _CHANGING), len(events)]
    pieces, start = [], 0
    for end in ends:
        while start < end:
            stop = min(start + BATCH_MAX, end)
            pieces.append((start, batch.between(start, stop)))
            start = stop
    return pieces
