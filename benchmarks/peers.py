"""`python -m benchmarks.peers`: riskgate on workload W, round robin with plain Java and Flink on one broker.

KAFKA_BOOTSTRAP names the broker.
The peers are built, run and measured by the scripts in ../shared/bench/peers, from outside and all in the same way.
PEERS_WORK is where they are built; without it that is build/peers.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.hardware import ROOT, commit, describe, doubt
from benchmarks.variants import PACKS, PLAIN, WITH_DETECTORS
from benchmarks.workload import Scale, write_lines

PEERS = ROOT.parent / "shared" / "bench" / "peers"
INPUTS = ("w1", "w4x5")
DEAD = "bench-peers-dead"
ADMIN_TIMEOUT_S = 20
DETECTORS = "detectors"

Row = Mapping[str, Any]
Round = Mapping[str, Row]


class Goal(NamedTuple):
    """A ratio within a round, `numerator` and `denominator` being a run and a figure of it."""

    what: str
    numerator: tuple[str, str]
    denominator: tuple[str, str]
    least: float | None = None
    most: float | None = None


RATIOS = (
    Goal("CPU / plain Java", ("ours", "cpu_us"), ("plain", "cpu_us"), most=0.8),
    Goal("CPU / Flink chain", ("ours", "cpu_us"), ("flink", "cpu_us"), most=0.5),
    Goal("rate / plain Java", ("ours", "eps"), ("plain", "eps"), least=0.9),
    Goal("CPU with detectors / Flink chain without", (DETECTORS, "cpu_us"), ("flink", "cpu_us"), most=1.0),
    Goal("p99.9 / echo", ("ours", "p99.9"), ("echo", "p99.9"), most=2.0),
)
P50_MOST_MS = 1.0


class Peers:
    """Drives the scripts; `work` is where they build, log and write results."""

    def __init__(self, bootstrap: str, work: Path) -> None:
        self._work = work
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._bootstrap = bootstrap
        self._stream = work / "w.ndjson"
        self._environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP": bootstrap,
            "PEERS_WORK": str(work),
            "W_NDJSON": str(self._stream),
            "PY": sys.executable,
            "ROUNDS": "1",
        }

    def prepare(self) -> None:
        """Builds the peers, writes the stream and loads the topics, where that is not done yet."""
        self._work.mkdir(parents=True, exist_ok=True)
        if not self._stream.exists():
            partial = self._stream.with_suffix(".partial")
            with partial.open("wb") as out:
                out.writelines(line + b"\n" for line in write_lines(Scale()))
            partial.rename(self._stream)
        if not (self._work / "classes" / "peer").is_dir():
            self._call([str(PEERS / "run"), "build"])
        present = set(self._admin.list_topics(timeout=ADMIN_TIMEOUT_S).topics)
        if not present.issuperset(INPUTS):
            self.delete(present.intersection(INPUTS))
            self._call([str(PEERS / "run"), "load"])
        if DEAD not in present:
            for made in self._admin.create_topics([NewTopic(DEAD, 1, 1)]).values():
                made.result(ADMIN_TIMEOUT_S)

    def full_speed(self) -> dict[str, Row]:
        """One round at full speed: plain Java, Flink, riskgate, and riskgate with detectors."""
        found = self._measured("results.jsonl", [str(PEERS / "run"), "mix", "--", *self._command(PLAIN)])
        same = ["--in", "w4x5", "--n", "1200000", "--skip", ".34", "--max", "150", "--stall", "30"]
        detectors = [sys.executable, str(PEERS / "measure.py"), *same, "--name", DETECTORS, "--"]
        found |= self._measured("results.jsonl", [*detectors, *self._command(WITH_DETECTORS)])
        self.delete({row["out"] for row in found.values() if "out" in row})
        return found

    def fixed_rate(self) -> dict[str, Row]:
        """One round at 1,000 events a second: the echo, plain Java, Flink, riskgate."""
        return self._measured("latency.jsonl", [str(PEERS / "run"), "latency", "--", *self._command(PLAIN)])

    def delete(self, topics: set[str]) -> None:
        if topics:
            for done in self._admin.delete_topics(list(topics)).values():
                done.result(ADMIN_TIMEOUT_S)

    def _command(self, pack: str) -> list[str]:
        ends = ["--kafka", self._bootstrap, "--in", "{in}", "--out", "{out}", "--dead", DEAD, "--group", "{gid}"]
        return [sys.executable, "-m", "riskgate", "run", "--pack", str(PACKS / pack), *ends]

    def _measured(self, name: str, arguments: Sequence[str]) -> dict[str, Row]:
        """What the scripts add to the file `name`, by the name of the run."""
        file = self._work / name
        known = len(file.read_text().splitlines()) if file.exists() else 0
        self._call(arguments)
        rows = [json.loads(line) for line in file.read_text().splitlines()[known:]]
        for row in rows:
            if "eps" not in row and "p50" not in row:
                raise SystemExit(f"`{row['name']}` made no decisions; its log is in {self._work}/logs")
        return {row["name"]: row for row in rows}

    def _call(self, arguments: Sequence[str]) -> None:
        done = subprocess.run(arguments, env=self._environment, cwd=self._work, check=False)
        if done.returncode:
            raise SystemExit(f"`{' '.join(arguments)}` ended with {done.returncode}; logs are in {self._work}/logs")


def ratio(found: Round, goal: Goal) -> float | None:
    """The ratio within a round; None where one of the two is not in it."""
    (ours, figure), (other, of_other) = goal.numerator, goal.denominator
    above, below = found.get(ours, {}).get(figure), found.get(other, {}).get(of_other)
    return above / below if above is not None and below else None


def show(rounds: Sequence[Round], console: Console) -> None:
    """Prints the median of each figure by run, and the ratios with their goals, round by round."""
    by_run: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for found in rounds:
        for name, row in found.items():
            for figure in ("eps", "cpu_us", "rss_mb", "p50", "p99", "p99.9"):
                if figure in row:
                    by_run[name][figure].append(row[figure])
    for title, figures in (
        ("Kafka to Kafka, full speed", ("eps", "cpu_us", "rss_mb")),
        ("Kafka to Kafka, 1,000 events/s, in ms", ("p50", "p99", "p99.9")),
    ):
        table = Table("", *figures, title=title, box=SIMPLE_HEAD, title_justify="left")
        for name, values in by_run.items():
            if figures[0] in values:
                table.add_row(name, *(f"{median(values[figure]):,.6g}" for figure in figures))
        console.print(table)
    table = Table("", "median", "rounds", "goal", "", title="within a round", box=SIMPLE_HEAD, title_justify="left")
    for goal in RATIOS:
        found_ratios = [each for each in (ratio(found, goal) for found in rounds) if each is not None]
        _add(table, goal.what, found_ratios, goal.least, goal.most)
    _add(table, "p50 in ms", by_run["ours"]["p50"], None, P50_MOST_MS)
    console.print(table)


def _add(table: Table, what: str, values: Sequence[float], least: float | None, most: float | None) -> None:
    if not values:
        return
    middle = median(values)
    met = (least is None or middle >= least) and (most is None or middle <= most)
    goal = f">= {least:g}" if least is not None else f"<= {most:g}"
    each = " ".join(f"{value:.2f}" for value in values)
    table.add_row(what, f"{middle:.2f}", each, goal, "met" if met else "[red]missed[/]")


@click.command(help=__doc__)
@click.option("--rounds", default=3, show_default=True, help="How often each is run; a round takes about four minutes.")
def main(rounds: int) -> None:
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    if not PEERS.is_dir():
        click.echo(f"there are no peers to run next to: expected {PEERS}")
        return
    if not bootstrap:
        raise click.UsageError("expected a broker in KAFKA_BOOTSTRAP: run it with `make bench-peers`, which starts one")
    head, doubtful = {"commit": commit(), **describe()}, doubt()
    if doubtful:
        click.echo(doubtful, err=True)
    peers = Peers(bootstrap, Path(os.environ.get("PEERS_WORK") or ROOT / "build" / "peers").resolve())
    click.echo("preparing: the peers are built, 2,400,000 events are loaded")
    peers.prepare()
    measured: list[Round] = []
    for number in range(1, rounds + 1):
        click.echo(f"round {number} of {rounds}: full speed")
        fast = peers.full_speed()
        click.echo(f"round {number} of {rounds}: 1,000 events/s")
        slow = peers.fixed_rate()
        measured.append({name: {**fast.get(name, {}), **slow.get(name, {})} for name in {**fast, **slow}})
    for name, value in head.items():
        click.echo(f"{name:>12}  {value}")
    show(measured, Console())
    if doubtful:
        click.echo(f"when this began, {doubtful}")


if __name__ == "__main__":
    main()
