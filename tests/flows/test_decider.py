"""Decisions by way of the store: each id is judged once, and answered each time."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine
from flows import Arrival, Decider, Recall, Tally, Verdicts
from schemas import DemotionEvent
from schemas.batches import decode
from stores import Answer, ListEntry, MemoryStore, RedisStore, Store
from support.judges import AllowAll
from support.rule_packs import sound_pack
from support.streams import NOW_MS, decoded, login, payment, place_of
from windows.store import MEMORY_MIN


class Bench:
    """A decider with a store, and everything it says."""

    def __init__(self, store: Store, lists: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self.judge, self.tally, self.notes = AllowAll(), Tally(), list[str]()
        self.recall = Recall(store, lists or {}, lambda: NOW_MS, self.notes.append, self.tally)
        self.decider = Decider(self.judge, {}, self.tally, self.recall)

    def decide(self, *raws: bytes) -> list[tuple[str, bool]]:
        """The id of each decision, and whether it says that it is a duplicate."""
        decisions = map(decoded, self.verdicts(*raws).decisions)
        return [(decision.transaction_id, decision.duplicate is True) for decision in decisions]

    def verdicts(self, *raws: bytes) -> Verdicts:
        return self.decider.decide(Arrival(raws, place_of), decode(raws))


IDS = st.sampled_from("abcde")


@given(batches=st.lists(st.lists(IDS, max_size=6), max_size=6))
def test_each_id_is_judged_once_and_answered_each_time(batches: list[list[str]]) -> None:
    bench = Bench(MemoryStore())
    seen: set[str] = set()
    for batch in batches:
        expected = []
        for id_ in batch:
            expected.append((id_, id_ in seen))
            seen.add(id_)
        assert bench.decide(*map(payment, batch)) == expected
    assert sum(bench.judge.sizes) == len(seen)
    assert bench.tally.actions == ({"allow": len(seen)} if seen else {})
    assert bench.tally.duplicates == sum(map(len, batches)) - len(seen)


def test_without_a_store_the_judge_alone_knows_what_came_before() -> None:
    judge, tally = AllowAll(), Tally()
    raws = [payment("t1"), payment("t1")]
    verdicts = Decider(judge, {"l": {"x": 1}}, tally).decide(
        Arrival(raws, place_of, reached={"here": 2}, arrived_ms=NOW_MS), decode(raws)
    )
    assert [decoded(decision).duplicate is True for decision in verdicts.decisions] == [False, True]
    assert (judge.sizes, judge.lists, judge.arrived_ms) == ([1], {"l": {"x": 1}}, NOW_MS)
    assert (tally.actions, tally.duplicates) == ({"allow": 1}, 1)
    assert verdicts.reached == {"here": 2}


def test_an_event_that_needs_no_decision_is_not_counted_twice_either() -> None:
    bench = Bench(MemoryStore())
    assert bench.decide(login("e1"), payment("t1"), login("e1")) == [("t1", False)]
    assert bench.decide(login("e1")) == []
    assert sum(bench.judge.sizes) == 2


def test_an_event_and_a_transaction_may_share_an_id() -> None:
    bench = Bench(MemoryStore())
    assert bench.decide(login("x"), payment("x")) == [("x", False)]
    assert bench.judge.sizes == [2]


def test_recorded_answers_are_those_of_the_first_time() -> None:
    bench = Bench(MemoryStore())
    first = decoded(bench.verdicts(payment("t1", timestamp=NOW_MS)).decisions[0])
    again = decoded(bench.verdicts(payment("t1", timestamp=NOW_MS + 5)).decisions[0])
    assert again.duplicate is True
    assert again.timestamp == first.timestamp


def test_lists_of_the_store_extend_those_of_the_pack() -> None:
    store = MemoryStore()
    bench = Bench(store, {"bins": {"a": 1, "b": 2}})
    bench.decide(payment("t1"))
    assert bench.judge.lists == {"bins": {"a": 1, "b": 2}}
    store.add_to_list("bins", ListEntry("b", 9, "ann", ""), 1)
    store.add_to_list("users", ListEntry("u1", 9, "ann", ""), 1)
    bench.decide(payment("t2"))
    assert bench.judge.lists == {"bins": {"a": 1, "b": 9}, "users": {"u1": 9}}
    store.remove_from_list("bins", "b", "ann", "", 1)
    bench.decide(payment("t3"))
    assert bench.judge.lists == {"bins": {"a": 1, "b": 2}, "users": {"u1": 9}}


def test_without_its_store_the_stream_goes_on_and_says_so() -> None:
    bench = Bench(RedisStore("redis://127.0.0.1:1/0"), {"bins": {"a": 1}})
    assert bench.decide(payment("t1")) == [("t1", False)]
    assert bench.judge.unknown == ("store",)
    assert bench.judge.lists == {"bins": {"a": 1}}
    assert bench.decide(payment("t1"), payment("t2")) == [("t1", True), ("t2", False)]
    assert len(bench.notes) == 1
    assert "store away: redis 127.0.0.1:1" in bench.notes[0]
    bench.decider.close()
    assert bench.tally.unrecorded == 2
    assert bench.tally.judged_without_store == 3


class Fickle(MemoryStore):
    """A memory store that is away when told so."""

    away = False

    def exchange(
        self,
        asked: Sequence[str],
        decided: Sequence[tuple[str, bytes]],
        now_ms: int,
        users: Sequence[str] = (),
        facts: Sequence[str] = (),
    ) -> Answer:
        return Answer({}, {}, "gone") if self.away else super().exchange(asked, decided, now_ms, users, facts)


def test_the_facts_that_rules_read_are_asked_of_each_user_once_a_batch() -> None:
    store = Fickle()
    store.set_profile("u1", {"tier": "gold", "secret": "x"})
    bench = Bench(store)
    bench.decide(payment("t1", user_id="u1"))
    assert bench.judge.profiles == {}, "no rule reads any"
    bench.judge.facts = ("tier",)
    bench.decide(payment("t2", user_id="u1"), payment("t3", user_id="u2"), payment("t4", user_id="u1"))
    assert bench.judge.profiles == {"u1": {"tier": "gold"}}
    store.set_profile("u1", {"tier": "black"})
    bench.decide(payment("t5", user_id="u1"))
    assert bench.judge.profiles == {"u1": {"tier": "black"}}
    store.away = True
    bench.decide(payment("t6", user_id="u1"))
    assert (bench.judge.profiles, bench.judge.unknown) == ({}, ("store",))


def test_what_was_decided_during_an_absence_is_recorded_after_it() -> None:
    store = Fickle()
    bench = Bench(store)
    store.away = True
    bench.decide(*(payment(f"t{at}") for at in range(5_000)))
    store.away = False
    assert bench.decide(payment("t4999"), payment("t0")) == [("t4999", True), ("t0", True)]
    bench.decide()
    other = Bench(store)
    assert other.decide(payment("t4999"), payment("t0")) == [("t4999", True), ("t0", True)]
    assert [note.partition(":")[0] for note in bench.notes] == ["store away", "store back"]
    assert bench.tally.unrecorded == 0


def test_a_record_that_cannot_be_read_is_decided_anew_and_told() -> None:
    store = MemoryStore()
    store.exchange([], [("t1", b"no decision")], NOW_MS)
    bench = Bench(store)
    assert bench.decide(payment("t1")) == [("t1", False)]
    assert "`t1` in memory: cannot be read" in bench.notes[0]


def rejected(make: Callable[[], bytes], reason: str) -> None:
    bench = Bench(MemoryStore())
    verdicts = bench.verdicts(payment("t1"), make(), payment("t2"))
    assert [decoded(decision).transaction_id for decision in verdicts.decisions] == ["t1", "t2"]
    (letter,) = verdicts.dead_letters
    assert letter.reason == reason
    assert letter.place == place_of(1)
    assert letter.original == make()
    assert letter.original_bytes == len(make())
    assert bench.tally.dead_letters == {reason: 1}


def test_what_cannot_be_read_is_a_dead_letter_and_costs_only_itself() -> None:
    rejected(lambda: b"{", "not_json")
    rejected(lambda: b"", "not_json")
    rejected(lambda: payment("t") + b"\xff", "invalid_utf8")
    rejected(lambda: payment("t", goods="x" * 66_000), "too_large")
    rejected(lambda: payment("t", amount=-1), "invalid_amount")
    rejected(lambda: payment("t", timestamp=1), "invalid_timestamp")
    rejected(lambda: payment("t", type="gift"), "unknown_type")
    rejected(lambda: b'{"type":"payment"}', "missing_field")


def test_a_dead_letter_holds_the_beginning_of_an_endless_event() -> None:
    raw = payment("t1", goods="x" * 2_000_000)
    (letter,) = Bench(MemoryStore()).verdicts(raw).dead_letters
    assert letter.original == raw[: len(letter.original)]
    assert 500_000 < len(letter.original) < 1_000_000
    assert letter.original_bytes == len(raw)


def test_a_rule_that_is_demoted_is_told_audited_and_counted(tmp_path: Path) -> None:
    rule = "rules:\n- {id: a.b, when: amount > 5, then: block, mode: live, breaker: {expected: 1%, min_hits: 2}}\n"
    pack = sound_pack(tmp_path, rule)
    tally, notes = Tally(), list[str]()
    decider = Decider(Engine(pack, memory_bytes=MEMORY_MIN), {}, tally, None, notes.append)
    raws = [b"no event", *(payment(f"t{number}") for number in range(4))]
    verdicts = decider.decide(Arrival(raws, place_of), decode(raws))
    told = DemotionEvent(
        rule="a.b", was="block", to="review", hits=2, judged=2, id="t1", timestamp=NOW_MS, place=place_of(2),
        pack=pack.version,
    )  # fmt: skip
    assert verdicts.audits == [told]
    assert msgspec.json.decode(msgspec.json.encode(told))["from"] == "block"
    assert tally.demoted == 1
    (note,) = notes
    assert note.startswith(
        "rule a.b matched 2 of 2 events, which its breaker does not allow: from `t1` on it acts as review"
    )
    assert [decoded(each).action for each in verdicts.decisions] == ["block", "review", "review", "review"]


def test_what_the_store_answers_does_not_move_the_event_that_a_rule_is_demoted_with(tmp_path: Path) -> None:
    rule = "rules:\n- {id: a.b, when: amount > 5, then: block, mode: live, breaker: {expected: 1%, min_hits: 2}}\n"
    pack, store = sound_pack(tmp_path, rule), MemoryStore()

    def audits(*raws: bytes) -> Sequence[object]:
        recall = Recall(store, {}, lambda: NOW_MS, lambda _: None, Tally())
        decider = Decider(Engine(pack, memory_bytes=MEMORY_MIN), {}, Tally(), recall)
        verdicts = decider.decide(Arrival(raws, place_of), decode(raws))
        recall.catch_up()
        return verdicts.audits

    assert audits(payment("t0")) == []
    (told,) = audits(payment("t1"), payment("t0"), payment("t2"))
    assert isinstance(told, DemotionEvent)
    assert (told.id, told.place) == ("t2", place_of(2))


def test_audit_events_are_in_the_order_of_their_events(tmp_path: Path) -> None:
    rule = "rules:\n- {id: a.b, when: amount > 5, then: block, mode: live, breaker: {expected: 1%, min_hits: 2}}\n"
    pack = sound_pack(tmp_path, rule)
    raws = [payment("t0"), payment("t0", amount=9), payment("t1"), payment("t1", amount=9)]
    for size in (1, 4):
        decider, audits = Decider(Engine(pack, memory_bytes=MEMORY_MIN), {}, Tally()), list[object]()
        for at in range(0, 4, size):
            part = raws[at : at + size]
            audits += decider.decide(Arrival(part, place_of), decode(part)).audits
        assert [getattr(each, "audit", "") for each in audits] == [
            "conflicting_duplicate",
            "rule_demoted",
            "conflicting_duplicate",
        ]
