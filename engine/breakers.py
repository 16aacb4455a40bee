"""Breakers: they count how often live rules match, and demote those that match far more often than they should.

A rule's hit rate is that of the events it judges which count for others: neither late, nor ahead of the stream, nor
more than the breaker's `over` behind what the stream has surely reached. An event counts in its own time; a hit looks
back from there, in sixtieths of `over`. So nothing depends on how the stream is cut.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from engine.features import TYPE_CODES
from engine.frames import Frame
from engine.outcomes import COLUMNS_MIN
from engine.rates import NEVER, PARTS, Begun, Counted, Group, Noted, Rates, Stepped, Watched
from rules import Breaker, Pack, Rule, digest_of
from schemas import Action, Demotion, Lapse

SLOTS_MAX = 3 * PARTS
"""With more slots than these, those that no hit will look back to are let go."""


class Trip(NamedTuple):
    """With event `at` of a batch, a rule has matched `hits` of the `judged` events of its window, and acts as `to` from
    then on. `pack` is the version of its pack.
    """

    at: int
    rule: str
    was: Action
    to: Action
    hits: int
    judged: int
    pack: str


class Guarded(NamedTuple):
    """A live rule with a breaker, by the number that it has in the engine; `pack` is the version of its pack."""

    number: int
    id: str
    breaker: Breaker
    events: frozenset[str]
    digest: str
    pack: str

    @property
    def scope(self) -> tuple[list[str], int]:
        """Which events count, and how long: rules with the same ones can be watched together."""
        return sorted(self.events), self.breaker.over_ms


class _Window:
    """Counts by slot, and their sum over the slots of one window."""

    def __init__(self, slots: dict[int, int]) -> None:
        self.slots = slots
        self._last, self._sum = NEVER, 0

    def add(self, slot: int, count: int) -> None:
        self.slots[slot] = self.slots.get(slot, 0) + count
        if self._last - PARTS < slot <= self._last:
            self._sum += count

    def total(self, last: int) -> int:
        """How many there are in the window that ends with the slot `last`."""
        if last != self._last:
            self._last = last
            self._sum = sum(self.slots.get(slot, 0) for slot in range(last - PARTS + 1, last + 1))
        return self._sum

    def forget(self, before: int) -> None:
        """Lets go of the slots before one."""
        for slot in [slot for slot in self.slots if slot < before]:
            del self.slots[slot]


class _Guard:
    """Watches one rule."""

    def __init__(self, guarded: Guarded, watched: Watched) -> None:
        self.guarded = guarded
        self.watched = watched
        self.hits = _Window(watched.hits)
        self._hits_of, self._of_judged = guarded.breaker.limit.as_integer_ratio()

    @property
    def demotion(self) -> Demotion | None:
        """From what to what the rule is demoted, if it is."""
        steps, level = self.guarded.breaker.steps, self.watched.level
        return Demotion(self.guarded.id, steps[0], steps[level]) if level else None

    def hit(self, at: int, slot: int, judged: _Window) -> Trip | None:
        """Counts a match by event `at`; a trip if the rule is to be demoted from this event on.

        Once it is, a whole window must have passed before the next step.
        """
        self.hits.add(slot, 1)
        watched, breaker = self.watched, self.guarded.breaker
        if watched.level + 1 == len(breaker.steps) or slot < watched.slot + PARTS:
            return None
        hits = self.hits.total(slot)
        if hits < breaker.min_hits:
            return None
        events = judged.total(slot)
        if hits * self._of_judged <= self._hits_of * events:
            return None
        watched.level, watched.slot = watched.level + 1, slot
        was, to = breaker.steps[watched.level - 1 : watched.level + 1]
        return Trip(at, self.guarded.id, was, to, hits, events, self.guarded.pack)


class _Watch:
    """Watches the rules of one group."""

    def __init__(self, group: Group, guards: Sequence[_Guard]) -> None:
        self.group = group
        self.guards = {1 << each.guarded.number: each for each in guards}
        self._judged = _Window(group.judged)
        self._bits = sum(self.guards)
        events, self._over_ms = guards[0].guarded.scope
        self._slot_ms = -(-self._over_ms // PARTS)
        self._kinds = frozenset(map(TYPE_CODES.__getitem__, events))

    def count(
        self, frame: Frame, positions: Sequence[int], hits: Mapping[int, int], lapses: Mapping[int, Lapse]
    ) -> tuple[list[Counted], list[Trip]]:
        """Counts the frame's events at `positions`; `hits` are the bits of the rules that matched, where any did."""
        places = self._places(frame, positions, lapses)
        if not places:
            return [], []
        slots = self._slots(frame, places)
        matched: dict[int, dict[str, int]] = {}
        trips: list[Trip] = []
        done = 0
        for at in hits:
            end = bisect_right(places, at)
            if not hits[at] & self._bits or not end or places[end - 1] != at:
                continue
            self._add(slots[done:end])
            done, slot = end, slots[end - 1]
            in_slot = matched.setdefault(slot, {})
            for guard in self._matched(hits[at]):
                rule = guard.guarded.id
                in_slot[rule] = in_slot.get(rule, 0) + 1
                if (trip := guard.hit(at, slot, self._judged)) is not None:
                    trips.append(trip)
        self._add(slots[done:])
        if len(self.group.judged) > SLOTS_MAX:
            self._forget(int(frame.reached_ms[places[-1]]))
        number = self.group.number
        return [Counted(number, slot, count, matched.get(slot, {})) for slot, count in _by_slot(slots).items()], trips

    def _places(self, frame: Frame, positions: Sequence[int], lapses: Mapping[int, Lapse]) -> Sequence[int]:
        """Which of the events count."""
        kinds, moments, counting, over_ms = frame.kinds, frame.moments, self._kinds, self._over_ms
        reached: list[int] = frame.reached_ms.tolist()
        if not lapses and frame.kinds_present <= counting and min(moments) > max(reached) - over_ms:
            return positions
        return [
            at for at in positions if kinds[at] in counting and moments[at] > reached[at] - over_ms and at not in lapses
        ]

    def _slots(self, frame: Frame, places: Sequence[int]) -> list[int]:
        """The slot of each of the events at `places`."""
        if len(places) < COLUMNS_MIN:
            return [frame.moments[at] // self._slot_ms for at in places]
        moments_ms = frame.moments_ms if len(places) == len(frame.moments) else frame.moments_ms[np.array(places)]
        slots: list[int] = (moments_ms // self._slot_ms).tolist()
        return slots

    def _add(self, slots: Sequence[int]) -> None:
        for slot, count in _by_slot(slots).items():
            self._judged.add(slot, count)

    def _matched(self, hits: int) -> Iterator[_Guard]:
        rest = hits & self._bits
        while rest:
            bit = rest & -rest
            rest ^= bit
            yield self.guards[bit]

    def _forget(self, reached_ms: int) -> None:
        """Lets go of what no hit will look back to any more, since the stream has come so far."""
        before = (reached_ms - 2 * self._over_ms) // self._slot_ms - 1
        self._judged.forget(before)
        for guard in self.guards.values():
            guard.hits.forget(before)


class Breakers:
    """The breakers of a pack's live rules, which have the numbers of `rules`."""

    def __init__(self, pack: Pack, rules: Sequence[Rule]) -> None:
        self._guarded = {
            rule.id: Guarded(number, rule.id, rule.breaker, rule.events, digest_of(rule, pack), pack.version)
            for number, rule in enumerate(rules)
            if rule.mode == "live" and rule.breaker is not None
        }
        self._bits = sum(1 << guarded.number for guarded in self._guarded.values())
        self._live = {rule.id for rule in rules if rule.mode == "live"}
        self.released: tuple[str, ...] = ()
        """The live rules that had been demoted and are not any more, since they are others now."""
        self._begun: list[Begun] = []
        self._counted: list[Counted] = []
        self._stepped: list[Stepped] = []
        self._trips: list[Trip] = []
        self._watches: list[_Watch] = []
        self.take_up(Rates())

    def __bool__(self) -> bool:
        return bool(self._guarded)

    @property
    def groups(self) -> list[Group]:
        """All that is known of the rules; it goes on changing."""
        return [watch.group for watch in self._watches]

    @property
    def demotions(self) -> dict[int, Demotion]:
        """The rules that are demoted, by their numbers."""
        found = {guard.guarded.number: guard.demotion for guard in self._guards()}
        return {number: demotion for number, demotion in sorted(found.items()) if demotion is not None}

    def _guards(self) -> Iterator[_Guard]:
        return (guard for watch in self._watches for guard in watch.guards.values())

    def count(
        self, frame: Frame, positions: Sequence[int], hits: Sequence[int], lapses: Mapping[int, Lapse]
    ) -> list[tuple[int, list[tuple[int, Demotion]]]]:
        """Counts what rules made of the frame's events at `positions`; before which of them which rules are demoted."""
        trips: list[Trip] = []
        bits = self._bits
        found = {at: hits[at] for at in positions if hits[at] & bits}
        for watch in self._watches:
            counted, tripped = watch.count(frame, positions, found, lapses)
            self._counted += counted
            trips += tripped
        if not trips:
            return []
        trips.sort(key=lambda trip: (trip.at, self._guarded[trip.rule].number))
        self._trips += trips
        for guard in self._guards():
            if any(trip.rule == guard.guarded.id for trip in trips):
                self._stepped.append(Stepped(guard.guarded.id, guard.watched.level, guard.watched.slot))
        return [(at, [self._demoted(trip) for trip in those]) for at, those in groupby(trips, key=lambda trip: trip.at)]

    def _demoted(self, trip: Trip) -> tuple[int, Demotion]:
        guarded = self._guarded[trip.rule]
        return guarded.number, Demotion(trip.rule, guarded.breaker.steps[0], trip.to)

    def take_up(self, rates: Rates) -> None:
        """Goes on with what is known of those rules that are the same; all others begin now."""
        self._watches = []
        known: set[str] = set()
        for group in rates.groups:
            same = {rule: watched for rule, watched in group.rules.items() if self._is_same(rule, watched)}
            if same:
                guards = [_Guard(self._guarded[rule], watched) for rule, watched in same.items()]
                self._watches.append(_Watch(Group(group.number, group.judged, same), guards))
                known |= same.keys()
        self.released = self._released([rates])
        number = max((group.number for group in rates.groups), default=-1)
        fresh = sorted((each for rule, each in self._guarded.items() if rule not in known), key=_scope_of)
        self._begun = []
        for _, members in groupby(fresh, key=_scope_of):
            number += 1
            self._begin(number, list(members))

    def _begin(self, number: int, members: Sequence[Guarded]) -> None:
        guards = [_Guard(each, Watched(each.digest, {})) for each in members]
        rules = {guard.guarded.id: guard.watched for guard in guards}
        self._watches.append(_Watch(Group(number, {}, rules), guards))
        self._begun.append(Begun(number, {rule: watched.digest for rule, watched in rules.items()}))

    def _is_same(self, rule: str, watched: Watched) -> bool:
        return rule in self._guarded and self._guarded[rule].digest == watched.digest

    def _released(self, rates: Sequence[Rates]) -> tuple[str, ...]:
        """The live rules that had been demoted as others than they are now."""
        rules = {rule: watched for each in rates for group in each.groups for rule, watched in group.rules.items()}
        return tuple(
            rule
            for rule, watched in rules.items()
            if watched.level and rule in self._live and not self._is_same(rule, watched)
        )

    def take_over(self, other: "Breakers") -> None:
        """Goes on with what the breakers of another pack know of those rules that are the same."""
        unsaid = other.drain()
        self.take_up(Rates(other.groups))
        self._begun[:0] = () if unsaid is None else unsaid.begun

    def heed(self, others: Sequence[Rates]) -> None:
        """Demotes as far as others have that watched the same rules."""
        self.released += self._released(others)
        for guard in self._guards():
            own = guard.watched
            for its in (group.rules.get(guard.guarded.id) for each in others for group in each.groups):
                if its is not None and its.digest == own.digest and its.level > own.level:
                    own.level, own.slot = its.level, its.slot
                    self._stepped.append(Stepped(guard.guarded.id, own.level, own.slot))

    def take_trips(self) -> list[Trip]:
        """The trips since this was last asked."""
        trips, self._trips = self._trips, []
        return trips

    def drain(self) -> Noted | None:
        """What has to be noted since this was last asked, if anything."""
        if not self._begun and not self._counted and not self._stepped:
            return None
        noted = Noted(self._begun, self._counted, self._stepped)
        self._begun, self._counted, self._stepped = [], [], []
        return noted


def _by_slot(slots: Sequence[int]) -> Mapping[int, int]:
    """How many there are of each slot; most often there is one."""
    if not slots:
        return {}
    return {slots[0]: len(slots)} if slots.count(slots[0]) == len(slots) else Counter(slots)


def _scope_of(guarded: Guarded) -> tuple[list[str], int]:
    return guarded.scope
