"""What is measured of an analyst's work is what it says, on little."""

from pathlib import Path

import pytest

from benchmarks import linting, reload, rules_live
from benchmarks.workload import Scale, write_lines
from rules.syntax import inputs_of


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("w") / "w.ndjson"
    file.write_bytes(b"".join(line + b"\n" for line in write_lines(Scale(events=60_000))))
    return file


def test_many_rules_that_are_hit_seldom(lines: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.ndjson"
    stream = lines.read_bytes().splitlines()[:5_000]
    few.write_bytes(b"\n".join(stream))
    pack = rules_live.seldom_hit(stream)
    assert len({rule.when.tree for rule in pack.rules}) == len(pack.rules) == rules_live.MANY
    assert {read.name for rule in pack.rules for read in inputs_of(rule.when.tree)} >= {"user_z", "known", "channel"}
    figures = rules_live.measure(pack, few, 256)
    assert 0 < figures["hits"] < 30
    assert figures["cost_us"] == pytest.approx(figures["many_us"] - figures["few_us"])


def test_many_rules_that_are_hit_often(lines: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.ndjson"
    few.write_bytes(b"\n".join(lines.read_bytes().splitlines()[:3_000]))
    pack = rules_live.often_hit()
    assert len({rule.when.tree for rule in pack.rules}) == len(pack.rules) == rules_live.MANY
    assert rules_live.measure(pack, few, 1_024)["hits"] > 50


@pytest.mark.parametrize("windows", [False, True])
def test_a_pack_is_changed_while_it_runs(lines: Path, windows: bool) -> None:
    figures = reload.measure(lines, windows, reload.Course(rules=10, changes=2, between=5))
    assert all(value > 0 for value in figures.values())
    assert figures["held"] < 60_000


def test_linting() -> None:
    figures = linting.measure(20, runs=1)
    assert figures["cpu_s"] > 0
    assert figures["wall_s"] > 0
