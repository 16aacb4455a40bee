"""Breakers: rules that match too often are demoted from one event on, however the stream is cut, also by restarts."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, pairwise
from pathlib import Path

import msgspec
import pytest

from engine import Engine, Group, Piece, Rates, record_of
from rules import Pack
from schemas.batches import decode
from support.breaker_oracle import PARTS
from support.cuts import Incoming, told
from support.engine_oracle import EngineOracle
from support.pack_texts import PackText
from support.random_breakers import with_breakers
from support.random_packs import LIST_FILES, PROFILES, random_lists, random_pack
from support.random_streams import random_stream, steady_stream
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from windows.store import MEMORY_MIN

SIZES = (1, 31, 32, 33, 500)
MINUTE_MS = 60_000

BODY = """\
features: {{n: {{count: event, by: user_id, over: 10m}}}}
rules:
- id: a.large
  when: amount > params.most
  params: {{most: {most}}}
  then: block
  mode: live
  challenge: otp
  breaker: {{expected: 1%, over: {over}, min_hits: 4}}
{more}"""
OTHER = "- {id: b.other, when: n > 100, then: review, mode: live}\n"


def engine_of(pack: Pack) -> Engine:
    return Engine(pack, memory_bytes=MEMORY_MIN)


def body(most: int = 50, over: str = "1h", more: str = "") -> str:
    return BODY.format(most=most, over=over, more=more)


def payment(number: int, minute: float, amount: int) -> Incoming:
    return Incoming(nth_event(number, "payment", timestamp=NOW_MS + round(MINUTE_MS * minute), amount=amount))


def acts(engine: Engine, stream: Sequence[Incoming]) -> list[str]:
    return [msgspec.json.decode(each)["action"] for each in told(engine, stream, {}, cycle([7])).decisions]


def drawn(draw: random.Random, *, scores: bool) -> PackText:
    return with_breakers(draw, random_pack(draw, scores=scores))


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", range(10))
def test_decisions_equal_the_oracle(seed: int, scores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    draw = random.Random(5_000 * seed + scores)
    text = drawn(draw, scores=scores)
    pack = sound_pack(tmp_path, text.body, LIST_FILES)
    stream, lists = draw.choice((random_stream, steady_stream))(draw, 240), random_lists(draw)
    oracle = EngineOracle(text, pack.version, lists, has_profiles=True)
    expected = [decision for event in stream for decision in oracle.told(event)]
    for sizes in (*([size] for size in SIZES), draw.choices((*SIZES, 2, 64), k=30)):
        engine = engine_of(pack)
        found = told(engine, stream, lists, cycle(sizes), PROFILES)
        assert found.answers == (expected, oracle.counts), f"cut into {sizes}"
        demotions = [oracle.breakers.demotion(rule) for rule in text.rules]
        assert [each for each in demotions if each is not None] == list(engine.demotions)


def test_random_packs_trip_breakers_in_every_way() -> None:
    """Else the test above would say little."""
    seen: Counter[str] = Counter()
    for seed in range(40):
        draw = random.Random(seed)
        text = drawn(draw, scores=False)
        oracle = EngineOracle(text, "p@1", random_lists(draw), has_profiles=True)
        for event in draw.choice((random_stream, steady_stream))(draw, 240):
            for decision in oracle.told(event):
                fields = msgspec.json.decode(decision)
                seen.update(f"{each['from']} to {each['to']}" for each in fields.get("demoted", ()))
                seen["again"] += "demoted" in fields and "duplicate" in fields
        seen["twice"] += sum(level == 2 for level in oracle.breakers.levels.values())
        seen["never"] += sum(rule.breaker is not None and rule.id not in oracle.breakers.levels for rule in text.rules)
    wanted = {"block to step_up", "block to review", "step_up to review", "again", "twice", "never"}
    assert not [each for each in wanted if seen[each] < 3], seen


@pytest.mark.parametrize("seed", range(16))
def test_a_restart_is_not_noticed(seed: int, tmp_path: Path) -> None:
    """From what records and the head of a segment say: that head may be any."""
    draw = random.Random(7_000 + seed)
    pack = sound_pack(tmp_path, drawn(draw, scores=False).body, LIST_FILES)
    stream, lists = steady_stream(draw, 300), random_lists(draw)
    undisturbed = engine_of(pack)
    expected = told(undisturbed, stream, lists, cycle([64]))
    cuts = [0, *sorted(draw.sample(range(1, len(stream)), draw.choice((1, 3, 9)))), len(stream)]
    engine, pieces, decisions = engine_of(pack), list[Piece](), list[bytes]()
    heads: list[tuple[int, list[Group]]] = [(0, [])]
    for start, end in pairwise(cuts):
        if start:
            fresh = engine_of(pack)
            records = [record_of(piece) for piece in pieces]
            fresh.restore(records)
            at, groups = draw.choice(heads)
            rates = Rates(groups)
            for record in records[at:]:
                if record.rates is not None:
                    rates.follow(record.rates)
            fresh.take_up(rates, [])
            assert fresh.demotions == engine.demotions
            assert fresh.released == ()
            engine = fresh
        made = told(engine, stream[start:end], lists, cycle(draw.choices(SIZES, k=5)))
        pieces += made.pieces
        decisions += made.decisions
        heads = [(at, copied(groups)) for at, groups in heads] + [(len(pieces), copied(engine.rates))]
    assert decisions == expected.decisions
    assert engine.demotions == undisturbed.demotions


def copied(groups: list[Group]) -> list[Group]:
    """As they are read from a journal."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(groups), type=list[Group])


