"""The harness measures what it says, on little: the figures themselves mean nothing here."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import backtesting, inprocess, keeping, peers, results
from benchmarks.__main__ import main
from benchmarks.collection import Values
from benchmarks.long import LONG_QUICK, STEPS, Long
from benchmarks.quantities import LONG_SECTIONS, SECTIONS, STAGES, Section
from benchmarks.results import Results
from benchmarks.suite import Extent, Suite, steps
from benchmarks.throughput import Sample, reach
from benchmarks.variants import PLAIN, WITH_DETECTORS, WITH_REASONS, load
from benchmarks.workload import Scale, write_lines
from engine import Engine

TINY = Extent(
    events=2_500, rounds=1, kafka_events=20_000, latency_warm=500, latency_timed=3_200,
    past_events=60_000, changes=1, changed_rules=10, linted_rules=20,
)  # fmt: skip


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    file = tmp_path / "w.ndjson"
    file.write_bytes(b"".join(line + b"\n" for line in write_lines(Scale(events=3_000))))
    return file


@pytest.mark.parametrize("pack", [PLAIN, WITH_DETECTORS, WITH_REASONS])
def test_rate(lines: Path, pack: str) -> None:
    figures = inprocess.rate(inprocess.Run(load(pack), lines, 256))
    assert figures["cpu_us"] > 0
    assert figures["events_s"] > 0


def test_reasons_are_told_by_their_pack_alone(lines: Path) -> None:
    batch = lines.read_bytes().splitlines()[:1_000]
    for pack, told in ((PLAIN, False), (WITH_REASONS, True)):
        decisions = inprocess.decide(Engine(load(pack)), batch)
        assert any(b"HIT_w.00" in decision for decision in decisions) is told


def test_stages_are_parts_of_a_whole(lines: Path) -> None:
    figures = inprocess.stages(inprocess.Run(load(PLAIN), lines, 1_024))
    assert set(figures) == {f"{stage}_us" for stage in STAGES}
    assert all(value > 0 for value in figures.values())


def test_singles(lines: Path) -> None:
    figures = inprocess.singles(inprocess.Run(load(PLAIN), lines, 100))
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p99.9_us"]


def test_memory(lines: Path) -> None:
    figures = inprocess.memory(inprocess.Run(load(PLAIN), lines, 250))
    assert [figures[f"events_{mark}"] for mark in inprocess.MARKS] == [750, 1_500, 2_250, 3_000]
    assert figures["keys_25"] < figures["keys_100"]
    assert figures["peak_mb"] > figures["held_mb_100"]


def test_what_is_kept_is_taken_up(lines: Path, tmp_path: Path) -> None:
    task = keeping.Task(load(PLAIN), tmp_path / "state", lines, 1)
    assert keeping.unkept(task)["cpu_us"] > 0
    assert not task.state.exists()
    kept = keeping.kept(task)
    assert kept["cpu_us"] > 0
    assert kept["bytes_event"] > 64
    found = keeping.recovery(task)
    assert found["events"] == 3_001
    assert 0 < found["seconds"] < found["cold_seconds"]


def test_stream_is_marked(lines: Path, tmp_path: Path) -> None:
    figures = keeping.stream(keeping.Task(load(PLAIN), tmp_path / "state", lines, 1_500))
    assert [figures[f"events_{mark}"] for mark in (1, 2)] == [2_048, 3_000]
    assert figures["journal_mb_1"] < figures["journal_mb_2"]
    assert "events_3" not in figures


def test_rate_is_interpolated_between_samples() -> None:
    samples = [Sample(10.0, 0, 1.0), Sample(10.1, 0, 1.1), Sample(10.2, 100, 1.3), Sample(10.3, 400, 1.4)]
    assert reach(samples, 50) == pytest.approx(Sample(10.15, 50, 1.2))
    assert reach(samples, 400) == samples[-1]
    with pytest.raises(ValueError, match="400 at the most"):
        reach(samples, 401)


def test_whole_suite(kafka_bootstrap: str, tmp_path: Path) -> None:
    told: list[str] = []
    values = Suite(TINY, kafka_bootstrap, tmp_path, told.append).run()
    assert len(told) == steps(TINY)
    _assert_shown(SECTIONS, values)


def test_long(tmp_path: Path) -> None:
    told: list[str] = []
    values = Long(LONG_QUICK, tmp_path, told.append).run()
    assert len(told) == STEPS
    assert values["recovery_long.events"] == [LONG_QUICK.held + 1]
    assert values["sixty.events_12"][0] < LONG_QUICK.events / 2
    _assert_shown(LONG_SECTIONS, values)


def _assert_shown(sections: tuple[Section, ...], values: Values) -> None:
    quantities = [quantity for section in sections for quantity in section.quantities]
    assert [quantity.key for quantity in quantities if quantity.key not in values] == []
    console = Console(record=True, width=120)
    results.show(Results(datetime.now(UTC), "0123abcd", {"processor": "some"}, values), console)
    shown = console.export_text()
    assert all(section.title in shown for section in sections)


def test_two_results_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    files = []
    for commit, cpu_us in (("aaaa", 4.0), ("bbbb", 3.0)):
        measured = Results(datetime(2026, 11, 23, tzinfo=UTC), commit, {}, {"batch_1024.cpu_us": [cpu_us, 9.0, 1.0]})
        files.append(results.save(measured))
        assert results.read(files[-1]) == measured
    assert files[0].name == "2026-11-23-aaaa.json"
    done = CliRunner().invoke(main, ["compare", *map(str, files)])
    assert done.exit_code == 0
    assert "0.75" in done.output


def test_comparing_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    done = CliRunner().invoke(main, ["compare", str(file), str(file)])
    assert done.exit_code == 1
    assert "expected the results of a benchmark" in str(done.exception)


def test_without_a_broker_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    done = CliRunner().invoke(main, [])
    assert done.exit_code != 0
    assert "make bench" in done.output


def test_without_peers_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PEERS", tmp_path / "absent")
    done = CliRunner().invoke(peers.main, [])
    assert done.exit_code == 0
    assert done.output.count("\n") == 1


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        {"plain": {"cpu_us": 10.0, "eps": 100.0, "rss_mb": 1}, "ours": {"cpu_us": 7.0, "eps": 80.0, "rss_mb": 1}},
        {"plain": {"cpu_us": 20.0, "eps": 50.0, "rss_mb": 1}, "ours": {"cpu_us": 12.0, "eps": 50.0, "rss_mb": 1}},
    ]
    cpu, of_flink = peers.RATIOS[:2]
    assert [peers.ratio(found, cpu) for found in rounds] == pytest.approx([0.7, 0.6])
    assert peers.ratio(rounds[0], of_flink) is None
    console = Console(record=True, width=120)
    peers.show(rounds, console)
    assert "0.65" in console.export_text()


def test_a_backtest_is_measured(lines: Path, tmp_path: Path) -> None:
    backtesting.write_parquet(lines, tmp_path / "w.parquet")
    figures = backtesting.measure(load(PLAIN), tmp_path / "w.parquet", 20)
    assert all(value > 0 for value in figures.values())
    assert figures["events_s_core"] == pytest.approx(1e6 / figures["cpu_us"])
