"""What a backtest says of rules that wait for what does not come: each wait as live, and what it counts of them."""

import random
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from rules import Pack
from support.backtests import waits_by_backtest, waits_live
from support.random_streams import steady_stream
from support.rule_packs import sound_pack
from workbench.feature_table import FeatureTable, compute
from workbench.history import History
from workbench.reports import report_of, view_of

BODY = """\
lateness: 5s
defaults: {event: payment, challenge: sms}
rules:
- id: a.alone
  sequence: {by: user_id, within: 20s, steps: [transaction, {absent: [login, chargeback]}]}
  then: review
  mode: live
- id: a.after
  sequence: {by: country, within: 30s, steps: [login, payment, {absent: order}], unless: [chargeback]}
  then: step_up
  mode: live
  exceptions: [{fields: [user_id], values: [[u1]], expires: 2027-01-31, note: known}]
- id: a.again
  sequence: {by: [user_id, device_id], within: 10s, steps: [payment, {absent: payment}]}
  then: block
- id: a.off
  sequence: {by: ip, within: 5s, steps: [{login: not success}, {absent: login}]}
  then: block
  mode: off
- {id: a.plain, when: amount > 20, then: review, mode: live}
"""
DETECTOR = "detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events}}\n"
SCORED = "- {id: a.score, when: score.own.quantile > 0.5, then: tag}\n"
SEEDS = range(5)
WAITING = ("a.alone", "a.after", "a.again", "a.off")


def _drawn(folder: Path, seed: int, *, scores: bool) -> tuple[Pack, Path]:
    body = f"{DETECTOR}{BODY}{SCORED}" if scores else BODY
    path = folder / "history.ndjson"
    path.write_bytes(b"".join(each.raw + b"\n" for each in steady_stream(random.Random(seed), 400)))
    return sound_pack(folder, body), path


def _table(pack: Pack, path: Path) -> FeatureTable:
    return compute(pack, History(path), lambda _: None)


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_backtest_waits_as_the_live_engine(seed: int, scores: bool, tmp_path: Path) -> None:
    pack, path = _drawn(tmp_path, seed, scores=scores)
    assert waits_by_backtest(pack, _table(pack, path)) == waits_live(pack, path)


def test_all_of_the_rules_above_wait_in_vain(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Else the test above would say little."""
    hit: Counter[str] = Counter()
    for seed in SEEDS:
        for (_, rules, shadow), *_ in waits_live(*_drawn(tmp_path_factory.mktemp("drawn"), seed, scores=False)):
            hit.update((*rules, *shadow))
    assert min(hit[rule] for rule in WAITING[:3]) > 5


@pytest.mark.parametrize("seed", range(3))
def test_a_report_counts_waits(seed: int, tmp_path: Path) -> None:
    pack, path = _drawn(tmp_path, seed, scores=False)
    table = _table(pack, path)
    fraud = table.events["field.transaction_id"].drop_nulls().unique(maintain_order=True)[::3]
    labels = fraud.to_frame("transaction_id").with_columns(fraud=True, known_ms=pl.lit(0, pl.Int64))
    report = report_of(view_of(pack, table, labels, 0), "h.ndjson", 0)
    told = {each.rule: each for each in report.rules}
    caught = set(fraud)
    assert report.unmeasured_features == []
    for rule in WAITING:
        over = [row for row in table.waits.iter_rows(named=True) if row["rule"] == rule]
        hits = [row for row in over if row["in_vain"]]
        found = told[rule]
        assert (found.judged, found.hits, found.only) == (len(over), len(hits), len(hits))
        assert found.users == len({row["field.user_id"] for row in hits})
        assert found.fraud == sum(row["field.transaction_id"] in caught for row in hits)
        assert sum(day.hits for day in found.trend) == len(hits)
        assert found.effect is not None
        changes = {(each.before, each.after): each.events for each in found.effect.changes}
        then = next(each.then for each in pack.rules if each.id == rule)
        in_shadow_it_allows = ("allow", then)
        change = {"a.again": in_shadow_it_allows, "a.off": ("none", then)}.get(rule, (then, "none"))
        assert changes == ({change: len(hits)} if hits else {})
    waited = Counter(action for (action, _, _), *_ in waits_live(pack, path))
    plain = told["a.plain"].hits
    actions = {each.action: each.events for each in report.decisions}
    assert (actions["step_up"], actions["review"]) == (waited["step_up"], waited["review"] + (plain or 0))


def test_a_period_holds_the_waits_that_ended_in_it(tmp_path: Path) -> None:
    pack, path = _drawn(tmp_path, 1, scores=False)
    table = _table(pack, path)
    times = sorted(table.waits["timer_ms"].to_list())
    from_ms, to_ms = times[len(times) // 3], times[2 * len(times) // 3]
    report = report_of(view_of(pack, table, None, 0, from_ms, to_ms), "h.ndjson", 0)
    inside = table.waits.filter(table.waits["timer_ms"].is_between(from_ms, to_ms, closed="left"))
    assert 0 < len(inside) < len(table.waits)
    assert sum(each.judged for each in report.rules if each.rule in WAITING) == len(inside)


def test_a_rule_without_waits_is_not_measured(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, BODY)
    path = tmp_path / "h.ndjson"
    path.write_bytes(
        b'{"type":"order","event_id":"e1","timestamp":1790000000000,"user_id":"u1","order_id":"o1"}\n'
        b'{"type":"payment","transaction_id":"t1","timestamp":1790000000000,"user_id":"u1","amount":1,"currency":"CNY"}\n'
    )
    report = report_of(view_of(pack, _table(pack, path), None, 0), "h.ndjson", 0)
    assert [each.hits for each in report.rules if each.rule in WAITING] == [None] * 4
