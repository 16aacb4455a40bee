"""Rules with a sequence, decided: what counts, how it is cut, late, again, and behind a restart."""

import random
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import msgspec
import pytest

from engine import Engine, Record, record_of, signature_of
from rules import Pack
from support.cuts import Incoming, decided, told
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

HOUR_MS = 3_600_000
BODY = """\
rules:
- id: a.takeover
  sequence: {by: user_id, within: 12h, steps: [password_reset, {payment: amount >= 500}], unless: [mfa_verified]}
  then: block
  mode: live
  reason: TAKEOVER
- id: a.device
  sequence: {by: device_id, within: 1h, steps: [{login: not success}, {login: success}, payment]}
  then: review
  mode: live
  on_missing: degraded
"""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return sound_pack(tmp_path, BODY)


Happening = tuple[str, int, Mapping[str, object]]
"""A type of event, when it happens in minutes, and fields."""

Happenings = tuple[Happening, ...]


def raw_of(number: int, happening: Happening) -> bytes:
    kind, minutes, fields = happening
    least: dict[str, object] = {"amount": 600} if kind == "payment" else {}
    return nth_event(number, kind, **{**least, "timestamp": NOW_MS + 60_000 * minutes, **fields})


def rules_hit(pack: Pack, *happenings: Happening) -> list[str]:
    """The rules that hit the last event."""
    raws = [raw_of(number, happening) for number, happening in enumerate(happenings)]
    answers = {tuple(decided(pack, raws, {}, cycle([size]))) for size in (1, 2, 50)}
    assert len(answers) == 1
    hits: list[str] = msgspec.json.decode(answers.pop()[-1])["rules"]
    return hits


def test_a_reset_then_a_payment(pack: Pack) -> None:
    assert rules_hit(pack, ("password_reset", 0, {}), ("payment", 5, {})) == ["a.takeover"]
    assert rules_hit(pack, ("password_reset", 0, {}), ("payment", 0, {})) == ["a.takeover"]
    assert rules_hit(pack, ("payment", 0, {})) == []
    assert rules_hit(pack, ("password_reset", 0, {}), ("payment", 5, {"amount": 499.99})) == []
    assert rules_hit(pack, ("password_reset", 0, {"user_id": "u2"}), ("payment", 5, {})) == []
    assert rules_hit(pack, ("password_reset", 0, {}), ("payment", 719, {})) == ["a.takeover"]
    assert rules_hit(pack, ("password_reset", 0, {}), ("payment", 720, {})) == []


def test_a_proof_in_between_ends_it(pack: Pack) -> None:
    assert rules_hit(pack, ("password_reset", 0, {}), ("mfa_verified", 3, {}), ("payment", 5, {})) == []
    assert rules_hit(pack, ("mfa_verified", 0, {}), ("password_reset", 3, {}), ("payment", 5, {})) == ["a.takeover"]
    again: Happenings = (
        ("password_reset", 0, {}),
        ("mfa_verified", 3, {}),
        ("password_reset", 4, {}),
        ("payment", 5, {}),
    )
    assert rules_hit(pack, *again) == ["a.takeover"]


def test_events_that_come_late_take_their_place(pack: Pack) -> None:
    late_proof: Happenings = ("password_reset", 0, {}), ("login", 20, {}), ("mfa_verified", 3, {}), ("payment", 21, {})
    assert rules_hit(pack, *late_proof) == []
    late_payment: Happenings = ("password_reset", 0, {}), ("mfa_verified", 20, {}), ("payment", 10, {})
    assert rules_hit(pack, *late_payment) == ["a.takeover"]


def test_conditions_tell_steps_of_one_type_apart(pack: Pack) -> None:
    failed, passed = (
        ("login", 0, {"device_id": "d", "success": False}),
        ("login", 1, {"device_id": "d", "success": True}),
    )
    paid = ("payment", 2, {"device_id": "d", "user_id": "u7"})
    assert rules_hit(pack, failed, passed, paid) == ["a.device"]
    assert rules_hit(pack, (passed[0], 0, passed[2]), (failed[0], 1, failed[2]), paid) == []


def test_a_key_that_is_not_there_is_missing(pack: Pack) -> None:
    (decision,) = decided(pack, [nth_event(1, "payment")], {}, cycle([1]))
    fields = msgspec.json.decode(decision)
    assert (fields["rules"], fields["missing"], fields["origin"]) == ([], ["sequence.a.device"], "degraded")


def test_who_strays_in_time_is_judged_by_what_came_before_it(pack: Pack) -> None:
    """A payment two hours late matches, marked; a reset that late counts for nobody."""
    steady: list[Happening] = [("login", minutes, {"user_id": "u9"}) for minutes in range(300, 320)]
    assert rules_hit(pack, ("password_reset", 200, {}), *steady, ("payment", 201, {})) == ["a.takeover"]
    assert rules_hit(pack, *steady, ("password_reset", 200, {}), ("payment", 320, {})) == []


def stream_of(count: int) -> list[Incoming]:
    draw, stream = random.Random(1), []
    kinds: Sequence[tuple[str, Mapping[str, object]]] = (
        ("password_reset", {}),
        ("payment", {}),
        ("payment", {"device_id": "d", "amount": 20}),
        ("login", {"device_id": "d", "success": False}),
        ("login", {"device_id": "d", "success": True}),
        ("mfa_verified", {}),
    )
    for number in range(count):
        kind, fields = draw.choice(kinds)
        late = draw.choice((0, 0, 0, 30))
        stream.append(Incoming(raw_of(number, (kind, 3 * number - late, {**fields, "user_id": draw.choice("abcd")}))))
    return stream


def test_a_restart_is_not_noticed(pack: Pack) -> None:
    stream = stream_of(300)
    undisturbed = told(Engine(pack, memory_bytes=MEMORY_MIN), stream, {}, cycle([64])).decisions
    assert sum(b'"rules":["a.takeover"' in each for each in undisturbed) > 20
    decisions: list[bytes] = []
    records: list[Record] = []
    for start in range(0, 300, 50):
        engine = Engine(pack, memory_bytes=MEMORY_MIN)
        engine.restore(records)
        made = told(engine, stream[start : start + 50], {}, cycle([7]))
        decisions += made.decisions
        records += map(record_of, made.pieces)
    assert decisions == undisturbed


@pytest.mark.parametrize(
    ("old", "new", "taken_over"),
    [
        ("then: block", "then: review", True),
        ("amount >= 500", "amount >= 50", True),
        ("within: 1h", "within: 2h", True),
        ("within: 12h", "within: 13h", False),
        ("unless: [mfa_verified]", "unless: [order]", False),
        ("{login: not success}", "login", False),
        ("by: device_id", "by: ip", False),
    ],
)
def test_what_belongs_to_the_state_of_a_sequence(
    tmp_path: Path, pack: Pack, old: str, new: str, taken_over: bool
) -> None:
    assert BODY.count(old) == 1
    other = sound_pack(tmp_path / "other", BODY.replace(old, new))
    assert (signature_of(other) == signature_of(pack)) == taken_over
