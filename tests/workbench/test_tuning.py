"""A tuning's figures against backtests of packs that have its params, and its holdout, which has no say."""

import random
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from rules import Literal, Pack, Rule
from rules.literals import written
from support.backtests import drawn_history, labels_of
from support.rule_packs import sound_pack
from support.tuning_oracle import with_params
from workbench.choices import OBJECTIVES, Limits
from workbench.feature_table import FeatureTable, compute
from workbench.grids import Axis, grid_of
from workbench.history import History
from workbench.holdout import HoldoutError, Split, split_of
from workbench.reports import RuleReport, report_of, view_of
from workbench.tuning import Measured, Question, Tuning, TuningError, rule_to_tune, tuning_of

SHARES = (0, 0.3, 0.5, 0.9, 1, 1.1, 2, 5)
Drawn = tuple[Pack, FeatureTable, pl.DataFrame]


def _axes(rule: Rule) -> tuple[Axis, ...]:
    axes = []
    for name, old in rule.params.items():
        if not isinstance(old.value, str | bool):
            values = dict.fromkeys(Literal(type(old.value)(old.value * share), old.type) for share in SHARES)
            axes.append(Axis(name, tuple(values)))
    return tuple(axes[:2])


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> list[Drawn]:
    return [drawn_history(tmp_path_factory.mktemp("drawn"), seed) for seed in range(40)]


