"""What the live engine and a backtest decide on the same file, event by event, in a form that can be compared."""

import random
from pathlib import Path

import msgspec
import polars as pl

from engine import Engine
from rules import Pack
from schemas import ACTIONS, Decision
from support.cuts import Incoming, told
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import steady_stream
from support.rule_packs import sound_pack
from workbench.evaluation import evaluate
from workbench.feature_table import FeatureTable, compute
from workbench.history import LABELS, History
from workbench.waits import evaluate_waits

Decided = tuple[str, tuple[str, ...], tuple[str, ...]]
"""The action, the live rules that hit, and the shadow rules that would have."""

Waited = tuple[Decided, int, int, bool]
"""The decision on a wait, when its event happened, when it ended, and whether all was known that came meanwhile."""


def _told_live(pack: Pack, path: Path) -> list[Decision]:
    lists = pack.entries_by_list
    stream = [Incoming(line) for line in path.read_bytes().splitlines()]
    told_live = told(Engine(pack), stream, lists, [len(stream)]).decisions
    return [msgspec.json.decode(each, type=Decision) for each in told_live]


def decided_live(pack: Pack, path: Path) -> list[Decided]:
    """The new decisions of a live engine on the file's lines, in order, without those on waits."""
    decisions = _told_live(pack, path)
    return [(each.action, each.rules, each.shadow) for each in decisions if not each.duplicate and not each.timer]


def waits_live(pack: Pack, path: Path) -> list[Waited]:
    """Its decisions on waits, in order."""
    return [
        ((each.action, each.rules, each.shadow), each.timestamp, each.timer, "windows" not in each.missing)
        for each in _told_live(pack, path)
        if each.timer is not msgspec.UNSET
    ]


def waits_by_backtest(pack: Pack, table: FeatureTable) -> list[Waited]:
    """The same, from a table's waits."""
    over = FeatureTable(table.waits, table.labels, table.account)
    evaluation = evaluate_waits(pack, over)
    rules = {at: outcome.rule for outcome in evaluation.outcomes for at in outcome.hits.tolist()}
    found: list[Waited] = []
    for at in range(len(over)):
        if evaluation.decided[at]:
            rule, row = rules[at], over.events.row(at, named=True)
            live, shadow = ((rule.id,), ()) if rule.mode == "live" else ((), (rule.id,))
            decided = ACTIONS[evaluation.actions[at]], live, shadow
            found.append((decided, row["timestamp_ms"], row["timer_ms"], row["complete"]))
    return found


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


def drawn_history(folder: Path, seed: int, fraud: float = 0.4) -> tuple[Pack, FeatureTable, pl.DataFrame]:
    """A random pack, its table of a random stream of five minutes, `h.ndjson`, and labels of a share of it."""
    draw = random.Random(seed)
    pack = sound_pack(folder, random_pack(draw, scores=False).body, LIST_FILES)
    path = folder / "h.ndjson"
    path.write_bytes(b"".join(each.raw + b"\n" for each in steady_stream(draw, 250)))
    table = compute(pack, History(path), lambda _: None)
    ids = table.events["field.transaction_id"].drop_nulls().unique(maintain_order=True).to_list()
    return pack, table, labels_of([each for each in ids if draw.random() < fraud])


def labels_of(fraud: list[str]) -> pl.DataFrame:
    """Labels that say of these transactions that they are fraud, known from the beginning."""
    rows = {"transaction_id": fraud, "fraud": [True] * len(fraud), "known_ms": [0] * len(fraud)}
    return pl.DataFrame(rows, schema=LABELS)
