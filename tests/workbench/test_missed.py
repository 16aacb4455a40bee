"""The best threshold on each input against a look at every value, and rules from thresholds against backtests."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from rules import Input
from support.backtests import drawn_history
from workbench.curves import values_of
from workbench.evaluation import Places, evaluate
from workbench.measurement import View
from workbench.missed import Ground, Threshold, inputs_to_try, shortest
from workbench.reports import view_of
from workbench.skeletons import appended
from workbench.threshold_rules import threshold_rule


def _net(view: View, places: Places) -> int:
    return view.fraud_minor(places) - view.good_minor(places)


def _best_net(ground: Ground, read: Input, *, upward: bool) -> int:
    """The most that any threshold gains, by trying each value; one that divides nothing does not count."""
    view = ground.view
    values, known = values_of(view, read)
    types = view.table.events["field.type"].to_list()
    rows = [
        (values[at], view.amount_minor[at] * (1 if view.truth.fraud[at] else -1))
        for at in range(len(view.table))
        if known[at]
        and view.evaluation.actions[at] == 0
        and (view.truth.fraud[at] or view.truth.good[at])
        and types[at] in ground.events_with(read)
    ]
    cuts = sorted({value for value, _ in rows}, reverse=not upward)[1:]
    nets = [sum(money for value, money in rows if (value >= cut if upward else value <= cut)) for cut in cuts]
    return int(max([0, *nets]))


def test_the_best_threshold_is_the_best_of_all(tmp_path_factory: pytest.TempPathFactory) -> None:
    found: dict[str, int] = {}
    for seed in range(20):
        pack, table, labels = drawn_history(tmp_path_factory.mktemp("drawn"), seed, fraud=0.3)
        ground = Ground(view_of(pack, table, labels, 0))
        for read in inputs_to_try(ground.view):
            for upward in (True, False):
                threshold = ground.best(read, upward=upward)
                expected = _best_net(ground, read, upward=upward)
                assert (threshold is None) == (expected == 0)
                if threshold is not None:
                    places = ground.caught(threshold)
                    assert _net(ground.view, places) == expected or read.type == "money"
                    found[read.type] = found.get(read.type, 0) + 1
    assert found.keys() == {"number", "money", "duration", "bool"}
    assert min(found.values()) > 3, found


def test_a_rule_to_paste_does_what_its_threshold_did(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It loads without an error, and a backtest of it hits what the threshold did."""
    pasted: dict[str, int] = {}
    for seed in range(20):
        folder = tmp_path_factory.mktemp("drawn")
        pack, table, labels = drawn_history(folder, seed, fraud=0.3)
        ground = Ground(view_of(pack, table, labels, 0))
        before = (folder / "pack.yml").read_text(encoding="utf-8")
        for read in inputs_to_try(ground.view):
            for upward in (True, False):
                threshold = ground.best(read, upward=upward)
                if threshold is None:
                    continue
                text = threshold_rule(pack, threshold)
                (folder / "new.yml").write_text(appended("", "new.yml", text), encoding="utf-8")
                loaded = rules.load(folder)
                assert loaded.pack is not None, (text, loaded.findings)
                rule = next(each for each in loaded.pack.rules if each.id.startswith("suggested."))
                assert (rule.mode, rule.then, rule.events) == ("shadow", "review", frozenset(threshold.events))
                outcome = next(each for each in evaluate(loaded.pack, table).outcomes if each.rule.id == rule.id)
                let_through = ground.view.evaluation.actions[outcome.hits] == 0
                assert outcome.hits[let_through].tolist() == ground.caught(threshold).tolist()
                pasted[read.kind] = pasted.get(read.kind, 0) + 1
        assert (folder / "pack.yml").read_text(encoding="utf-8") == before
    assert {"feature", "field", "attribute"} <= pasted.keys()
    assert sum(pasted.values()) > 60, pasted


def test_an_id_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    pack, _, _ = drawn_history(tmp_path, 1)
    threshold = Threshold(
        Input("field", "amount", "money", whole=True), True, rules.Literal(500, "money"), ("payment",)
    )
    text = threshold_rule(pack, threshold)
    assert text.startswith("- id: suggested.amount ")
    (tmp_path / "new.yml").write_text(appended("", "new.yml", text), encoding="utf-8")
    again = rules.load(tmp_path).pack
    assert again is not None
    assert threshold_rule(again, threshold).startswith("- id: suggested.amount_2 ")


FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@given(FINITE, FINITE)
def test_the_shortest_number_divides_as_the_values_did(inner: float, outer: float) -> None:
    if inner != outer:
        value = float(shortest(inner, outer))
        assert outer < value <= inner if inner > outer else inner <= value < outer
        assert len(repr(value)) <= len(repr(inner)) + 2


@pytest.mark.parametrize(
    ("inner", "outer", "text"),
    [
        (17.0, 12.0, "17"), (1234.0, 900.0, "1E+3"), (0.98765, 0.95, "0.98"), (12.0, 17.0, "12"), (13.4, 27.0, "2E+1"),
        (0.5, -1.0, "0"), (-3.2, -9.0, "-4"), (0.1234567, 0.1234566, "0.1234567"),
    ],
)  # fmt: skip
def test_short_numbers(inner: float, outer: float, text: str) -> None:
    assert shortest(inner, outer) == Decimal(text)
