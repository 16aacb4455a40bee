import json
import signal
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.packs import write_pack
from support.services import wait_until
from support.xml_elements import parse

RULES = """\
- id: small.burst
  when: tx_10m > 2
  then: block
  tests:
  - name: third blocks
    given: [{payment: {user_id: u1}, repeat: 3}]
    expect: {then: block}
  - name: second blocks
    given: [{payment: {user_id: u1}, repeat: 2}]
    expect: {then: EXPECTED}
"""


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["test", str(folder), *options])


def test_all_pass(tmp_path: Path) -> None:
    result = run(write_pack(tmp_path, RULES.replace("EXPECTED", "allow")))
    assert result.exit_code == 0
    assert "2 tests in 1 rules: 2 passed, 0 failed" in result.output
    assert "live rules tested on both sides: 1 of 1" in result.output


def test_a_failure_exits_3_with_its_place_and_values(tmp_path: Path) -> None:
    result = run(write_pack(tmp_path, RULES.replace("EXPECTED", "block")))
    assert result.exit_code == 3
    assert "failed: small.burst: second blocks" in result.output
    assert "rules.yml:9" in result.output
    assert "expected then: block, got allow\n  when  tx_10m > 2\n        2\n" in result.output
    assert "small.burst has no test that must not match" in result.output


def test_json(tmp_path: Path) -> None:
    result = run(write_pack(tmp_path, RULES.replace("EXPECTED", "block")), "--format", "json")
    assert result.exit_code == 3
    document = json.loads(result.output)
    assert document["failed"] == 1
    assert document["gaps"] == [{"rule": "small.burst", "no_test_that_must": "not match"}]
    assert [row["passed"] for row in document["results"]] == [True, False]
    assert document["results"][1]["problem"][0] == "expected then: block, got allow"


def test_a_pack_with_errors_is_not_tested(tmp_path: Path) -> None:
    result = run(write_pack(tmp_path, RULES.replace("tx_10m", "tx_10")))
    assert result.exit_code == 3
    assert "did you mean `tx_10m`" in result.output
    assert "passed" not in result.output


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere")
    assert result.exit_code != 0
    assert "does not exist" in result.output


def test_json_has_the_branches_and_the_sides(tmp_path: Path) -> None:
    rules = RULES.replace("tx_10m > 2", "tx_10m > 2 and method != 'cash'").replace("EXPECTED", "allow")
    document = json.loads(run(write_pack(tmp_path, rules), "--format", "json").output)
    assert document["rules"] == [{"rule": "small.burst", "must_match": 1, "must_not_match": 1}]
    assert document["branches"] == [
        {"rule": "small.burst", "text": "tx_10m > 2", "true": 1, "false": 4},
        {"rule": "small.burst", "text": "method != 'cash'", "true": 0, "false": 0},
    ]


def test_branches_that_no_test_has_seen_are_told(tmp_path: Path) -> None:
    rules = RULES.replace("tx_10m > 2", "tx_10m > 2 and amount < 5").replace("EXPECTED", "allow")
    output = run(write_pack(tmp_path, rules)).output
    assert "rules tested on both sides: 1 of 1\n" in output
    assert "branches of conditions seen true and seen false: 1 of 2\n" in output
    assert "  small.burst: `amount < 5` was never false\n" in output


def test_github_gets_a_command_a_failure(tmp_path: Path) -> None:
    result = run(write_pack(tmp_path, RULES.replace("EXPECTED", "block")), "--format", "github")
    (line,) = [each for each in result.output.splitlines() if each.startswith("::")]
    told = "expected then: block, got allow%0Awhen  tx_10m > 2%0A      2"
    assert line == f"::error file={tmp_path}/rules.yml,line=9,title=small.burst%3A second blocks::{told}"
    assert result.exit_code == 3


def test_junit_has_a_case_a_test(tmp_path: Path) -> None:
    output = run(write_pack(tmp_path, RULES.replace("EXPECTED", "block")), "--format", "junit").output
    suites = parse(output[output.index("<?xml") :])
    assert (suites.attributes["tests"], suites.attributes["failures"]) == ("2", "1")
    first, second = suites.all("testcase")
    assert (first.attributes["classname"], first.attributes["name"]) == ("small.burst", "third blocks")
    assert [each.text for each in second.all("failure")] == [
        "expected then: block, got allow\nwhen  tx_10m > 2\n      2"
    ]
    assert not list(first.all("failure"))


def test_watch_runs_again_after_a_change_and_ends_when_interrupted(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, RULES.replace("EXPECTED", "allow"))
    command = [sys.executable, "-m", "riskgate", "test", str(folder), "--watch"]
    told = tmp_path.parent / f"{tmp_path.name}.txt"
    with told.open("w") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        wait_until(lambda: "2 passed, 0 failed" in told.read_text(), 60, "the first run")
        write_pack(tmp_path, RULES.replace("EXPECTED", "block"))
        wait_until(lambda: "1 passed, 1 failed" in told.read_text(), 60, "the second run")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert "Traceback" not in told.read_text()
