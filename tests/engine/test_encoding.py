"""What comes out is, to the byte, msgspec's JSON of `schemas.Decision`."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine
from engine.composition import encode
from rules import Pack
from schemas import Decision
from schemas.batches import decode
from support.packs import load_pack, write_pack
from support.raw_events import NOW_MS, raw_event
from windows.store import MEMORY_MIN

RULES = """\
- {id: a.b, when: tx_10m > 0, then: step_up, challenge: sms, reason: A_B, explain: '{user_id} "did" \\ {tx_10m}'}
- {id: a.d, when: tx_10m > 0, then: tag, reason: A_D, explain: '100% %s 网 "{ip}", {mean_1h} {user_id}'}
- {id: a.e, when: tx_10m > 0, then: tag, reason: A_E, explain: no "value" of %d}
- {id: a.c, when: tx_10m > 0, then: block, mode: shadow}
"""
KEYS = ["transaction_id", "timestamp", "action", "origin", "rules", "shadow", "missing", "reasons", "challenge", "pack"]
IDS = [
    "plain",
    'quo"te',
    "back\\slash",
    "new\nline",
    "100% %s %d",
    "\x00",
    "\x1f",
    "\x7f",
    "\u2028",
    "网卡",
    "😀",
    "x" * 256,
    " ",
    "a b",
]
MANY = [each + ending for ending in ("", "1", "2", "3") for each in IDS if len(each + ending) <= 256]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(write_pack(tmp_path_factory.mktemp("pack"), RULES))


@pytest.mark.parametrize("ids", [*([each] for each in IDS), IDS, MANY], ids=lambda ids: f"{len(ids)}-{ids[0][:5]!r}")
def test_any_id_is_encoded_as_msgspec_does(pack: Pack, ids: list[str]) -> None:
    raws = [raw_event("payment", transaction_id=each, user_id=each) for each in ids]
    decisions = Engine(pack, memory_bytes=MEMORY_MIN).decide(decode(raws), {})
    assert [msgspec.json.decode(each)["transaction_id"] for each in decisions.encoded] == ids
    for encoded, action in zip(decisions.encoded, decisions.actions, strict=True):
        decision = msgspec.json.decode(encoded, type=Decision)
        assert msgspec.json.encode(decision) == encoded
        assert decision.action == action
        did, of, no = [reason.text for reason in decision.reasons]
        assert did.startswith(f'{decision.transaction_id} "did" \\ ')
        assert of == f'100% %s 网 "missing", 12.34 CNY {decision.transaction_id}'
        assert no == 'no "value" of %d'
        assert list(msgspec.json.decode(encoded)) == KEYS


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.integers(-(2**63), 2**63 - 1)), max_size=6))
def test_encode_is_msgspec(cases: list[tuple[str, int]]) -> None:
    ids, times = [key for key, _ in cases], [time for _, time in cases]
    expected = [
        msgspec.json.encode(Decision(transaction_id=key, timestamp=time, action="allow", pack="p@1"))
        for key, time in cases
    ]
    tails = [each[each.index(b'"action"') :].decode() for each in expected]
    assert encode(ids, times, tails) == expected


def test_a_decision_without_a_hit_has_every_promised_key(tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path, "- {id: a.b, when: tx_10m > 5, then: block}\n"))
    (encoded,) = Engine(pack, memory_bytes=MEMORY_MIN).decide(decode([raw_event("payment")]), {}).encoded
    assert msgspec.json.decode(encoded) == {
        "transaction_id": "t1",
        "timestamp": NOW_MS,
        "action": "allow",
        "origin": "scored",
        "rules": [],
        "shadow": [],
        "missing": [],
        "reasons": [],
        "pack": pack.version,
    }
