"""A copy of a topic gives back what it got, and is measured as the live engine decides what came at these times."""

import random
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine
from schemas import Decision
from support.backtests import decided_by_backtest
from support.cuts import Incoming, told
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from workbench.feature_table import compute
from workbench.history import History
from workbench.topic_copy import TopicCopy

NUMBERS = st.integers(-(2**63), 2**63 - 1)
RECORDS = st.lists(st.lists(st.tuples(st.binary(max_size=20), NUMBERS, NUMBERS, NUMBERS), max_size=5), max_size=5)


@given(RECORDS)
def test_a_copy_gives_back_what_it_got(portions: list[list[tuple[bytes, int, int, int]]]) -> None:
    copy = TopicCopy(BytesIO(), "t")
    for records in portions:
        copy.add([a for a, _, _, _ in records], [b for _, b, _, _ in records], [c for _, _, c, _ in records],
                 [d for _, _, _, d in records])  # fmt: skip
    for _ in range(2):
        found = [
            list(
                zip(each.lines, each.arrived_ms.tolist(), each.partitions.tolist(), each.offsets.tolist(), strict=True)
            )
            for each in copy.portions()
        ]
        assert found == portions


def test_the_same_records_have_the_same_identity() -> None:
    def identity(value: bytes, offset: int) -> str:
        copy = TopicCopy(BytesIO(), "t")
        copy.add([b"a", value], [1, 2], [0, 0], [1, offset])
        return copy.identity()

    assert len({identity(b"b", 2), identity(b"b", 2), identity(b"c", 2), identity(b"b", 3)}) == 3


@pytest.mark.parametrize("seed", range(12))
def test_a_topic_is_decided_as_by_a_live_engine(seed: int, tmp_path: Path) -> None:
    draw = random.Random(31_000 + seed)
    pack = sound_pack(tmp_path, random_pack(draw, scores=False).body, LIST_FILES)
    now_ms, stream = 1_790_000_000_000, []
    for event in random_stream(draw, 240):
        now_ms += draw.choice((0, 0, 1_000, 60_000, 4_000_000))
        stream.append(Incoming(event.raw, event.arrived_ms or now_ms))
    copy = TopicCopy(BytesIO(), "t")
    for first in range(0, len(stream), 100):
        part = stream[first : first + 100]
        numbers = list(range(first, first + len(part)))
        copy.add([each.raw for each in part], [each.arrived_ms or 0 for each in part], [0] * len(part), numbers)
    lists = pack.entries_by_list
    live = [
        msgspec.json.decode(each, type=Decision) for each in told(Engine(pack), stream, lists, [len(stream)]).decisions
    ]
    expected = [(each.action, each.rules, each.shadow) for each in live if not each.duplicate and not each.timer]
    assert decided_by_backtest(pack, compute(pack, History(copy), lambda _: None)) == expected


def test_what_cannot_be_read_is_named_by_its_place() -> None:
    copy = TopicCopy(BytesIO(), "topic t")
    copy.add([b"", b"no json"], [1, 2], [0, 3], [4, 17])
    (chunk,) = History(copy).chunks()
    assert [(each.place, each.reason) for each in chunk.unread] == [
        ("partition 0, offset 4", "not_json"), ("partition 3, offset 17", "not_json")
    ]  # fmt: skip
