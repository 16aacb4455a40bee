"""An engine that is restored from the records of its decisions goes on as if nothing had been, to the byte."""

import random
from collections.abc import Sequence
from itertools import cycle, pairwise
from pathlib import Path

import msgspec
import pytest

from engine import Engine, Piece, Record, record_of
from rules import Pack
from support.cuts import Incoming, Lists, Told, told
from support.random_packs import LIST_FILES, random_lists, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

SIZES = (1, 2, 31, 32, 33, 64, 500)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Record]).decode


def engine_of(pack: Pack) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN)


def recorded(pieces: Sequence[Piece]) -> list[Record]:
    """The pieces' records, as they are read again."""
    return decode(encode([record_of(piece) for piece in pieces]))


class Process:
    """An engine that keeps its records, and now and then all that its detectors have learnt, and can die."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.engine = engine_of(pack)
        self.records: list[Record] = []
        self.heads: list[tuple[int, bytes]] = []

    def take(self, stream: Sequence[Incoming], lists: Lists, sizes: Sequence[int]) -> Told:
        made = told(self.engine, stream, lists, cycle(sizes))
        records = recorded(made.pieces)
        assert [each for record in records for each in record.decisions()] == made.decisions
        self.records += records
        self.heads.append((len(self.records), self.engine.learnt()))
        return made

    def restart(self, draw: random.Random) -> None:
        """A fresh engine takes over: detectors from the beginning, or from any of the heads on."""
        self.engine = engine_of(self.pack)
        self.engine.restore(iter(self.records))
        begin = 0
        if draw.random() < 0.7:
            begin, learnt = draw.choice(self.heads)
            self.engine.adopt([learnt])
        self.engine.relearn(each for record in self.records[begin:] for each in record.learnt)


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", range(16))
def test_a_restart_is_not_noticed(seed: int, scores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    draw = random.Random(1000 * seed + scores)
    pack = sound_pack(tmp_path, random_pack(draw, scores=scores).body, LIST_FILES)
    stream, lists = random_stream(draw, 400), random_lists(draw)
    undisturbed = told(engine_of(pack), stream, lists, cycle([64]))
    for restarts in (1, 2, 9):
        process = Process(pack)
        cuts = [0, *sorted(draw.sample(range(1, len(stream)), restarts)), len(stream)]
        decisions, counts = [], [0, 0, 0]
        for start, end in pairwise(cuts):
            if start:
                process.restart(draw)
            made = process.take(stream[start:end], lists, draw.choices(SIZES, k=20))
            decisions += made.decisions
            counts = [one + more for one, more in zip(counts, made.counts, strict=True)]
        assert (decisions, tuple(counts)) == undisturbed.answers, f"restarted at {cuts[1:-1]}"
