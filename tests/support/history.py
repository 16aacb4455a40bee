"""What a simulated stream went through, and what must have come of it.

The order in which a state directory took the events in is the truth: one engine that takes them in that order without
any trouble gives the decisions that must be in the output. What a power failure took out of the journal may have been
published before it did; then that stands.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

import msgspec

from engine import Engine
from flows import Arrival, Decider, Reached, Tally, Verdicts
from rules import Pack
from schemas import Place, TopicPlace
from schemas.batches import decode
from support.cuts import Incoming
from support.engine_oracle import EngineOracle
from support.simulated_broker import Message
from windows.store import MEMORY_MIN


class Failure(AssertionError):
    """Something does not hold."""


class Given(NamedTuple):
    """What went out, encoded: decisions, dead letters, audit events."""

    decisions: list[bytes]
    dead_letters: list[bytes]
    audits: list[bytes]


class History:
    """The arrivals that a journal holds, through crashes and failures of the power."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.has_lost = False
        """Whether a power failure took something that had been kept."""
        self.count = 0
        """How many events have arrived."""
        self.lost: defaultdict[str, set[bytes]] = defaultdict(set)
        """First decisions by id that were given out, perhaps, and of which the journal knows nothing any more."""
        self._given: list[list[bytes]] = []
        self._kept = 0
        self._synced = 0
        self._power_failed = False

    def coming(self, arrival: Arrival, verdicts: Verdicts) -> None:
        """The process is about to keep and write this."""
        self.arrivals.append(arrival)
        self._given.append(verdicts.decisions)

    def came(self, is_kept: bool) -> None:
        """Keeping has returned; whether it surely is kept."""
        self.count += len(self.arrivals[-1].raws)
        if is_kept:
            self._kept = len(self.arrivals)

    def synced(self) -> None:
        """All that was kept is safe from a failure of the power."""
        self._synced = self._kept

    def power_failed(self) -> None:
        self._power_failed = True

    def begun(self, reached: Reached) -> None:
        """A process took up: the arrivals that it knows of are those up to where it reads on."""
        known = self._prefix(reached)
        at_least = self._synced if self._power_failed else self._kept
        if known < at_least:
            raise Failure(f"the journal had {at_least} arrivals for sure, and {known} are left")
        if self._power_failed and known < len(self.arrivals):
            self.has_lost = True
            for id_, decision in _first_of(chain.from_iterable(self._given[known:])):
                self.lost[id_].add(decision)
        del self.arrivals[known:], self._given[known:]
        self.count = sum(len(arrival.raws) for arrival in self.arrivals)
        self._kept = known
        self._power_failed = False

    def _prefix(self, reached: Reached) -> int:
        """How many arrivals take the input to where it is `reached`."""
        so_far: dict[str, int] = {}
        if so_far == reached:
            return 0
        for number, arrival in enumerate(self.arrivals, 1):
            so_far |= arrival.reached
            if so_far == reached:
                return number
        raise Failure(f"the state says that {reached} was read, which no arrival reached; they went to {so_far}")

    def is_whole(self, raws: Sequence[bytes], partitions: Sequence[Sequence[Message]] | None) -> None:
        """Each event of the input arrived once, each partition's in order."""
        taken: defaultdict[int, list[bytes]] = defaultdict(list)
        for arrival in self.arrivals:
            for at, raw in enumerate(arrival.raws):
                place = arrival.place_of(at)
                taken[place.partition if isinstance(place, TopicPlace) else 0].append(raw)
        wanted = [list(raws)] if partitions is None else [[m.value() for m in each] for each in partitions]
        for number, each in enumerate(wanted):
            if taken[number] != each:
                raise Failure(
                    f"partition {number} has {len(each)} events, and the journals {len(taken[number])} others"
                )


class Undisturbed:
    """One engine that nothing happens to, and other batches."""

    def __init__(self, pack: Pack, lists: dict[str, dict[str, int]], draw: random.Random) -> None:
        engine = Engine(pack, memory_bytes=MEMORY_MIN)
        self._decider = Decider(engine, lists, Tally())
        self._draw = draw

    def of(self, arrivals: Sequence[Arrival]) -> Given:
        given = Given([], [], [])
        for arrival in arrivals:
            for part in self._parts(arrival):
                verdicts = self._decider.decide(part, decode(part.raws))
                given.decisions.extend(verdicts.decisions)
                given.dead_letters.extend(map(msgspec.json.encode, verdicts.dead_letters))
                given.audits.extend(map(msgspec.json.encode, verdicts.audits))
        return given

    def _parts(self, arrival: Arrival) -> list[Arrival]:
        parts, start = [], 0
        while start < len(arrival.raws):
            end = start + self._draw.choice((1, 7, 100))
            parts.append(arrival._replace(raws=arrival.raws[start:end], place_of=_from(arrival.place_of, start)))
            start = end
        return parts


