"""Decisions that live engines gave: what is measured of them is what a backtest measures, and what can be counted."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import polars as pl
import pytest

from engine import Engine, action_of
from rules import Pack
from schemas import Decision
from support.backtest_oracle import Judged, judged
from support.cuts import Incoming, told
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import steady_stream
from support.rule_packs import sound_pack
from workbench.decisions import Decisions
from workbench.feature_table import FeatureTable, compute
from workbench.history import History
from workbench.measurement import Change
from workbench.reports import RuleReport, report_of, view_of
from workbench.trials import Trial, observed, trial_of

SEEDS = range(10)
MATURITY_MS = 20_000


def _drawn(folder: Path, seed: int) -> tuple[Pack, Path]:
    draw = random.Random(41_000 + seed)
    pack = sound_pack(folder, random_pack(draw, scores=draw.random() < 0.2).body, LIST_FILES)
    path = folder / "h.ndjson"
    path.write_bytes(b"".join(event.raw + b"\n" for event in steady_stream(draw, 250)))
    return replace(pack, rules=tuple(rule for rule in pack.rules if rule.mode != "off")), path


def _given(pack: Pack, path: Path) -> list[bytes]:
    """All decisions of a live engine on the file, those on repetitions and on waits among them."""
    lists = pack.entries_by_list
    stream = [Incoming(line) for line in path.read_bytes().splitlines()]
    return told(Engine(pack), stream, lists, [50] * len(stream)).decisions


def _read(lines: list[bytes]) -> Decisions:
    decisions = Decisions()
    decisions.add(lines)
    return decisions


def _table(pack: Pack, path: Path) -> FeatureTable:
    return compute(pack, History(path), lambda _: None)


def _labels(path: Path, seed: int) -> pl.DataFrame:
    draw = random.Random(seed)
    ids = [msgspec.json.decode(line).get("transaction_id") for line in path.read_bytes().splitlines()]
    said = [(name, draw.random() < 0.6, 0) for name in ids if name is not None and draw.random() < 0.5]
    return pl.DataFrame(
        said, schema={"transaction_id": pl.String, "fraud": pl.Boolean, "known_ms": pl.Int64}, orient="row"
    )


def _trial(pack: Pack, path: Path, lines: list[bytes], labels: pl.DataFrame | None = None) -> Trial:
    trial, _ = trial_of(pack, _table(observed(pack), path), _read(lines), labels, MATURITY_MS, "h")
    assert msgspec.json.decode(msgspec.json.encode(trial), type=Trial) == trial
    return trial


@pytest.mark.parametrize("seed", SEEDS)
def test_the_decisions_of_a_pack_are_measured_as_its_backtest(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    pack, path = _drawn(tmp_path, seed)
    lines = [each for each in _given(pack, path) if b'"timer":' not in each]
    labels = _labels(path, seed)
    trial = _trial(pack, path, lines, labels)
    expected = report_of(view_of(pack, _table(pack, path), labels, MATURITY_MS), "h", MATURITY_MS)
    assert (trial.given.lost, trial.given.undecided, trial.given.unexplained, trial.given.twice) == (0, 0, 0, 0)
    assert trial.given.versions == {pack.version: len(lines) - trial.given.repeated}
    assert trial.given.used == len(lines) - trial.given.repeated
    assert (trial.report.decisions, trial.report.precision) == (expected.decisions, expected.precision)
    for found, own in zip(trial.report.rules, expected.rules, strict=True):
        if own.hits is not None and found.hits is not None:
            assert _said(found) == _said(own)


def _said(rule: RuleReport) -> tuple[object, ...]:
    """What both can say of a rule."""
    effect = rule.effect
    changes: list[Change] = [] if effect is None else effect.changes
    return (
        rule.rule, rule.mode, rule.then, rule.content, rule.judged,
        rule.hits, rule.users, rule.only, rule.only_fraud, rule.fraud,
        rule.good, rule.young, rule.precision, rule.recall, rule.money_caught, rule.good_money_stopped,
        None if effect is None else effect.if_, sorted(changes, key=repr),
    )  # fmt: skip


def test_random_decisions_have_hits_that_would_change_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Else the tests above and below would say little."""
    live = shadow = changing = 0
    for seed in SEEDS:
        pack, path = _drawn(tmp_path_factory.mktemp("drawn"), seed)
        for rule in _trial(pack, path, _given(pack, path)).report.rules:
            live += rule.mode == "live" and bool(rule.hits)
            shadow += rule.mode == "shadow" and bool(rule.hits)
            changing += rule.effect is not None and bool(rule.effect.changes)
    assert min(live, shadow, changing) > 5, (live, shadow, changing)


