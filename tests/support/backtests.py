"""What the live engine and a backtest decide on the same file, event by event, in a form that can be compared."""

from pathlib import Path

import msgspec

from engine import Engine
from rules import Pack
from schemas import ACTIONS, Decision
from support.cuts import Incoming, told
from workbench.evaluation import evaluate
from workbench.feature_table import FeatureTable

Decided = tuple[str, tuple[str, ...], tuple[str, ...]]
"""The action, the live rules that hit, and the shadow rules that would have."""


def decided_live(pack: Pack, path: Path) -> list[Decided]:
    """The new decisions of a live engine on the file's lines, in order; a backtest has none on waits."""
    lists = {name: spec.entries for name, spec in pack.lists.items()}
    stream = [Incoming(line) for line in path.read_bytes().splitlines()]
    told_live = told(Engine(pack), stream, lists, [len(stream)]).decisions
    decisions = [msgspec.json.decode(each, type=Decision) for each in told_live]
    return [(each.action, each.rules, each.shadow) for each in decisions if not each.duplicate and not each.timer]


def decided_by_backtest(pack: Pack, table: FeatureTable) -> list[Decided]:
    """The same, from what each rule hits of a table."""
    evaluation = evaluate(pack, table)
    hit: list[dict[str, list[str]]] = [{"live": [], "shadow": [], "off": []} for _ in range(evaluation.count)]
    for outcome in evaluation.outcomes:
        for at in outcome.hits.tolist():
            hit[at][outcome.rule.mode].append(outcome.rule.id)
    actions = evaluation.actions.tolist()
    return [
        (ACTIONS[actions[at]], tuple(hit[at]["live"]), tuple(hit[at]["shadow"]))
        for at in range(evaluation.count)
        if evaluation.decided[at]
    ]
