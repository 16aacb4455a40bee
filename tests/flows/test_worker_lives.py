"""Nothing is lost, different or twice when workers are killed at random and go on in another number."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import Engine
from rules import Pack
from schemas.batches import decode
from support.raw_events import NOW_MS
from support.rule_packs import sound_pack
from support.worker_lives import Life, Topic
from windows.store import MEMORY_MIN

PACK = """\
features:
  user_count: {count: event, by: user_id, over: 10m}
  user_sum: {sum: amount, by: user_id, over: 30m}
  last_device: {last: device_id, by: user_id, over: 10m, delay: 1ms}
  device_users: {distinct: user_id, by: device_id, over: 10m}
rules:
- {id: a.often, when: user_count > 2, then: review, reason: OFTEN, explain: "{user_count} and {last_device}"}
- {id: a.much, when: user_sum > 200, then: block, reason: MUCH, explain: "{user_sum}"}
"""
SHARED = '- {id: a.shared, when: device_users > 1, then: block, reason: SHARED, explain: "{device_users} users"}\n'
PARTITIONS = 5


def payments(draw: random.Random, count: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "payment",
            "transaction_id": f"t{number}",
            "timestamp": NOW_MS + number * 1_000,
            "user_id": f"u{draw.randrange(25)}",
            "device_id": f"d{draw.randrange(25)}",
            "amount": draw.randrange(1, 90),
            "currency": "CNY",
        }
        for number in range(count)
    ]


def by_user(event: dict[str, Any]) -> int:
    return int(event["user_id"][1:]) % PARTITIONS


def lived(
    pack: Pack, folder: Path, partitions: list[list[bytes]], draw: random.Random, lives: int
) -> tuple[Topic, list[int]]:
    """What was delivered at last, and how many workers each life had."""
    topic, sizes = Topic(), []
    for number in range(lives + 1):
        sizes.append(draw.choice((1, 2, 3, 4)))
        kill_after = draw.randrange(5, 250) if number < lives else -1
        if Life(pack, folder, partitions, topic, sizes[-1], draw).run(kill_after) and kill_after > 0:
            break
    return topic, sizes


@pytest.mark.parametrize("seed", range(12))
def test_each_event_gets_the_decision_of_an_undisturbed_run(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    pack = sound_pack(tmp_path / "pack", PACK)
    events = payments(draw, 700)
    for _ in range(40):
        at = draw.randrange(len(events))
        events.insert(min(at + draw.randrange(1, 30), len(events)), events[at])
    partitions: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for event in events:
        partitions[by_user(event)].append(msgspec.json.encode(event))
    topic, _ = lived(pack, tmp_path / "state", partitions, draw, lives=6)
    alone = Engine(pack, memory_bytes=MEMORY_MIN)
    expected = alone.decide(decode([msgspec.json.encode(event) for event in events]), {}).encoded
    assert Counter(topic.decisions) == Counter(expected)


@pytest.mark.parametrize("seed", range(12))
def test_what_comes_again_on_any_partition_gets_the_answer_that_was_given(seed: int, tmp_path: Path) -> None:
    draw = random.Random(100 + seed)
    pack = sound_pack(tmp_path / "pack", PACK + SHARED)
    partitions: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    sent: Counter[str] = Counter()
    for event in payments(draw, 500):
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            draw.choice(partitions).append(msgspec.json.encode(event))
            sent[event["transaction_id"]] += 1
    topic, _ = lived(pack, tmp_path / "state", partitions, draw, lives=6)
    answers: dict[str, list[dict[str, Any]]] = {}
    for decision in topic.decisions:
        fields = msgspec.json.decode(decision)
        answers.setdefault(fields["transaction_id"], []).append(fields)
    assert answers.keys() == sent.keys()
    for id_, each in answers.items():
        # After a crash, answers to repetitions that are equal byte for byte cannot be told apart in a topic.
        assert len(each) <= sent[id_]
        (first,) = (answer for answer in each if "duplicate" not in answer)
        assert all(answer in (first, first | {"duplicate": True}) for answer in each)
