"""Which rules can go, against whole evaluations without them, event by event."""

import random
from dataclasses import replace
from pathlib import Path

import msgspec
import polars as pl
import pytest

from rules import Pack
from support.backtest_oracle import judged
from support.backtests import drawn_history, labels_of
from support.pruning_oracle import loss, without
from support.rule_packs import sound_pack
from workbench.feature_table import FeatureTable
from workbench.history import LABELS
from workbench.holdout import Split
from workbench.measurement import View
from workbench.pruning import Loss, Remainder, pruned
from workbench.reports import view_of


def _live(pack: Pack) -> Pack:
    """The pack with all rules live that can be, so that there is something to prune."""
    return replace(pack, rules=tuple(replace(rule, mode="live") for rule in pack.rules if rule.absence is None))


def _split(pack: Pack, table: FeatureTable, labels: pl.DataFrame) -> Split:
    times = sorted(table.numbers("timestamp_ms").tolist())
    cut_ms = times[len(times) * 3 // 10]
    young_ms = table.account.end_ms - times[len(times) * 9 // 10]
    return Split(
        view_of(pack, table, labels, young_ms, None, cut_ms), view_of(pack, table, labels, young_ms, cut_ms, None)
    )


def _drawn(folder: Path, seed: int) -> Split:
    pack, table, labels = drawn_history(folder, seed, fraud=0.2)
    return _split(_live(pack), table, labels)


def _ids(view: View) -> list[str]:
    return [each.rule.id for each in view.evaluation.live]


def test_losses_are_those_of_whole_evaluations(tmp_path_factory: pytest.TempPathFactory) -> None:
    seen = dict.fromkeys(Loss.__struct_fields__, 0)
    for seed in range(80):
        split, draw = _drawn(tmp_path_factory.mktemp("drawn"), seed), random.Random(seed)
        for view in (split.first, split.last):
            ids, remainder, gone = _ids(view), Remainder(view), list[str]()
            for number in draw.sample(range(len(ids)), len(ids)):
                expected = loss(view, gone, [*gone, ids[number]])
                assert remainder.loss_without(number) == expected
                remainder.remove(number)
                gone.append(ids[number])
                assert remainder.lost == loss(view, [], gone)
                for name in seen:
                    seen[name] += getattr(expected, name)
    assert all(seen.values()), seen


def test_what_goes_is_not_missed_and_what_stays_would_be(tmp_path_factory: pytest.TempPathFactory) -> None:
    went = stayed = refused = 0
    for seed in range(40):
        split = _drawn(tmp_path_factory.mktemp("drawn"), seed)
        ids, views, gone = _ids(split.first), (split.first, split.last), list[str]()
        found = pruned(split.first, split.last, range(len(ids)))
        assert sorted(each.number for each in (*found.going, *found.staying)) == list(range(len(ids)))
        for each in found.going:
            assert (each.first, each.last) == tuple(loss(view, gone, [*gone, ids[each.number]]) for view in views)
            assert each.first.is_none
            assert each.last.is_none
            gone.append(ids[each.number])
            went += 1
        for each in found.staying:
            assert (each.first, each.last) == tuple(loss(view, gone, [*gone, ids[each.number]]) for view in views)
            assert not (each.first.is_none and each.last.is_none)
            stayed += 1
            refused += each.first.is_none
        assert (found.first, found.last) == tuple(loss(view, [], gone) for view in views)
        assert [each.first.net_minor for each in found.staying] == sorted(
            each.first.net_minor for each in found.staying
        )
    assert min(went, stayed, refused) > 5, (went, stayed, refused)


def test_live_engines_agree_that_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without what can go, an engine decides no fraud weaker and no good transaction stronger."""
    strengths, turned = ("allow", "review", "step_up", "block"), 0
    for seed in range(12):
        folder = tmp_path_factory.mktemp("drawn")
        split = _drawn(folder, seed)
        pack, ids = split.first.evaluation.pack, _ids(split.first)
        gone = [ids[each.number] for each in pruned(split.first, split.last, range(len(ids))).going]
        fraud = good = frozenset[tuple[str, int]]()
        for view in (split.first, split.last):
            keys = list(
                zip(view.table.events["field.transaction_id"], view.table.numbers("timestamp_ms").tolist(), strict=True)
            )
            fraud |= {key for key, it_is in zip(keys, view.truth.fraud.tolist(), strict=True) if it_is}
            good |= {key for key, it_is in zip(keys, view.truth.good.tolist(), strict=True) if it_is}
        before, after = (
            {each.at: each for each in judged(pack_, folder / "h.ndjson")} for pack_ in (pack, without(pack, gone))
        )
        for at, old in before.items():
            key = old.event.get("transaction_id"), old.event["timestamp"]
            strength = strengths.index(old.decision.action)
            other = strengths.index(after[at].decision.action) if at in after else 0
            turned += strength != other
            assert not (key in fraud and other < strength)
            assert not (key in good and other > strength)
    assert turned > 3


BODY = """
rules:
- {id: a.twin, when: amount > 5, then: block, mode: live}
- {id: a.narrow, when: amount > 8, then: review, mode: live}
- {id: a.other, when: amount > 5, then: block, mode: live}
- {id: a.idle, when: quantity > 5, then: block, mode: live}
"""


def test_of_two_that_are_alike_one_stays(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, BODY, {})
    events = pl.DataFrame(
        {
            "timestamp_ms": [1, 2, 3], "moment_ms": [1, 2, 3], "amount_minor": [600, 900, 100],
            "field.type": ["payment"] * 3, "field.transaction_id": ["t1", "t2", "t3"], "field.quantity": [1, 1, 1],
        }
    )  # fmt: skip
    _, other, _ = drawn_history(tmp_path / "drawn", 1)
    account = msgspec.structs.replace(other.account, start_ms=1, end_ms=3)
    table = FeatureTable(events, pl.DataFrame(schema=LABELS), account)
    view = view_of(pack, table, labels_of(["t1", "t2"]), 0)
    found = pruned(view, view, range(4))
    assert [pack.rules[each.number].id for each in found.going] == ["a.idle", "a.narrow", "a.other"]
    (stays,) = found.staying
    assert (pack.rules[stays.number].id, stays.first.fraud_freed, stays.first.fraud_freed_minor) == ("a.twin", 2, 1500)
