"""A stream of raw events, cut into batches and decided."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from engine import Engine
from rules import Pack
from schemas.batches import decode
from windows.store import MEMORY_MIN


def cut(raws: Iterable[bytes], sizes: Iterable[int]) -> Iterator[list[bytes]]:
    """Batches of these sizes in turn, until the stream ends."""
    stream = iter(raws)
    for size in sizes:
        batch = list(islice(stream, size))
        if not batch:
            return
        yield batch


def decided(
    pack: Pack, raws: Sequence[bytes], lists: Mapping[str, Mapping[str, int] | None], sizes: Iterable[int]
) -> list[bytes]:
    """A fresh engine's decisions in order of arrival."""
    engine = Engine(pack, memory_bytes=MEMORY_MIN)
    return [each for batch in cut(raws, sizes) for each in engine.decide(decode(batch), lists).encoded]
