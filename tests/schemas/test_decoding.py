"""Decoding: what is taken, what is refused and why, and that a refusal costs nothing else."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import EVENT_TYPES, STRUCTS, TRANSACTION_TYPES, RejectionCode, Transaction
from schemas.batches import EVENT_BYTES_MAX, NULL, decode
from support.raw_events import EVERY, NOW_MS, fields_of, raw_event, with_raw

DEEP = b"[" * 20_000 + b"]" * 20_000

BAD: list[tuple[str, bytes, RejectionCode, str]] = [
    ("not JSON", b"hello", "not_json", "JSON is malformed: invalid character (byte 0)"),
    ("nothing", b"", "not_json", "Input data was truncated"),
    ("half an event", raw_event("payment")[:40], "not_json", "Input data was truncated"),
    ("two events", EVERY[0] + EVERY[0], "not_json", "JSON is malformed: trailing characters (byte 114)"),
    ("NaN", with_raw("payment", "amount", b"NaN"), "not_json", "JSON is malformed: invalid character (byte 107)"),
    ("lone surrogate", with_raw("login", "ip", rb'"\ud800"'), "not_json", "Input data was truncated"),
    ("nested deeply", with_raw("login", "x", DEEP), "not_json", "expected JSON of moderate depth, got one nested too"),
    ("deep metadata", with_raw("payment", "metadata", DEEP), "not_json", "expected JSON of moderate depth, got one "),
    ("an array", b"[]", "wrong_type", "Expected `object`, got `array`"),
    ("null", b"null", "wrong_type", "Expected `object`, got `null`"),
    ("no type", b"{}", "missing_field", "Object missing required field `type`"),
    ("unknown type", raw_event("login", type="log in"), "unknown_type", "Invalid value 'log in' - at `$.type`"),
    ("sly type", b'{"type":"unknown field"}', "unknown_type", "Invalid value 'unknown field' - at `$.type`"),
    ("type of a number", b'{"type":5}', "wrong_type", "Expected `str` - at `$.type`"),
    ("second type", b'{"type":"login","x":1,"type":[]}', "wrong_type", "Expected `str`, got `list` - at `$.type`"),
    ("no timestamp", b'{"type":"login"}', "missing_field", "Object missing required field `timestamp`"),
    ("also an unknown", b'{"type":"login","x":1}', "missing_field", "Object missing required field `timestamp`"),
    ("id of a number", raw_event("login", user_id=5), "wrong_type", "Expected `str`, got `int` - at `$.user_id`"),
    ("no user", raw_event("login", user_id=None), "wrong_type", "Expected `str`, got `null` - at `$.user_id`"),
    ("empty device", raw_event("login", device_id=""), "invalid_value", "Expected `str` of length >= 1 - at `$.dev"),
    ("long ip", raw_event("login", ip="1" * 257), "invalid_value", "Expected `str` of length <= 256 - at `$.ip`"),
    ("1 MB", raw_event("login", ip="1" * 10**6), "too_large", "expected at most 65,536 bytes, got 1,000,081"),
    ("not UTF-8", b'{"type":"login","ip":"\xff"}', "invalid_utf8", "expected UTF-8, got the byte 0xff at byte 22"),
    ("half a character", b'{"a":"\xe7\xbd"}', "invalid_utf8", "expected UTF-8, got the byte 0xe7 at byte 6"),
    ("amount of a bool", raw_event("payment", amount=True), "wrong_type", "Expected `float | str`, got `bool` - at "),
    ("1e400", with_raw("payment", "amount", b"1e400"), "invalid_value", "Number out of range - at `$.amount`"),
    ("negative", raw_event("topup", amount=-1), "invalid_amount", "expected an amount of at least 0, got `-1.0` - at "),
    ("absurd", raw_event("payout", amount=1e15), "invalid_amount", "expected an amount of at most 10,000,000,000, "),
    ("currency of four", raw_event("refund", currency="EURO"), "invalid_value", "Expected `str` of length <= 3 - at "),
    ("no currency", raw_event("refund", currency="XXX"), "invalid_amount", "expected an ISO 4217 currency code such "),
    ("part of a thing", raw_event("payment", quantity=1.5), "wrong_type", "Expected `int | null`, got `float` - at "),
    ("owing things", raw_event("payment", quantity=-1), "invalid_value", "Expected `int` >= 0 - at `$.quantity`"),
    ("too many", raw_event("payment", quantity=10**13), "invalid_value", "Expected `int` <= 1000000000000 - at `$.q"),
    ("far past", raw_event("login", timestamp=1), "invalid_timestamp", "expected a time from 2000-01-01 until 2100-01"),
    ("far future", raw_event("login", timestamp=NOW_MS * 9), "invalid_timestamp", "expected a time from 2000-01-01 "),
    ("float of time", raw_event("login", timestamp=1.5e12), "wrong_type", "Expected `int | str`, got `float` - at "),
    ("endless integer", with_raw("login", "timestamp", b"9" * 5000), "invalid_value", "Integer value out of range - "),
    ("attributes", raw_event("login", attributes=[]), "wrong_type", "Expected `object`, got `array` - at `$.attrib"),
]


@pytest.mark.parametrize(("raw", "reason", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_each_flaw_has_its_code_and_sentence(raw: bytes, reason: str, message: str) -> None:
    batch = decode([raw])
    (rejection,) = batch.rejections
    assert (batch.events, rejection.index, rejection.reason) == ([], 0, reason)
    assert rejection.message.startswith(message)


def test_every_code_is_covered() -> None:
    codes = set(msgspec.json.schema(RejectionCode)["enum"])
    assert {case[2] for case in BAD} == codes


@given(st.lists(st.sampled_from(EVERY) | st.sampled_from([case[1] for case in BAD]), max_size=40))
def test_a_bad_event_costs_only_itself(raws: list[bytes]) -> None:
    """Any number of them, anywhere: what a batch gives is what its events alone give."""
    alone = [decode([raw]) for raw in raws]
    batch = decode(raws)
    assert batch.events == [event for each in alone for event in each.events]
    assert batch.timestamp_ms.tolist() == [time for each in alone for time in each.timestamp_ms.tolist()]
    assert batch.amount_minor.tolist() == [minor for each in alone for minor in each.amount_minor.tolist()]
    assert list(batch.accepted()) == [index for index, each in enumerate(alone) if each.events]
    expected = [(index, each.rejections[0]) for index, each in enumerate(alone) if each.rejections]
    assert [(r.index, r.reason, r.message) for r in batch.rejections] == [
        (index, r.reason, r.message) for index, r in expected
    ]


@pytest.mark.parametrize("kind", list(STRUCTS))
def test_every_type_is_read(kind: str) -> None:
    batch = decode([raw_event(kind, device_id="d1", ip="10.0.0.1", new="x", attributes={"level": 3})])
    (event,) = batch.events
    assert (type(event), event.type, event.id) == (STRUCTS[kind], kind, fields_of(kind).get("event_id", "t1"))
    assert (event.device_id, event.ip, event.country) == ("d1", "10.0.0.1", None)
    assert event.attributes == {"new": "x", "level": 3}
    assert batch.timestamp_ms.tolist() == [NOW_MS]
    assert batch.amount_minor.tolist() == [1234 if kind in (*TRANSACTION_TYPES, "correction") else NULL]
    assert len(EVENT_TYPES) == len(STRUCTS) == 15


def test_unknown_fields_are_kept_under_attributes() -> None:
    odd = {
        "is": {"nested": [1, None]},
        "type of": "x",
        "unknown field": True,
        "空": "網",
        "attributes": {"空": "own", "b": 2},
    }
    (event,) = decode([raw_event("payment", **odd)]).events
    assert event.attributes == {"is": {"nested": [1, None]}, "type of": "x", "unknown field": True, "空": "own", "b": 2}


@pytest.mark.parametrize("also", [{}, {"unknown": 1}])
def test_metadata_is_carried_along(also: dict[str, object]) -> None:
    (event,) = decode([raw_event("payment", metadata={"a": [1, 2.5, "x"]}, **also)]).events
    assert isinstance(event, Transaction)
    assert isinstance(event.metadata, msgspec.Raw)
    assert msgspec.json.decode(event.metadata) == {"a": [1, 2.5, "x"]}
    assert event.attributes == also


def test_metadata_of_a_login_is_an_attribute() -> None:
    (event,) = decode([raw_event("login", metadata={"a": 1})]).events
    assert event.attributes == {"metadata": {"a": 1}}


def test_events_do_not_share_attributes() -> None:
    first, second = decode([EVERY[0], EVERY[0]]).events
    first.attributes["seen"] = True
    assert second.attributes == {}


def test_an_event_of_the_largest_size_is_read() -> None:
    room = EVENT_BYTES_MAX - len(raw_event("login", x=""))
    assert decode([raw_event("login", x="y" * room)]).rejections == []
    assert [each.reason for each in decode([raw_event("login", x="y" * (room + 1))]).rejections] == ["too_large"]


def test_no_events_are_a_batch() -> None:
    batch = decode([])
    assert (batch.events, batch.timestamp_ms.tolist(), batch.amount_minor.tolist(), batch.rejections) == (
        [],
        [],
        [],
        [],
    )


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_random_bytes_never_raise(raws: list[bytes]) -> None:
    batch = decode(raws)
    assert len(batch.events) + len(batch.rejections) == len(raws)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(list(STRUCTS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = sorted({name for struct in STRUCTS.values() for name in struct.__struct_fields__} | {"type", "unknown"})


@given(st.sampled_from(list(STRUCTS)), st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_wrong_values_anywhere_never_raise(kind: str, wrong: dict[str, object]) -> None:
    batch = decode([raw_event(kind, **wrong), EVERY[0]])
    assert [each.id for each in batch.events][-1:] == ["t1"]
    assert len(batch.events) + len(batch.rejections) == 2


@pytest.mark.parametrize("seed", range(8))
def test_mutated_events_never_raise(seed: int) -> None:
    """Bytes swapped, cut, doubled and put in, thousands of times; each batch has the same fate event by event."""
    draw = random.Random(seed)
    pool = [*EVERY, *(case[1] for case in BAD if len(case[1]) < 1000)]
    pieces = (b'"', b"\\", b"{", b"}", b",", b":", b"\xff", b"\0", b'"type":', b'"x":1,', b"1e999", b"-", b"\\u0000")
    for _ in range(100):
        raws = []
        for _ in range(draw.randint(1, 20)):
            raw = bytearray(draw.choice(pool))
            for _ in range(draw.choice((0, 1, 1, 2, 5))):
                at = draw.randint(0, len(raw))
                raw[at : at + draw.choice((0, 0, 1, 3, 30))] = draw.choice((*pieces, bytes(raw[:at]), b""))
            raws.append(bytes(raw))
        batch = decode(raws)
        assert len(batch.events) + len(batch.rejections) == len(raws)
        assert batch.events == [event for raw in raws for event in decode([raw]).events]
