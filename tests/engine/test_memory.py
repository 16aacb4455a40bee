"""Where the windows may take little memory, decisions become degraded rather than wrong."""

from pathlib import Path

import msgspec

from engine import Engine
from rules import Pack
from schemas.batches import decode
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

BATCH = 4_000


def wide_pack(folder: Path) -> Pack:
    """A pack whose events take many words each, so that few of them fill the least memory there can be."""
    features = "".join(f"  n{at}: {{count: event, by: user_id, over: 30d, where: amount > {at}}}\n" for at in range(60))
    first = "  ip_first: {first: ip, by: user_id, over: 30d}\n"
    rule = "- {id: a.n, when: n0 > 0, then: tag, mode: live, reason: SAW, explain: '{n0} {ip_first}'}\n"
    return sound_pack(folder, f"features:\n{features}{first}rules:\n{rule}")


def test_a_count_is_right_or_marked(tmp_path: Path) -> None:
    """All events are of one user, one millisecond apart, so that the true count is the event's number."""
    engine = Engine(wide_pack(tmp_path), memory_bytes=MEMORY_MIN)
    number, degraded, batches = 0, 0, 0
    while degraded < 2 * BATCH:
        batches += 1
        assert batches < 60, "the memory never filled"
        raws = [
            nth_event(at, "payment", timestamp=NOW_MS + at, amount=100, ip=f"ip{at}")
            for at in range(number, number + BATCH)
        ]
        for encoded in engine.decide(decode(raws), {}).encoded:
            number += 1
            decision = msgspec.json.decode(encoded)
            count, ip = decision["reasons"][0]["text"].split()
            if decision["origin"] == "degraded":
                degraded += 1
                assert decision["missing"] == ["windows"]
                assert int(count) < number
                assert ip == f"ip{number - int(count)}"
            else:
                assert degraded == 0
                assert (decision["missing"], int(count), ip) == ([], number, "ip0")
    events, _ = engine.held
    assert 0 < events < number


def test_an_event_older_than_the_log_is_marked(tmp_path: Path) -> None:
    """Days later the first day has been forgotten; an event of it is decided, and says so."""
    feature, rule = "{count: event, by: user_id, over: 1h}", "{id: a.b, when: n > 99, then: tag}"
    pack = sound_pack(tmp_path, f"features: {{n: {feature}}}\nrules: [{rule}]\n")
    engine = Engine(pack, memory_bytes=MEMORY_MIN)
    for start in range(0, 6_000, 100):
        numbers = range(start, start + 100)
        engine.decide(decode([nth_event(at, "payment", timestamp=NOW_MS + 60_000 * at) for at in numbers]), {})
    late, fresh = (
        msgspec.json.decode(engine.decide(decode([nth_event(at, "payment", timestamp=time_ms)]), {}).encoded[0])
        for at, time_ms in ((6_000, NOW_MS), (6_001, NOW_MS + 60_000 * 6_000))
    )
    assert (late["origin"], late["missing"], late["degraded"]) == ("degraded", ["windows"], "late")
    assert (fresh["origin"], fresh["missing"]) == ("scored", [])
    assert engine.held[0] < 6_000