def _split(drawn: Drawn) -> Split:
    """The last three events of ten held out."""
    times, end_ms = sorted(drawn[1].numbers("timestamp_ms").tolist()), drawn[1].account.end_ms
    return split_of(*drawn, 0, None, None, end_ms + 1 - times[len(times) * 7 // 10])


def _tuned(split: Split, rule: Rule, axes: tuple[Axis, ...], objective: str, limits: Limits) -> Tuning | None:
    """None where the rule cannot be tuned on this."""
    question = Question(rule, axes, grid_of(axes, None, 0), 0, objective, limits, "drawn")
    try:
        return tuning_of(split, question, lambda _: None)
    except TuningError:
        return None


def _told(measured: Measured) -> tuple[object, ...]:
    return (
        measured.hits, measured.alerts_a_day, measured.fraud, measured.good, measured.precision, measured.recall,
        measured.money_caught, measured.good_money_stopped,
    )  # fmt: skip


def _reported(found: RuleReport) -> tuple[object, ...]:
    return (
        found.hits, found.alerts_a_day, found.fraud, found.good, found.precision, found.recall,
        found.money_caught, found.good_money_stopped,
    )  # fmt: skip


def test_figures_are_those_of_backtests_with_other_params(histories: list[Drawn]) -> None:
    compared = changed = 0
    for seed, drawn in enumerate(histories):
        pack, table, labels = drawn
        split = _split(drawn)
        cut_ms, objective = split.last.start_ms, random.Random(seed).choice(sorted(OBJECTIVES))
        limits = Limits(random.Random(seed).choice((None, 20.0, 100.0)), None)
        for number, rule in enumerate(pack.rules):
            axes = _axes(rule)
            tuning = _tuned(split, rule, axes, objective, limits) if axes and rule.then != "allow" else None
            if tuning is None:
                continue
            assert len(tuning.tried) == len({tuple(each.params.values()) for each in tuning.tried})
            values = {written(each, "CNY"): each for axis in axes for each in axis.values}
            values |= {written(each, "CNY"): each for each in rule.params.values()}
            for each in tuning.tried:
                params = {name: values[text] for name, text in each.params.items()}
                view = view_of(with_params(pack, rule.id, params), table, labels, 0, None, cut_ms)
                report = report_of(view, "drawn", 0).rules[number]
                assert _told(each.measured) == _reported(report) or (report.hits is None and not each.measured.hits)
                assert each.measured.net_money == _net(report)
                compared += each.measured.hits > 0
            for side in (tuning.now, *([tuning.chosen] if tuning.chosen else [])):
                params = {name: values[text] for name, text in side.params.items()}
                last = view_of(with_params(pack, rule.id, params), table, labels, 0, cut_ms, table.account.end_ms + 1)
                report = report_of(last, "drawn", 0).rules[number]
                assert _told(side.last) == _reported(report) or (report.hits is None and not side.last.hits)
                assert side.within_last == (limits.alerts_a_day is None or side.last.hits <= limits.alerts_a_day)
            scores = [Decimal(each.measured.score) for each in tuning.tried if each.within]
            assert (tuning.chosen is None) == (scores == [])
            if tuning.chosen is not None:
                assert Decimal(tuning.chosen.first.score) == max(scores)
                assert (tuning.diff == "") == (tuning.chosen == tuning.now)
                changed += tuning.diff != ""
    assert compared > 50
    assert changed > 3


def _net(report: RuleReport) -> str:
    return str(Decimal(report.money_caught or 0) - Decimal(report.good_money_stopped or 0))


def test_what_is_held_out_has_no_say(histories: list[Drawn]) -> None:
    """Whatever becomes of the last period, choice and diff are the same; what is said of it is not."""
    chosen = differing = 0
    for pack, table, labels in histories:
        split = _split((pack, table, labels))
        cut_ms, fraud = split.last.start_ms, set(labels["transaction_id"])
        later = set(table.events.filter(pl.col("timestamp_ms") >= cut_ms)["field.transaction_id"].drop_nulls())
        earlier = set(table.events.filter(pl.col("timestamp_ms") < cut_ms)["field.transaction_id"].drop_nulls())
        turned = labels_of(sorted((fraud - (later - earlier)) | (later - earlier - fraud)))
        other = _split((pack, table, turned))
        for rule in pack.rules:
            axes = _axes(rule)
            if axes and rule.then != "allow":
                one, two = (_tuned(each, rule, axes, "net-money", Limits()) for each in (split, other))
                if one is None or two is None or one.chosen is None or two.chosen is None:
                    assert one is two is None
                    continue
                assert (one.tried, one.diff, one.chosen.first) == (two.tried, two.diff, two.chosen.first)
                chosen += 1
                differing += one.chosen.last != two.chosen.last
    assert chosen > 10
    assert differing > 5


def test_periods_are_cut_where_labels_are_mature(tmp_path: Path) -> None:
    pack, table, labels = drawn_history(tmp_path, 3)
    times = table.numbers("timestamp_ms")
    maturity_ms = table.account.end_ms - sorted(times.tolist())[len(times) * 9 // 10] + 1
    mature_ms = table.account.end_ms - maturity_ms + 1
    split = split_of(pack, table, labels, maturity_ms, None, None, 60_000)
    assert (split.first.end_ms, split.last.start_ms, split.last.end_ms) == (mature_ms - 60_000,) * 2 + (mature_ms,)
    first, last = (each.table.numbers("timestamp_ms") for each in (split.first, split.last))
    assert sorted([*first, *last]) == sorted(times[times < mature_ms])
    assert first.max() < split.last.start_ms <= last.min()
    assert not split.first.truth.young.any()
    assert not split.last.truth.young.any()
    start_ms, to_ms = split.first.start_ms + 40_000, mature_ms - 20_000
    inner = split_of(pack, table, labels, maturity_ms, start_ms, to_ms, 60_000)
    assert (inner.first.start_ms, inner.first.end_ms, inner.last.end_ms) == (start_ms, to_ms - 60_000, to_ms)


def test_periods_that_say_nothing_are_refused(tmp_path: Path) -> None:
    pack, table, labels = drawn_history(tmp_path, 3)
    end_ms = table.account.end_ms

    def refused(labels: pl.DataFrame, maturity_ms: int, holdout_ms: int) -> str:
        with pytest.raises(HoldoutError) as found:
            split_of(pack, table, labels, maturity_ms, None, None, holdout_ms)
        return str(found.value)

    assert "expected more than the 1h that are held out, got 12m 22s" in refused(labels, 0, 3_600_000)
    assert "got none: what is measured goes from" in refused(labels, 10_000_000, 60_000)
    bare = FeatureTable(table.events, table.labels.clear(), table.account)
    with pytest.raises(HoldoutError, match="there are no labels: what is fraud must be known, see --labels"):
        split_of(pack, bare, None, 0, None, None, 60_000)
    times = sorted(table.numbers("timestamp_ms").tolist())
    cut_ms = times[len(times) * 7 // 10]
    first = set(table.events.filter(pl.col("timestamp_ms") < cut_ms)["field.transaction_id"].drop_nulls())
    late, held_out_ms = sorted(set(table.events["field.transaction_id"].drop_nulls()) - first), end_ms + 1 - cut_ms
    assert refused(labels_of(late), 0, held_out_ms).startswith("the first period, ")
    assert "has no mature fraud: nothing can be said from it" in refused(labels_of(late), 0, held_out_ms)
    assert "the period held out, " in refused(labels_of(sorted(first)), 0, held_out_ms)


BODY = """
features: {odd_1h: {count: event, by: ip, over: 1h}}
rules:
- {id: a.ok, when: amount > params.most, params: {most: 5.00 CNY}, then: review}
- {id: a.allow, when: amount < params.most, params: {most: 5}, then: allow, overrides: [a.ok], expires: 2031-01-01}
- {id: a.folded, when: amount > params.most * 2, params: {most: 5}, then: review}
- {id: a.silent, when: odd_1h > params.n, params: {n: 5}, then: review}
- {id: a.none, when: success and country != params.c, params: {c: NO}, then: review, event: login}
- id: a.absent
  sequence: {by: user_id, within: 1h, steps: [payment, {absent: login}]}
  then: review
"""


def test_rules_that_cannot_be_tuned_are_told(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, BODY, {})
    lines = [
        {"type": "payment", "transaction_id": f"t{n}", "timestamp": 1_790_000_000_000 + n * 60_000, "user_id": "u",
         "amount": n % 7, "currency": "CNY"}
        for n in range(40)
    ]  # fmt: skip
    (tmp_path / "h.ndjson").write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    table = compute(pack, History(tmp_path / "h.ndjson"), lambda _: None)
    split = _split((pack, table, labels_of([f"t{n}" for n in range(0, 40, 3)])))

    def tune(rule_id: str, **values: Literal) -> Tuning:
        rule = rule_to_tune(pack, rule_id)
        axes = tuple(Axis(name, (value,)) for name, value in values.items())
        return tuning_of(
            split, Question(rule, axes, grid_of(axes, None, 0), 0, "net-money", Limits(), ""), lambda _: None
        )

    def refused(rule_id: str, **values: Literal) -> str:
        with pytest.raises(TuningError) as found:
            tune(rule_id, **values)
        return str(found.value)

    assert refused("a.allowed") == "the pack has no rule `a.allowed`: did you mean `a.allow`?"
    assert (
        refused("a.allow", most=Literal(500, "money"))
        == "`a.allow` allows: what it hits is let through, and catches nothing"
    )
    assert "`a.absent` waits for what does not come" in refused("a.absent")
    assert "`most` of `a.folded` cannot be varied" in refused("a.folded", most=Literal(7, "number"))
    assert (
        refused("a.silent", n=Literal(7, "number"))
        == "`a.silent` is UNMEASURED in the first period: no event has `odd_1h`"
    )
    assert (
        refused("a.none", c=Literal("SE", "text"))
        == "`a.none` judges none of the events in the first period: it is about login"
    )