def test_it_goes_down_its_steps_and_says_so(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, body())
    engine = engine_of(pack)
    stream = [payment(number, number / 2, 99 if number % 10 == 0 else 1) for number in range(600)]
    trips, decisions = list[tuple[int, str, str, int, int]](), list[bytes]()
    for start in range(0, len(stream), 64):
        made = engine.decide(decode([each.raw for each in stream[start : start + 64]]), {})
        trips += [(start + trip.at, trip.was, trip.to, trip.hits, trip.judged) for trip in made.tripped]
        decisions += made.encoded
    fields = list(map(msgspec.json.decode, decisions))
    hits = [number for number, each in enumerate(fields) if each["rules"]]
    assert hits == list(range(0, 600, 10))
    first, second = 30, trips[1][0]
    assert trips[0] == (30, "block", "step_up", 4, 31)
    assert trips[1][1:3] == ("step_up", "review")
    assert len(trips) == 2
    # A whole window, in sixtieths of an hour, lies between the two steps; events come every half minute.
    assert second == min(number for number in hits if number // 2 >= 15 + PARTS)
    expected = ["block" if n < first else "step_up" if n < second else "review" for n in hits]
    assert [fields[n]["action"] for n in hits] == expected
    assert fields[20].get("demoted") is None
    assert fields[first]["demoted"] == [{"rule": "a.large", "from": "block", "to": "step_up"}]
    assert fields[first]["challenge"] == "otp"
    assert fields[second]["demoted"] == [{"rule": "a.large", "from": "block", "to": "review"}]
    assert {each["action"] for n, each in enumerate(fields) if n not in hits} == {"allow"}


def test_it_stays_demoted_when_all_is_quiet_again(tmp_path: Path) -> None:
    engine = engine_of(sound_pack(tmp_path, body()))
    wild = [payment(number, number / 10, 99) for number in range(4)]
    calm = [payment(1_000 + number, 100 + number, 1) for number in range(500)]
    last = payment(9_999, 700, 99)
    assert acts(engine, [*wild, *calm, last])[-1] == "step_up"


@pytest.mark.parametrize(("count", "tripped"), [(3, False), (4, True)])
def test_few_hits_are_no_reason(tmp_path: Path, count: int, tripped: bool) -> None:
    engine = engine_of(sound_pack(tmp_path, body()))
    told(engine, [payment(number, number, 99) for number in range(count)], {}, cycle([2]))
    assert bool(engine.demotions) == tripped


def test_what_it_expects_is_no_reason(tmp_path: Path) -> None:
    """Exactly 5 times 1 percent in each hour; one more is too much."""
    engine = engine_of(sound_pack(tmp_path, body()))
    stream = [payment(number, number / 100, 99 if number % 20 == 19 else 1) for number in range(2_000)]
    told(engine, stream, {}, cycle([100]))
    assert not engine.demotions
    told(engine, [payment(5_000, 20, 99)], {}, cycle([1]))
    assert [each.to for each in engine.demotions] == ["step_up"]


def test_strays_and_repetitions_do_not_count(tmp_path: Path) -> None:
    engine = engine_of(sound_pack(tmp_path, body(over="1h")))
    calm = [payment(number, number / 10, 1) for number in range(100)]
    late = [payment(1_000 + number, -300 - number, 99) for number in range(20)]
    ahead = [payment(2_000 + number, 300 + number, 99) for number in range(20)]
    one = payment(3_000, 10, 99)
    actions = acts(engine, [*calm, *late, *ahead, *[one] * 20])
    assert actions.count("block") == 60
    assert engine.demotions == ()


def test_who_comes_later_than_a_window_does_not_count(tmp_path: Path) -> None:
    """It is in time for features, since lateness is an hour, but not for a breaker over a minute."""
    engine = engine_of(sound_pack(tmp_path, body(over="1m")))
    calm = [payment(number, number / 10, 1) for number in range(300)]
    behind = [payment(1_000 + number, 20 + number / 100, 99) for number in range(20)]
    assert acts(engine, [*calm, *behind]).count("block") == 20
    assert engine.demotions == ()


def test_a_demoted_rule_can_be_overridden(tmp_path: Path) -> None:
    allow = """\
- {id: b.trusted, when: amount == 77, then: allow, overrides: [a.large], expires: 2099-01-01, mode: live}
"""
    engine = wild_engine(sound_pack(tmp_path, body(more=allow)))
    (decision,) = told(engine, [payment(10, 1, 77)], {}, cycle([1])).decisions
    fields = msgspec.json.decode(decision)
    assert (fields["action"], fields["overridden"]) == ("allow", ["a.large"])
    assert fields["demoted"] == [{"rule": "a.large", "from": "block", "to": "step_up"}]


def wild_engine(pack: Pack) -> Engine:
    engine = engine_of(pack)
    told(engine, [payment(number, number / 10, 99) for number in range(6)], {}, cycle([2]))
    assert [(each.rule, each.to) for each in engine.demotions] == [("a.large", "step_up")]
    return engine


def test_another_pack_with_the_same_rule_leaves_it_demoted(tmp_path: Path) -> None:
    engine = wild_engine(sound_pack(tmp_path / "before", body()))
    engine.change(engine.renewal(sound_pack(tmp_path / "after", body(more=OTHER))))
    assert (engine.demotions[0].to, engine.released) == ("step_up", ())
    (decision,) = told(engine, [payment(10, 1, 99)], {}, cycle([1])).decisions
    assert b'"demoted":[{"rule":"a.large","from":"block","to":"step_up"}]' in decision


@pytest.mark.parametrize(
    ("old", "new", "released"),
    [
        ("most: 50", "most: 60", ("a.large",)),
        ("expected: 1%", "expected: 15%", ("a.large",)),
        ("  breaker: {expected: 1%, over: 1h, min_hits: 4}\n", "", ("a.large",)),
        ("mode: live", "mode: shadow", ()),
        ("id: a.large", "id: a.larger", ()),
    ],
)
def test_a_rule_that_is_another_begins_anew(tmp_path: Path, old: str, new: str, released: tuple[str, ...]) -> None:
    before, after = body(), body().replace(old, new)
    assert before != after
    engine = wild_engine(sound_pack(tmp_path / "before", before))
    engine.change(engine.renewal(sound_pack(tmp_path / "after", after)))
    assert (engine.demotions, engine.released) == ((), released)


def test_a_feature_that_is_another_makes_the_rule_another(tmp_path: Path) -> None:
    text = body(more="").replace("amount > params.most", "n > params.most").replace("most: 50", "most: 0")
    engine = wild_engine(sound_pack(tmp_path / "before", text))
    engine.change(engine.renewal(sound_pack(tmp_path / "after", text.replace("over: 10m", "over: 11m"))))
    assert engine.released == ("a.large",)


def test_changes_are_noted_for_a_restart(tmp_path: Path) -> None:
    """Also one that nothing came after, and one back to a rule that had been demoted before it was another."""
    packs = [sound_pack(tmp_path / str(number), body(most)) for number, most in enumerate((50, 60, 50))]
    engine, rates, number = engine_of(packs[0]), Rates(), 0
    for pack in packs:
        engine.change(engine.renewal(pack))
        for _ in range(3):
            made = told(engine, [payment(number, number / 10, 99)], {}, cycle([1]))
            number += 1
            for piece in made.pieces:
                assert piece.rates is not None
                rates.follow(piece.rates)
    assert engine.demotions == ()
    again = engine_of(packs[-1])
    again.take_up(Rates(copied(rates.groups)), [])
    assert copied(again.rates) == copied(engine.rates)
    more = [payment(number, number / 10, 99)]
    assert acts(again, more) == acts(engine, more) == ["step_up"]


def test_a_worker_heeds_those_that_are_gone(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, body())
    gone = Rates(copied(wild_engine(pack).rates))
    engine = engine_of(pack)
    engine.take_up(Rates(), [gone])
    assert [each.to for each in engine.demotions] == ["step_up"]
    made = told(engine, [payment(100, 1, 1)], {}, cycle([1]))
    rates = Rates()
    for piece in made.pieces:
        assert piece.rates is not None
        rates.follow(piece.rates)
    again = engine_of(pack)
    again.take_up(rates, [])
    assert again.demotions == engine.demotions


def test_memory_stays_flat_over_many_windows(tmp_path: Path) -> None:
    engine = engine_of(sound_pack(tmp_path, body(over="1m")))

    def sizes() -> Iterator[int]:
        for group in engine.rates:
            yield len(group.judged)
            yield from (len(watched.hits) for watched in group.rules.values())

    told(engine, [payment(number, number / 30, 99 if number % 3 else 1) for number in range(3_000)], {}, cycle([50]))
    assert 0 < max(sizes()) <= 4 * PARTS