def _other(pack: Pack, draw: random.Random) -> Pack:
    """The pack before a change: rules in other modes, some with another action, one not there yet."""
    turned = {"live": "shadow", "shadow": "live"}
    rules = []
    for rule in pack.rules[:-1] or pack.rules:
        if draw.random() < 0.4:
            rule = replace(rule, mode="live" if turned[rule.mode] == "live" else "shadow")
        if draw.random() < 0.3 and rule.then in ("review", "block"):
            rule = replace(rule, then="block" if rule.then == "review" else "review")
        rules.append(rule)
    names = {rule.id for rule in rules}
    rules = [replace(rule, overrides=tuple(each for each in rule.overrides if each in names)) for rule in rules]
    return replace(pack, rules=tuple(rules), hash="0" * 64)


@pytest.mark.parametrize("seed", SEEDS)
def test_hits_are_those_that_decisions_of_two_packs_name(seed: int, tmp_path: Path) -> None:
    """The first half of the events is decided by a pack in which rules had other modes and actions."""
    pack, path = _drawn(tmp_path, seed)
    before = _other(pack, random.Random(seed))
    rows = sorted(
        [each for each in judged(before, path) if each.at < 120]
        + [each for each in judged(pack, path) if each.at >= 120],
        key=lambda each: each.at,
    )
    lines = [msgspec.json.encode(each.decision) for each in rows]
    trial = _trial(pack, path, [*lines, lines[3], b"", b"{}"])
    assert (trial.given.used, trial.given.twice, trial.given.unread) == (len(rows), 1, 1)
    assert "missing required field `transaction_id`" in trial.given.problem
    rules = {rule.id: rule for rule in pack.rules}
    for found in trial.report.rules:
        named = [each for each in rows if found.rule in (*each.decision.rules, *each.decision.shadow)]
        assert found.hits in (None, len(named))
        if found.hits is not None and found.effect is not None:
            changed = Counter((each.before, each.after) for each in found.effect.changes for _ in range(each.events))
            assert changed == _turned(pack, found.rule, rows)
    unexplained = [
        each for each in rows if action_of([rules[name] for name in each.decision.rules]) != each.decision.action
    ]
    assert trial.given.unexplained == len(unexplained)
    moved = [name for name, rule in rules.items() if any(name in _in_other(rule.mode, each) for each in rows)]
    assert {each.rule for each in trial.given.elsewhere} == set(moved)


def _in_other(mode: str, row: Judged) -> tuple[str, ...]:
    """The rules that the decision names in the mode that is not this one."""
    return row.decision.shadow if mode == "live" else row.decision.rules


def _turned(pack: Pack, rule_id: str, rows: list[Judged]) -> Counter[tuple[str, str]]:
    """The decisions that change with a live rule off, or another live, where they follow from the pack's rules."""
    rules, found = {rule.id: rule for rule in pack.rules}, Counter[tuple[str, str]]()
    rule = rules[rule_id]
    judging = {name for each in pack.rules if each is not rule or rule.mode != "live" for name in each.events}
    for each in rows:
        decision, hit = each.decision, [rules[name] for name in each.decision.rules]
        if action_of(hit) != decision.action:
            continue
        acting = [other for other in hit if other is not rule]
        if rule.mode != "live" and rule_id in (*decision.rules, *decision.shadow):
            acting.append(rule)
        decided = "transaction_id" in each.event or each.event["type"] in judging
        after = action_of(acting) if decided else "none"
        if after != decision.action:
            found[decision.action, after] += 1
    return found


def test_what_fits_nothing_is_told(tmp_path: Path) -> None:
    pack, path = _drawn(tmp_path, 2)
    rows = judged(pack, path)
    strange = Decision(transaction_id="nobody", timestamp=5, action="block", rules=("a.gone",), pack="old@1")
    known = rows[0].decision
    gone = msgspec.structs.replace(known, action="block", rules=("a.gone",), shadow=(), pack="old@1")
    trial = _trial(pack, path, [msgspec.json.encode(each) for each in (strange, gone, rows[1].decision)])
    given = trial.given
    assert (given.used, given.lost, given.undecided, given.unexplained) == (2, 1, len(rows) - 2, 1)
    assert given.versions == {"old@1": 2, pack.version: 1}
    assert [(each.rule, each.live, each.shadow) for each in given.strange] == [("a.gone", 1, 0)]
    alone = _trial(pack, path, [msgspec.json.encode(gone)])
    assert alone.given.unnamed == [rule.id for rule in pack.rules]
    assert [rule.hits for rule in alone.report.rules] == [None] * len(pack.rules)