def _from(place_of: Callable[[int], Place], start: int) -> Callable[[int], Place]:
    return lambda at: place_of(start + at)


def compare_oracle(expected: Given, oracle: EngineOracle, arrivals: Sequence[Arrival]) -> None:
    """The oracle decides the same; it is given what can be read."""
    told: list[bytes] = []
    for arrival in arrivals:
        refused = {rejection.index for rejection in decode(arrival.raws).rejections}
        for at, raw in enumerate(arrival.raws):
            if at not in refused:
                told += oracle.told(Incoming(raw, arrival.arrived_ms))
    for ours, theirs in zip_longest(expected.decisions, told):
        if ours != theirs:
            raise Failure(f"the oracle decides {theirs!r}, the engine {ours!r}")


def compare_files(expected: Given, files: Sequence[bytes]) -> None:
    """The files are those of the undisturbed run, byte for byte."""
    for name, lines, content in zip(("decisions", "dead letters", "audit events"), expected, files, strict=True):
        if content != b"".join(line + b"\n" for line in lines):
            got = content.split(b"\n")
            at = next((at for at, pair in enumerate(zip(lines, got)) if pair[0] != pair[1]), min(len(lines), len(got)))  # noqa: B905
            raise Failure(
                f"{name} differ from line {at + 1} of {len(lines)} on ({len(got) - 1} there):"
                f" expected {lines[at : at + 1]}, got {got[at : at + 1]}"
            )


def compare_topics(expected: Given, topics: Sequence[Sequence[bytes]], history: History) -> None:
    """Each first decision is there once, and its own unless another had been published before it was lost."""
    wanted, got = Counter(expected.decisions), Counter(topics[0])
    first_wanted, first_got = _firsts(wanted), _firsts(got)
    for id_ in sorted(first_wanted.keys() | first_got.keys()):
        ours, theirs = first_got.get(id_, []), first_wanted.get(id_, [])
        if len(theirs) > 1:  # events of two types with one id and time: what was published of one hides the other
            theirs = theirs[: max(1, len(ours))]
        if len(ours) > len(theirs) and len(set(ours)) == len(ours) and set(ours) <= history.lost[id_]:
            continue  # published before they were lost; what comes first, or in time, was decided anew since
        if len(ours) != len(theirs):
            raise Failure(f"`{id_}` has {len(ours)} first decisions, expected {len(theirs)}: {ours}")
        if sorted(ours) != sorted(theirs) and not set(ours) <= history.lost[id_] | set(theirs):
            raise Failure(f"`{id_}` was decided as {ours}, expected {theirs}")
    for name, mine, have in zip(
        ("dead letters", "audit events"), (expected.dead_letters, expected.audits), topics[1:], strict=True
    ):
        missing = set(mine) - set(have)
        if missing:
            raise Failure(f"{len(missing)} {name} are missing: {sorted(missing)[:1]}")
        if not history.has_lost and Counter(mine) != Counter(have):
            raise Failure(f"some {name} came more than once")
    for decision, count in wanted.items():
        id_, is_first = id_of(decision)
        if not is_first and not history.lost.get(id_) and not got[decision]:
            raise Failure(f"`{id_}` came again {count} times and was never answered")
    if not history.has_lost and got - wanted:
        raise Failure(f"too much was given out: {list((got - wanted).elements())[:1]}")


def _firsts(decisions: Counter[bytes]) -> dict[str, list[bytes]]:
    firsts: defaultdict[str, list[bytes]] = defaultdict(list)
    for id_, decision in _first_of(decisions.elements()):
        firsts[id_].append(decision)
    return firsts


def _first_of(decisions: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Those that are no answers to repetitions, by their ids."""
    for decision in decisions:
        id_, is_first = id_of(decision)
        if is_first:
            yield id_, decision


def id_of(decision: bytes) -> tuple[str, bool]:
    """Whose it is, and whether it is no answer to a repetition; events of several types may share an id."""
    fields = msgspec.json.decode(decision)
    return f"{fields['transaction_id']} of {fields['timestamp']}", not fields.get("duplicate", False)
