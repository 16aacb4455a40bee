"""Engines that share a stream decide as one would that reads all of it, in whatever order their messages come."""

import random
from pathlib import Path

import pytest

from engine import Decisions, Engine, Record, record_of
from rules import Pack
from schemas.batches import decode
from support.cluster import Batch, Cluster
from support.cuts import Incoming
from support.random_packs import LIST_FILES, random_lists, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN


def batches_of(draw: random.Random, stream: list[Incoming], count: int) -> list[list[Batch]]:
    """The events dealt out to so many engines, in batches."""
    dealt: list[list[Incoming]] = [[] for _ in range(count)]
    for event in stream:
        draw.choice(dealt).append(event)
    batches: list[list[Batch]] = []
    for own in dealt:
        batches.append([])
        while own:
            size = draw.choice((1, 2, 5, 20))
            batches[-1].append(Batch([event.raw for event in own[:size]], own[0].arrived_ms))
            own = own[size:]
    return batches


def assert_as_alone(
    alone: Engine, cluster: Cluster, batches: list[list[Batch]], decided: list[list[Decisions]]
) -> None:
    """One engine that gets the batches in the order of the cluster's turns decides the same."""
    for member, number in cluster.order:
        if number < len(batches[member]):
            batch = batches[member][number]
            same(decided[member][number], alone.decide(decode(batch.raws), cluster.lists, (), batch.arrived_ms))
    assert [len(own) for own in decided] == [len(own) for own in batches]
    assert {engine.held[0] for engine in cluster.engines} == {alone.held[0]}


def same(ours: Decisions, theirs: Decisions) -> None:
    assert ours.encoded == theirs.encoded
    assert (ours.positions, ours.actions, ours.repeated) == (theirs.positions, theirs.actions, theirs.repeated)
    assert (ours.conflicting, ours.unmatched) == (theirs.conflicting, theirs.unmatched)


@pytest.mark.parametrize("seed", range(24))
def test_any_number_of_engines_decides_as_one_in_the_same_order(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    pack = sound_pack(tmp_path, random_pack(draw, scores=False).body, LIST_FILES)
    lists, count = random_lists(draw), draw.choice((2, 2, 3, 5))
    batches = batches_of(draw, random_stream(draw, 300), count)
    cluster = Cluster(pack, count, draw, lists, in_flight_max=draw.choice((1, 2, 4)))
    decided = cluster.decide(batches)
    alone = Engine(pack, memory_bytes=MEMORY_MIN)
    assert_as_alone(alone, cluster, batches, decided)


@pytest.mark.parametrize("seed", range(16))
def test_another_number_of_engines_takes_up_what_was_recorded(seed: int, tmp_path: Path) -> None:
    draw = random.Random(1_000 + seed)
    pack = sound_pack(tmp_path, random_pack(draw, scores=False).body, LIST_FILES)
    lists, stream = random_lists(draw), random_stream(draw, 400)
    alone, records = Engine(pack, memory_bytes=MEMORY_MIN), list[Record]()
    for part in (stream[:150], stream[150:250], stream[250:]):
        count = draw.choice((1, 2, 3, 4))
        batches = batches_of(draw, part, count)
        cluster = Cluster(pack, count, draw, lists, records=records)
        decided = cluster.decide(batches)
        assert_as_alone(alone, cluster, batches, decided)
        pieces = [piece for own in decided for made in own for piece in made.pieces]
        records = sorted([*records, *map(record_of, pieces)], key=lambda record: record.turn)


CHANGING = """\
features: {n: {count: event, by: user_id, over: 1m}, d: {distinct: device_id, by: user_id, over: 1m}}
rules:
- {id: a.n, when: n > params.most, params: {most: MOST}, then: review, mode: live, reason: SAW, explain: "{n} and {d}"}
"""
MORE = '- {id: a.c, when: country != "CN" and d > 1, then: block, mode: live, event: [payment, login]}\n'


@pytest.mark.parametrize("seed", range(32))
def test_all_change_to_another_pack_at_one_turn(seed: int, tmp_path: Path) -> None:
    """Whoever reads it first: what has its turn before is decided by the one, and what comes after by the other."""
    draw = random.Random(seed)
    count, bodies = draw.choice((2, 2, 3, 5)), (CHANGING.replace("MOST", "3") + MORE, CHANGING.replace("MOST", "1"))
    first = sound_pack(tmp_path / "first", CHANGING.replace("MOST", "2"))
    packs = [sound_pack(tmp_path / str(number), body) for number, body in enumerate(bodies)]
    batches = batches_of(draw, random_stream(draw, 500), count)
    cluster = Cluster(first, count, draw, in_flight_max=draw.choice((1, 2, 4)), packs=packs)
    decided = cluster.decide(batches)
    alone, changes = Engine(first, memory_bytes=MEMORY_MIN), dict(cluster.changed)
    by_version: dict[str, Pack] = {pack.version: pack for pack in packs}
    for at, (member, number) in enumerate(cluster.order):
        if at in changes:
            alone.change(alone.renewal(by_version[changes[at]]))
        if number < len(batches[member]):
            batch = batches[member][number]
            same(decided[member][number], alone.decide(decode(batch.raws), {}, (), batch.arrived_ms))


def test_most_of_these_clusters_change(tmp_path: Path) -> None:
    """Else the test above would say little."""
    changed = 0
    for seed in range(12):
        draw = random.Random(seed)
        first, second = (sound_pack(tmp_path / f"{seed}{most}", CHANGING.replace("MOST", most)) for most in "23")
        cluster = Cluster(first, 3, draw, packs=[second])
        decided = cluster.decide(batches_of(draw, random_stream(draw, 500), 3))
        by_second = [second.version.encode() in each for own in decided for made in own for each in made.encoded]
        changed += len(cluster.changed)
        assert any(by_second) == bool(cluster.changed)
    assert changed > 8
