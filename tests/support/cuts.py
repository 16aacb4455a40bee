"""A stream of raw events, cut into batches and decided."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from engine import Engine, Piece
from rules import Pack
from schemas.batches import decode
from windows.store import MEMORY_MIN

Lists = Mapping[str, Mapping[str, int] | None]


class Incoming(NamedTuple):
    """An event's bytes, and when they came, where that is known."""

    raw: bytes
    arrived_ms: int | None = None


class Told(NamedTuple):
    """What became of a stream: decisions, how many events came again, were in conflict, or changed none, and pieces."""

    decisions: list[bytes]
    counts: tuple[int, int, int]
    pieces: list[Piece]

    @property
    def answers(self) -> tuple[list[bytes], tuple[int, int, int]]:
        """All that anybody is told."""
        return self.decisions, self.counts


def cut(stream: Iterable[Incoming], sizes: Iterable[int]) -> Iterator[list[Incoming]]:
    """Batches of these sizes in turn, until the stream ends; what came at different times is never in one batch."""
    rest = iter(stream)
    for size in sizes:
        batch = list(islice(rest, size))
        if not batch:
            return
        for _, together in groupby(batch, attrgetter("arrived_ms")):
            yield list(together)


def told(
    engine: Engine,
    stream: Iterable[Incoming],
    lists: Lists,
    sizes: Iterable[int],
    profiles: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Told:
    """What the engine makes of the stream, cut into batches of these sizes."""
    decisions: list[bytes] = []
    pieces: list[Piece] = []
    repeated = conflicting = unmatched = 0
    for batch in cut(stream, sizes):
        made = engine.decide(decode([each.raw for each in batch]), lists, (), batch[0].arrived_ms, profiles)
        decisions += made.encoded
        repeated += len(made.repeated)
        conflicting += len(made.conflicting)
        unmatched += made.unmatched
        pieces += made.pieces
    return Told(decisions, (repeated, conflicting, unmatched), pieces)


def decided(pack: Pack, raws: Sequence[bytes], lists: Lists, sizes: Iterable[int]) -> list[bytes]:
    """A fresh engine's decisions in order of arrival."""
    return told(Engine(pack, memory_bytes=MEMORY_MIN), map(Incoming, raws), lists, sizes).decisions
