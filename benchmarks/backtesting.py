"""Measurements of a backtest: from a Parquet file to what each rule hits, and a sweep of variants on its features.

`python -m benchmarks.backtesting FILE` takes the lines of FILE, which are those of workload W, and prints as JSON what
it measures. Threads of polars count as CPU time, too.
"""

import argparse
import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.variants import PLAIN, load
from engine import Engine
from rules import Literal, Pack
from workbench.feature_table import compute
from workbench.history import History
from workbench.reports import view_of
from workbench.variants import sweep, varied

RULE, PARAM = "w.03", "most"
"""What is varied: one comparison of two that the rule has."""

Figures = dict[str, float]


def write_parquet(lines: Path, path: Path) -> None:
    """The events of an NDJSON file as Parquet."""
    pl.read_ndjson(lines).write_parquet(path)


@contextmanager
def _timed(figures: Figures, name: str) -> Iterator[None]:
    gc.collect()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield
    figures[f"{name}_wall_s"], figures[f"{name}_cpu_s"] = time.perf_counter() - wall_s, time.process_time() - cpu_s


def measure(pack: Pack, path: Path, variants: int) -> Figures:
    """Seconds for the features, for the rules on them, and for so many variants of one rule."""
    Engine(pack)
    figures: Figures = {}
    history = History(path)
    with _timed(figures, "features"):
        table = compute(pack, history, lambda _: None)
    with _timed(figures, "rules"):
        view = view_of(pack, table, None, 0)
        _ = view.evaluation.actions
    number = next(number for number, rule in enumerate(pack.rules) if rule.id == RULE)
    with _timed(figures, "sweep"):
        values = [{PARAM: Literal(value, "number")} for value in range(variants)]
        conditions = [varied(pack.rules[number], each, pack.currency) for each in values]
        sweep(view, view.evaluation.outcomes[number], conditions)
    events = len(table)
    cpu_s = figures["features_cpu_s"] + figures["rules_cpu_s"]
    return figures | {
        "events_s_core": events / cpu_s,
        "cpu_us": cpu_s / events * 1e6,
        "features_cpu_us": figures["features_cpu_s"] / events * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtesting", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--variants", type=int, default=1_000)
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "w.parquet"
        write_parquet(chosen.file, path)
        print(json.dumps(measure(load(PLAIN), path, chosen.variants)))


if __name__ == "__main__":
    main()
