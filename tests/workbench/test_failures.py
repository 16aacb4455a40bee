"""A rule that cannot be evaluated costs only itself in a backtest, as it does live.

No text of the language makes a condition that raises, so these conditions are built from wrongly typed trees.
"""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from rules import Condition, Input, Literal, Pack
from rules.syntax import Call, Compare, Node, Read
from schemas import Decision
from support.backtest_oracle import judged
from support.backtests import decided_by_backtest, decided_live
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack
from workbench.evaluation import evaluate
from workbench.feature_table import compute
from workbench.history import History
from workbench.reports import report_of, view_of

_BODY = """\
rules:
- {id: a.first, when: amount > 5, then: review, mode: live}
- {id: a.fails, when: amount > 5, then: block, mode: live, on_missing: match}
- {id: a.missing, when: quantity > 5, then: tag, mode: shadow}
"""
_ALWAYS = Compare(
    "==", Call("lower", (Read(Input("field", "amount", "money", whole=True)),), "text"), Literal("x", "text")
)
_WHERE_THERE_IS_A_METHOD = Compare(">", Read(Input("field", "method", "text")), Literal(1, "number"))


def _drawn(folder: Path, tree: Node) -> tuple[Pack, Path]:
    pack = sound_pack(folder, _BODY)
    rules = [replace(rule, when=Condition("broken", tree)) if rule.id == "a.fails" else rule for rule in pack.rules]
    path = folder / "h.ndjson"
    raws = [
        nth_event(at, "payment", timestamp=NOW_MS + at, amount=6 + at % 3, **({"method": "card"} if at % 2 else {}))
        for at in range(80)
    ]
    path.write_bytes(b"\n".join(raws))
    return replace(pack, rules=tuple(rules)), path


@pytest.mark.parametrize("tree", [_ALWAYS, _WHERE_THERE_IS_A_METHOD], ids=["always", "sometimes"])
def test_the_other_rules_are_judged_as_live(tmp_path: Path, tree: Node) -> None:
    pack, path = _drawn(tmp_path, tree)
    table = compute(pack, History(path), lambda _: None)
    assert decided_by_backtest(pack, table) == decided_live(pack, path)
    failed = [at for at, each in enumerate(judged(pack, path)) if _errors(each.decision) == ("a.fails",)]
    outcomes = {each.rule.id: each for each in evaluate(pack, table).outcomes}
    assert outcomes["a.fails"].errors.tolist() == failed
    assert len(failed) == (80 if tree is _ALWAYS else 40)
    assert not len(outcomes["a.first"].errors)


def test_the_report_counts_the_failures(tmp_path: Path) -> None:
    pack, path = _drawn(tmp_path, _WHERE_THERE_IS_A_METHOD)
    table = compute(pack, History(path), lambda _: None)
    report = report_of(view_of(pack, table, None, 0), "h.ndjson", 0)
    assert [(each.rule, each.errors, each.hits) for each in report.rules[:2]] == [
        ("a.first", 0, 80),
        ("a.fails", 40, 40),
    ]


def _errors(decision: Decision) -> tuple[str, ...]:
    return () if decision.errors is msgspec.UNSET else decision.errors
