"""Two packs on the same events, held to two live engines; and what is told of rules that differ."""

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from rules import Pack, Rule
from support.backtest_oracle import Said, as_shadow, fraud_of, judged, money
from support.comparison_oracle import Turned, by_turn, turns
from support.packs import HEAD, load_pack, write_pack
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from workbench.comparison import Comparison, comparison_of, differences
from workbench.contrasts import CAUSES_MAX, EXAMPLES_MAX, Difference, Turn, difference_of
from workbench.feature_table import compute
from workbench.history import History
from workbench.labels import read_labels

SEEDS = range(50)
MATURITY_MS = 20_000

Drawn = tuple[tuple[Pack, Pack], Path, Path, list[Said]]


def _drawn(folder: Path, seed: int) -> Drawn:
    """Two random packs with rules of the same names, a stream, and labels of it: their file, and all that is said.

    With every odd seed the second pack is the first one, with rules that ask for something else.
    """
    draw = random.Random(77_000 + seed)
    packs = [
        sound_pack(folder / name, random_pack(draw, scores=draw.random() < 0.2).body, LIST_FILES) for name in ("a", "b")
    ]
    if seed % 2:
        packs[1] = replace(packs[0], rules=tuple(_turned(draw, rule) for rule in packs[0].rules), hash="0" * 64)
    path = folder / "h.ndjson"
    path.write_bytes(b"".join(event.raw + b"\n" for event in random_stream(draw, 240)))
    said = []
    for line in path.read_bytes().splitlines():
        event = msgspec.json.decode(line)
        if "transaction_id" in event and draw.random() < 0.5:
            known_ms = event["timestamp"] + draw.choice((0, 5_000, 10**7))
            said.append(Said(event["transaction_id"], draw.random() < 0.6, known_ms))
    labels = folder / "labels.ndjson"
    rows = [{"transaction_id": a, "fraud": b, "labelled_at": c} for a, b, c in said]
    labels.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    return (packs[0], packs[1]), path, labels, said


def _turned(draw: random.Random, rule: Rule) -> Rule:
    """The rule as it is, or with another action or mode."""
    if rule.then not in ("review", "step_up", "block") or draw.random() < 0.4:
        return rule
    return replace(
        rule, then=draw.choice(("review", "step_up", "block")), mode=draw.choice(("live", "live", rule.mode))
    )


