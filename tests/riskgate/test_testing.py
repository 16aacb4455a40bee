import json
from pathlib import Path

from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.packs import write_pack

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
