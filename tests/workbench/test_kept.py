"""What is explained by the records of a run is what the engine saw when it decided, on random packs and streams."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from engine import Engine, Hindsight, Record, record_of
from rules import Input, Pack
from rules.scopes import feature_input
from schemas import Decision, Value
from schemas.batches import Batch, decode
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import random_stream, steady_stream
from support.rule_packs import sound_pack
from workbench.explanation import Explanation
from workbench.kept import NOT_KEPT, explain_kept
from workbench.recount import agree
from workbench.tracing import watched_inputs

SEEDS = range(40)
IDS = 5
KEY = bytes(range(16))


class Run(NamedTuple):
    """A pack, the events of a run, its records, and what the engine saw as it decided, by the event's place."""

    pack: Pack
    batch: Batch
    records: list[Record]
    seen: dict[int, tuple[Decision, dict[Input, Value]]]

    def read(self) -> Iterator[Record]:
        return iter(self.records)

    def answered_once(self) -> list[int]:
        """The places of events that got a decision and whose name has no other."""
        counts = Counter(name for record in self.records for name in record.names)
        return [at for at in self.seen if counts[self.batch.events[at].id] == 1]


def _run(folder: Path, seed: int) -> Run:
    draw = random.Random(59_000 + seed)
    pack = sound_pack(folder, random_pack(draw, scores=seed % 4 == 0).body, LIST_FILES)
    watched = watched_inputs(pack)
    engine = Engine(pack, hash_key=KEY, watched=watched)
    batch = decode([each.raw for each in (steady_stream if seed % 3 else random_stream)(draw, 150)])
    records: list[Record] = []
    seen: dict[int, tuple[Decision, dict[Input, Value]]] = {}
    start = 0
    while start < len(batch.events):
        end = min(len(batch.events), start + draw.choice((1, 5, 40)))
        part = Batch(
            batch.events[start:end],
            batch.raws[start:end],
            batch.timestamp_ms[start:end],
            batch.amount_minor[start:end],
            [],
        )
        made = engine.decide(part, pack.entries_by_list)
        records += [record_of(piece) for piece in made.pieces]
        new = [
            (at, msgspec.json.decode(encoded, type=Decision))
            for at, encoded in zip(made.positions, made.encoded, strict=True)
            if at >= 0 and at not in made.repeated
        ]
        for (at, decision), values in zip(new, made.watched, strict=True):
            seen[start + at] = decision, dict(zip(watched, values, strict=True))
        start = end
    return Run(pack, batch, records, seen)


def _place(records: list[Record], name: str) -> tuple[int, int]:
    """The record of an event whose name was answered once, and its place in there."""
    ((number, record),) = [(number, record) for number, record in enumerate(records) if name in record.names]
    return number, record.answers().index(record.names.index(name))


def test_features_are_those_that_the_engine_saw(tmp_path: Path) -> None:
    compared = 0
    draw = random.Random(5)
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        run = _run(folder, seed)
        once = run.answered_once()
        for at in draw.sample(once, min(IDS, len(once))):
            decision, values = run.seen[at]
            number, place = _place(run.records, decision.transaction_id)
            features = Hindsight(run.pack).features(run.records[:number], run.records[number], place)
            assert features == {name: values[feature_input(each)] for name, each in run.pack.features.items()}
            compared += 1
    assert compared > 150


def test_an_explanation_has_the_decision_and_counts_what_the_engine_counted(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    draw = random.Random(6)
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        run = _run(folder, seed)
        hitting = [at for at in run.answered_once() if run.seen[at][0].rules or run.seen[at][0].shadow]
        for at in draw.sample(hitting, min(IDS, len(hitting))):
            decision, values = run.seen[at]
            explained = explain_kept(run.pack, run.read, decision.transaction_id, "records")
            (each,) = explained.explanations
            assert each.decision == decision
            assert {rule.rule for rule in each.rules} == {*decision.rules, *decision.shadow}
            _check(each, run.pack, values, seen)
    assert min(seen["counts"], seen["made by others"], seen["known"]) > 30, seen


def _check(each: Explanation, pack: Pack, values: dict[Input, Value], seen: Counter[str]) -> None:
    for count in each.counts:
        value = values[feature_input(pack.features[count.name])]
        assert count.value == value
        if "windows" not in each.decision.missing:
            assert count.agrees, count
            assert agree(count.recounted, value) or not count.in_window
        seen["counts"] += 1
        seen["made by others"] += any(not other.itself for other in count.made_by)
        seen["known"] += any(other.id is not None for other in count.made_by)
    assert NOT_KEPT not in each.values.values()


def test_no_record_no_explanation(tmp_path: Path) -> None:
    run = _run(tmp_path, 1)
    explained = explain_kept(run.pack, run.read, "nothing", "records")
    assert (explained.explanations, explained.timers, explained.repeated) == ([], [], 0)


@pytest.mark.parametrize("seed", [2, 5])
def test_repetitions_are_counted(seed: int, tmp_path: Path) -> None:
    run = _run(tmp_path, seed)
    counts = Counter(name for record in run.records for name in record.names)
    (name, times), *_ = counts.most_common(1)
    explained = explain_kept(run.pack, run.read, name, "records")
    assert len(explained.explanations) + len(explained.timers) + explained.repeated == times