def _compared(packs: tuple[Pack, Pack], path: Path, labels: Path) -> tuple[Comparison, Difference]:
    tables = [compute(pack, History(path), lambda _: None) for pack in packs]
    before, after = zip(packs, tables, strict=True)
    comparison = comparison_of(before, after, read_labels(labels), MATURITY_MS)
    accounts = tables[0].account, tables[1].account
    return comparison, difference_of(comparison, "h", ("A", "B"), accounts, MATURITY_MS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_comparison_says_what_two_live_engines_decide(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    packs, path, labels, said = _drawn(tmp_path, seed)
    comparison, found = _compared(packs, path, labels)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Difference) == found
    changed = turns(packs, judged(packs[0], path), judged(packs[1], path))
    numbers = comparison.ground.table.events["number"]
    assert [int(numbers[at]) for at in comparison.changed.tolist()] == [each.at for each in changed]
    assert {(each.before, each.after): each.events for each in found.turns} == dict(by_turn(changed))
    assert found.changed == len(changed)
    assert found.users == len({each.event["user_id"] for each in changed})
    table = comparison.ground.table
    said = [Said(*row) for row in table.labels.rows()] + said
    for turn in found.turns:
        some = [each for each in changed if (each.before, each.after) == (turn.before, turn.after)]
        truths = [fraud_of(each.event, said, table.account.end_ms, MATURITY_MS) for each in some]
        _assert_turn(turn, some, truths)


def _assert_turn(turn: Turn, some: list[Turned], truths: list[bool | None]) -> None:
    fraud = [each.event for each, truth in zip(some, truths, strict=True) if truth is True]
    good = [each.event for each, truth in zip(some, truths, strict=True) if truth is False]
    assert (turn.fraud, turn.good) == (len(fraud), len(good)) == (sum(turn.fraud_trend), turn.good)
    assert turn.young == sum("transaction_id" in each.event for each in some) - len(fraud) - len(good)
    assert sum(turn.trend) == turn.events
    assert Decimal(turn.money) == money([each.event for each in some], "CNY")
    assert (Decimal(turn.fraud_money), Decimal(turn.good_money)) == (money(fraud, "CNY"), money(good, "CNY"))
    why = Counter(each.why for each in some)
    assert turn.reasons_total == len(why)
    assert [reason.events for reason in turn.reasons] == sorted(why.values(), reverse=True)[:CAUSES_MAX]
    for reason in turn.reasons:
        lost, gained = (frozenset((hit.rule, hit.then) for hit in side) for side in (reason.lost, reason.gained))
        assert reason.events == why[lost, gained]
        events = [each.event for each in some if each.why == (lost, gained)]
        assert [each.id for each in reason.examples] == [
            event.get("transaction_id") or event["event_id"] for event in events[:EXAMPLES_MAX]
        ]


@pytest.mark.parametrize("seed", SEEDS)
def test_hits_that_come_and_go_are_those_of_live_engines(seed: int, tmp_path: Path) -> None:
    packs, path, labels, _ = _drawn(tmp_path, seed)
    if any(pack.detectors for pack in packs):
        return  # what detectors learn depends on what blocks, which nothing does in shadow
    _, found = _compared(packs, path, labels)
    hits = [
        {(each.at, rule) for each in judged(as_shadow(pack), path) for rule in each.decision.shadow} for pack in packs
    ]
    for rule in found.rules:
        own = [{at for at, name in side if name == rule.rule} for side in hits]
        for side, expected in zip((rule.before, rule.after), own, strict=True):
            assert side is None or side.hits in (None, len(expected))
        if rule.come is not None and rule.go is not None:
            assert (rule.come.events, rule.go.events) == (len(own[1] - own[0]), len(own[0] - own[1]))


def test_random_comparisons_have_every_kind_of_change(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Else the tests above would say little."""
    seen: Counter[tuple[str, str]] = Counter()
    whys = 0
    for seed in SEEDS:
        packs, path, _, _ = _drawn(tmp_path_factory.mktemp("drawn"), seed)
        changed = turns(packs, judged(packs[0], path), judged(packs[1], path))
        seen += by_turn(changed)
        whys += len({each.why for each in changed if all(each.why)})
    words = ("allow", "review", "step_up", "block")
    assert len(seen.keys() & {(a, b) for a in words for b in words if a != b}) >= 10
    assert {"none"} < {word for pair in seen for word in pair}
    assert whys >= 5


RULES = """\
- id: s.burst
  when: tx_10m > params.most
  params: {most: 2}
  then: block
- id: s.spend
  when: spend_1h > 50
  then: review
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("most: 2", "most: 3", ["params.most 2 to 3"]),
        ("then: block", "then: step_up\n  challenge: otp", ["then"]),
        ("then: block", "then: block\n  mode: shadow", ["mode"]),
        ("tx_10m > params", "tx_10m >= params", ["condition"]),
        ("then: block", "then: block\n  on_missing: match", ["on_missing"]),
        ("over: 10m", "over: 11m", ["feature tx_10m"]),
        ("over: 1h}\n  mean", "over: 2h}\n  mean", []),
    ],
)
def test_what_is_different_about_a_rule_is_named(old: str, new: str, words: list[str], tmp_path: Path) -> None:
    packs = []
    for name, head, body in (("a", HEAD, RULES), ("b", HEAD.replace(old, new), RULES.replace(old, new))):
        (tmp_path / name).mkdir()
        packs.append(load_pack(write_pack(tmp_path / name, body, head)))
    assert differences(packs[0], packs[1], "s.burst") == words
    assert differences(packs[0], packs[0], "s.burst") == []


def test_a_pack_against_itself_changes_nothing(tmp_path: Path) -> None:
    (pack, _), path, labels, _ = _drawn(tmp_path, 1)
    _, found = _compared((pack, pack), path, labels)
    assert (found.changed, found.turns) == (0, [])
    assert all(rule.before == rule.after and rule.changed == [] for rule in found.rules)
    assert found.before.decisions == found.after.decisions
