"""An engine that is restored from the records of its decisions goes on as if nothing had been, to the byte."""

import random
from collections.abc import Sequence
from itertools import cycle, pairwise, takewhile
from pathlib import Path

import msgspec
import pytest

from engine import Engine, Piece, Record, record_of
from rules import Pack
from support.cuts import Incoming, Lists, Told, told
from support.random_packs import LIST_FILES, random_lists, random_pack
from support.random_streams import random_stream, steady_stream
from support.raw_events import NOW_MS, nth_event, raw_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

SHORT = """\
lateness: 20s
skew: 30s
dedupe: 30s
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 20 events, warm_up: 3 events}}
features:
  n: {count: event, by: user_id, over: 1m}
  spent: {sum: amount, by: user_id, over: 1m}
  spread: {std: amount, by: country, over: 1m}
  platform_before: {last: platform, by: user_id, over: 1m}
  first_ip: {first: ip, by: [user_id, country], over: 40s, delay: 20s}
  age: {age: device_id, over: 1m}
rules:
- {id: a.n, when: n > 0, then: tag, mode: live, reason: SAW, explain: "saw {n} payments of {spent}"}
- {id: a.own, when: score.own.quantile > 0.8, then: block, mode: live, reason: ODD, explain: "{score.own.value}"}
- id: a.text
  when: platform_before != platform or spread > 20 or not has(age)
  then: review
  mode: live
  on_missing: match
  reason: OTHER
  explain: "{platform_before} {first_ip} {spread} {age}"
"""
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
        self.forgotten = 0

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
        self.engine.restore(self.records, lambda prepared: iter(list(prepared)))  # as far ahead as can be
        begin = 0
        if self.forgotten or draw.random() < 0.7:
            begin, learnt = draw.choice(self.heads)
            self.engine.adopt([learnt])
        self.engine.relearn(each for record in self.records[begin:] for each in record.learnt)

    def forget(self) -> None:
        """Lets go of the records that nobody needs any more."""
        clock_ms, keep_ms = self.engine.clock_ms, self.engine.keep_ms
        old = list(takewhile(lambda record: record.latest_ms + keep_ms < clock_ms, self.records))
        del self.records[: len(old)]
        self.heads = [(number - len(old), learnt) for number, learnt in self.heads if number >= len(old)]
        self.forgotten += len(old)


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


@pytest.mark.parametrize("seed", range(4))
def test_old_records_are_not_missed(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that are late by more than their windows reach back find nothing, which is what they say anyway."""
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    draw, process = random.Random(seed), Process(sound_pack(tmp_path, SHORT))
    stream = steady_stream(draw, 600)
    undisturbed = told(engine_of(process.pack), stream, {}, cycle([64]))
    decisions: list[bytes] = []
    for start in range(0, len(stream), 100):
        decisions += process.take(stream[start : start + 100], {}, draw.choices(SIZES, k=20)).decisions
        process.forget()
        process.restart(draw)
    assert process.forgotten > 50
    for ours, theirs in zip(decisions, undisturbed.decisions, strict=True):
        assert ours == theirs or b'"degraded":"late"' in theirs


def test_a_reversal_means_the_event_that_had_the_name_then(tmp_path: Path) -> None:
    """After `dedupe` another event may have it; a restart between them or behind both makes no difference."""
    process = Process(sound_pack(tmp_path, SHORT))
    first, reversal = nth_event(0, "payment", amount=10), raw_event("reversal", original_transaction_id="n0")
    again, last = (nth_event(at, "payment", timestamp=NOW_MS + 30_001, amount=20) for at in (0, 1))
    decisions: list[bytes] = []
    for raws in ([first, nth_event(2, "payment", amount=5), reversal], [again], [last]):
        decisions += process.take(list(map(Incoming, raws)), {}, [8]).decisions
        process.restart(random.Random(1))
    assert b"saw 4 payments of 45.00 CNY" in decisions[-1]
