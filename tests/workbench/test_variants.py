"""A sweep of variants says of each what a backtest of a pack with these params would."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rules import Literal, Pack
from rules.syntax import walk
from support.backtests import drawn_history
from support.rule_packs import sound_pack
from workbench.feature_table import FeatureTable
from workbench.measurement import View
from workbench.reports import view_of
from workbench.variants import Counts, VariantError, sweep, varied

SHARES = (0, 0.3, 0.5, 0.9, 1, 1.1, 2, 5)


def _view(pack: Pack, table: FeatureTable, labels: pl.DataFrame) -> View:
    return view_of(pack, table, labels, 0)


def _counted(pack: Pack, table: FeatureTable, labels: pl.DataFrame, number: int) -> tuple[int, ...]:
    """What a backtest says of the pack with that rule live: hits, by label, their money, and what it decides."""
    rules = list(pack.rules)
    rules[number] = replace(rules[number], mode="live")
    view = _view(replace(pack, rules=tuple(rules)), table, labels)
    outcome = view.evaluation.outcomes[number]
    hits = outcome.hits
    changes = [each for each in view.effect(outcome) if each.after != "none"]
    return (
        len(hits), view.count_fraud(hits), view.count_good(hits), view.fraud_minor(hits), view.good_minor(hits),
        sum(each.events for each in changes), sum(each.fraud for each in changes), sum(each.good for each in changes),
        sum(each.fraud_minor for each in changes), sum(each.good_minor for each in changes),
    )  # fmt: skip


def _told(counts: Counts) -> tuple[int, ...]:
    return (
        counts.hits, counts.fraud, counts.good, counts.fraud_minor, counts.good_minor, counts.deciding,
        counts.deciding_fraud, counts.deciding_good, counts.deciding_fraud_minor, counts.deciding_good_minor,
    )  # fmt: skip


def test_a_sweep_equals_backtests_one_by_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    compared = 0
    for seed in range(25):
        pack, table, labels = drawn_history(tmp_path_factory.mktemp("drawn"), seed)
        for number, rule in enumerate(pack.rules):
            for name, old in rule.params.items():
                if isinstance(old.value, str | bool):
                    continue
                values = [Literal(type(old.value)(old.value * share), old.type) for share in SHARES]
                try:
                    conditions = [varied(rule, {name: value}, pack.currency) for value in values]
                except VariantError:
                    continue
                view = _view(pack, table, labels)
                found = sweep(view, view.evaluation.outcomes[number], conditions)
                for condition, counts in zip(conditions, found, strict=True):
                    rules = list(pack.rules)
                    rules[number] = replace(rule, when=condition)
                    changed = replace(pack, rules=tuple(rules))
                    shared = {
                        kind
                        for other in rules
                        if other.mode != "off" and other is not rules[number]
                        for kind in other.events
                    }
                    if rule.events <= shared | {"payment", "topup", "refund", "payout", "transfer"}:
                        assert _told(counts) == _counted(changed, table, labels, number)
                        compared += counts.hits > 0
    assert compared > 30


BODY = """
rules:
- id: a.two
  when: amount > params.most and quantity > params.n
  then: block
  params: {most: 5, n: 5}
- id: a.folded
  when: amount > params.most * 2
  then: block
  params: {most: 5}
- id: a.money
  when: amount > params.most
  then: block
  params: {most: 5.00 CNY}
"""


def test_what_cannot_be_varied_is_told(tmp_path: Path) -> None:
    two, folded, money = sound_pack(tmp_path, BODY, {}).rules
    other = varied(two, {"most": Literal(7, "number")}, "CNY")
    assert [node.value for node in walk(other.tree) if isinstance(node, Literal)] == [700, 5]
    with pytest.raises(VariantError, match="cannot be varied"):
        varied(folded, {"most": Literal(7, "number")}, "CNY")
    with pytest.raises(VariantError, match=r"expected a money for `most` of `a\.money`, got a number"):
        varied(money, {"most": Literal(7, "number")}, "CNY")
    with pytest.raises(VariantError, match="has no param `least`: it has most"):
        varied(money, {"least": Literal(7, "number")}, "CNY")
