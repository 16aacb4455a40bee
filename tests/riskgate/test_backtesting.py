"""`riskgate backtest` as its users run it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.minutes import T0, fraud_labels, payments
from support.packs import write_pack

RULES = """\
- id: small.burst
  title: Three in ten minutes
  when: tx_10m > params.most
  params: {most: 2}
  then: block
- id: small.ip
  when: ip == "10.0.0.1"
  then: review
  mode: 'off'
"""
DAY_MS = 86_400_000


def _run(folder: Path, pack: Path, lines: list[str], *options: str) -> Result:
    (folder / "h.ndjson").write_text("".join(f"{line}\n" for line in lines))
    arguments = ["backtest", str(pack), "--data", str(folder / "h.ndjson"), "--cache", str(folder / "cache"), *options]
    return CliRunner().invoke(cli, arguments)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    return write_pack(tmp_path / "pack", RULES)


def test_a_table_and_json(tmp_path: Path, pack: Path) -> None:
    lines = [json.dumps(event) for event in payments(40)] + ["no json"]
    labels = fraud_labels(range(10, 20))
    (tmp_path / "labels.csv").write_text(labels)
    found = _run(
        tmp_path, pack, lines, "--labels", str(tmp_path / "labels.csv"), "--maturity", "5m",
        "--json", str(tmp_path / "report.json"), "--html", str(tmp_path / "report.html"),
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "1 rows could not be read: not_json 1" in found.output
    assert "10 fraud and 25 good transactions are mature (maturity 5m); 5 are too young and left out" in found.output
    assert "small.ip reads what no event has: ip" in found.output
    (row,) = [line.split() for line in found.output.splitlines() if line.split()[:1] == ["small.ip"]][:1]
    assert row[3] == "UNMEASURED"
    report = json.loads((tmp_path / "report.json").read_text())
    assert "UNMEASURED" in (tmp_path / "report.html").read_text()
    burst, ip = report["rules"]
    assert report["version"] == 2
    assert (burst["hits"], burst["fraud"], burst["good"], burst["money_caught"]) == (36, 10, 21, "50.00")
    assert burst["effect"]["if"] == "removed"
    assert [(each["before"], each["after"], each["events"]) for each in burst["effect"]["changes"]] == [
        ("block", "allow", 36)
    ]
    assert (ip["hits"], ip["unmeasured"]) == (None, ["ip"])


def test_labels_outside_of_what_is_measured_are_told_as_such(tmp_path: Path, pack: Path) -> None:
    lines = [json.dumps(event) for event in payments(40)]
    (tmp_path / "labels.csv").write_text(f"transaction_id,fraud,labelled_at\nt3,1,{T0}\nt30,1,{T0}\n")
    found = _run(tmp_path, pack, lines, "--labels", str(tmp_path / "labels.csv"), "--from", "2026-09-21T14:33:20Z")
    assert "1 labels are of transactions that are not among the measured ones" in found.output, found.output


def test_a_narrow_terminal_cuts_no_figure_off(tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    found = _run(tmp_path, pack, [json.dumps(event) for event in payments(40)])
    assert "\x1b[" in found.output
    assert "small.burst" in found.output
    assert "removed: block to allow 36" in found.output
    assert "\N{HORIZONTAL ELLIPSIS}" not in found.output


def test_other_thresholds_need_no_second_run_over_the_data(tmp_path: Path, pack: Path) -> None:
    lines = [json.dumps(event) for event in payments(40)]
    assert _run(tmp_path, pack, lines).exit_code == 0
    kept = {each: each.stat().st_ino for each in (tmp_path / "cache").rglob("*.parquet")}
    rules = pack / "rules.yml"
    rules.write_text(rules.read_text().replace("most: 2", "most: 3"))
    assert _run(tmp_path, pack, lines).exit_code == 0
    assert {each: each.stat().st_ino for each in (tmp_path / "cache").rglob("*.parquet")} == kept


def test_mistakes_are_told_without_a_traceback(tmp_path: Path, pack: Path) -> None:
    empty = _run(tmp_path, pack, [])
    assert (empty.exit_code, "has no event that the pack judges" in empty.output) == (1, True)
    (tmp_path / "h.csv").write_text("type,user_id\npayment,u1\n")
    lacking = CliRunner().invoke(cli, ["backtest", str(pack), "--data", str(tmp_path / "h.csv")])
    assert lacking.exit_code == 1
    assert "lacks the column `timestamp`" in lacking.output
    wrong = _run(tmp_path, pack, [], "--maturity", "soon")
    assert wrong.exit_code == 2
    assert "expected a duration such as `30d`" in wrong.output
    (pack / "rules.yml").write_text("rules: [{id: a.b}]")
    assert _run(tmp_path, pack, []).exit_code == 3
