"""Engines that share a stream, in one process: their messages are carried in a random order that a seed replays.

On the way they are taken apart and made again, as between processes.
"""

import random
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from engine import Decisions, Engine, Member, Message, Record
from engine.messages import Change, Turn
from rules import Pack
from schemas.batches import decode
from windows.store import MEMORY_MIN

Lists = Mapping[str, Mapping[str, int] | None]


@dataclass
class Batch:
    """What one engine read at once."""

    raws: list[bytes]
    arrived_ms: int | None = None


@dataclass
class Cluster:
    """Members that are given batches of their own; `order` is that in which all batches were taken in."""

    pack: Pack
    count: int
    draw: random.Random
    lists: Lists = field(default_factory=dict)
    in_flight_max: int = 4
    records: Sequence[Record] = ()
    """What was done before, by its turn."""

    packs: Sequence[Pack] = ()
    """What all members come to propose at some time, one after the other."""

    order: list[tuple[int, int]] = field(default_factory=list)
    changed: list[tuple[int, str]] = field(default_factory=list)
    """After how many of the batches in `order` all changed to which pack."""

    def __post_init__(self) -> None:
        self.engines = [
            Engine(self.pack, memory_bytes=MEMORY_MIN, shard=index, shards=self.count) for index in range(self.count)
        ]
        for engine in self.engines:
            engine.restore(self.records)
        self.members = [Member(engine, index, self.count) for index, engine in enumerate(self.engines)]
        self._carried: list[tuple[int, Message]] = []

    def decide(self, batches: Sequence[Sequence[Batch]]) -> list[list[Decisions]]:
        """For each member the decisions on its batches."""
        if self.count == 1:  # nobody needs to be told
            self.order = [(0, number) for number in range(len(batches[0]))]
        waiting = [list(own) for own in batches]
        decided: list[list[Decisions]] = [[] for _ in batches]
        ended = [False] * self.count
        proposed = [0] * self.count
        while not all(member.is_done for member in self.members):
            choice = self.draw.randrange(self.count)
            member, own = self.members[choice], waiting[choice]
            if proposed[choice] < len(self.packs) and not ended[choice] and self.draw.random() < 0.1:
                member.propose(self.engines[choice].renewal(self.packs[proposed[choice]]))
                proposed[choice] += 1
            elif member.is_holding:
                pass
            elif own and member.in_flight < self.in_flight_max and self.draw.random() < 0.5:
                batch = own.pop(0)
                engine = self.engines[choice]
                member.submit(engine.questions(decode(batch.raws), self.lists, (), batch.arrived_ms))
            elif own and member.in_flight < self.in_flight_max and self.draw.random() < 0.3:
                member.rest()
            elif not own and not ended[choice]:
                member.end(stopping=False)
                ended[choice] = True
            self._collect(member)
            self._carry()
            for each, found in zip(self.members, decided, strict=True):
                while (made := each.take()) is not None:
                    found.append(made)
                    each.release()
                self._collect(each)
        assert not any(waiting)
        assert not self._carried
        return decided

    def _collect(self, member: Member) -> None:
        while member.outbox:
            target, message = member.outbox.popleft()
            if isinstance(message, Turn) and (message.engine, message.number) not in self.order:
                self.order.append((message.engine, message.number))
            if isinstance(message, Change) and (not self.changed or self.changed[-1][1] != message.pack):
                self.changed.append((len(self.order), message.pack))
            self._carried.append((target, message))

    def _carry(self) -> None:
        for _ in range(self.draw.randrange(4)):
            if self._carried:
                at = self.draw.randrange(len(self._carried))
                self._carried[at], self._carried[-1] = self._carried[-1], self._carried[at]
                target, message = self._carried.pop()
                self.members[target].receive(deepcopy(message))
