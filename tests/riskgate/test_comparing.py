"""`riskgate diff` as its users run it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.minutes import T0, fraud_labels, payments
from support.packs import HEAD, write_pack

RULES = """\
- id: small.burst
  when: tx_10m > params.most
  params: {most: 2}
  then: block
- id: small.much
  when: spend_1h > 40
  then: review
- id: small.ip
  when: ip == "10.0.0.1"
  then: review
  mode: shadow
"""


def _write(folder: Path, rules: str, head: str = HEAD) -> Path:
    folder.mkdir()
    return write_pack(folder, rules, head)


def _run(folder: Path, a: str, b: str, *options: str) -> Result:
    path = folder / "h.ndjson"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in payments(40)) + "no json\n")
    labels = fraud_labels(range(10, 20))
    (folder / "labels.csv").write_text(labels)
    return CliRunner().invoke(
        cli,
        ["diff", a, b, "--data", str(path), "--labels", str(folder / "labels.csv"), "--cache", str(folder / "cache"),
         *options],
    )  # fmt: skip


def test_a_table_json_and_a_page(tmp_path: Path) -> None:
    """Each user has five payments in ten minutes: the threshold goes from two to four, and the review rule is gone."""
    one = _write(tmp_path / "a", RULES)
    other = _write(
        tmp_path / "b", re.sub("- id: small.much.*?(?=- id)", "", RULES, flags=re.DOTALL).replace("2}", "4}")
    )
    found = _run(
        tmp_path, str(one), str(other), "--maturity", "5m", "--json", str(tmp_path / "d.json"),
        "--html", str(tmp_path / "d.html"),
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "1 rows could not be read: not_json 1" in found.output
    assert "10 fraud and 25 good transactions are mature (maturity 5m); 5 are too young and left out" in found.output
    document = json.loads((tmp_path / "d.json").read_text())
    assert [(each["before"], each["after"], each["events"]) for each in document["turns"]] == [("block", "allow", 4)]
    (turn,) = document["turns"]
    assert (turn["fraud"], turn["good"], turn["young"], turn["money"], turn["users"]) == (0, 4, 0, "20.00", 2)
    (reason,) = turn["reasons"]
    assert reason["lost"] == [{"rule": "small.burst", "then": "block"}]
    assert [each["id"] for each in reason["examples"]] == ["t4", "t5", "t6", "t7"]
    assert reason["examples"][0] == {
        "id": "t4", "type": "payment", "timestamp_ms": T0 + 240_000, "user_id": "u0", "amount": "5.00",
        "fraud": False, "rules_before": ["small.burst"], "rules_after": [],
    }  # fmt: skip
    burst, ip, much = document["rules"]
    assert (burst["changed"], burst["go"]["events"], burst["come"]["events"]) == (["params.most 2 to 4"], 4, 0)
    assert (ip["before"]["hits"], ip["come"]) == (None, None)
    assert (much["rule"], much["after"], much["go"]["events"]) == ("small.much", None, 24)
    for line in (
        "4 decisions change, of 2 users",
        "block to allow, since hits go (-) and come (+):",
        "  4: - small.burst (block)",
        "    t4 (u0, 2026-09-21T14:17:20Z, 5.00 CNY, good)",
    ):
        assert line in found.output
    assert "1 rule is the same in both, with the same hits" in found.output
    page = (tmp_path / "d.html").read_text()
    assert "t4 (u0, 2026-09-21T14:17:20Z, 5.00 CNY, good)" in page
    assert "<svg" in page


def test_revisions_of_one_folder(tmp_path: Path) -> None:
    pack = _write(tmp_path / "pack", RULES)
    settings = ("-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "pack"), ("commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *settings, *arguments], check=True)
    same = _run(tmp_path, f"{pack}@HEAD", str(pack))
    assert (same.exit_code, "every event has the same decision in both" in same.output) == (0, True), same.output
    (pack / "rules.yml").write_text("rules:\n" + RULES.replace("then: block", "then: review"))
    found = _run(tmp_path, f"{pack}@HEAD", str(pack))
    assert f"A  {pack}@HEAD: small@" in found.output
    assert "- small.burst (block) + small.burst (review)" in found.output


def test_windows_are_computed_once_for_packs_that_count_the_same(tmp_path: Path) -> None:
    one, other = _write(tmp_path / "a", RULES), _write(tmp_path / "b", RULES.replace("2}", "4}"))
    assert _run(tmp_path, str(one), str(other)).exit_code == 0
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    ("head", "rules", "code", "said"),
    [
        (HEAD.replace("CNY", "EUR"), RULES, 1, "expected packs with the same currency, got CNY and EUR"),
        (HEAD, "- id: a.b\n", 3, "error["),
    ],
)
def test_packs_that_cannot_be_compared_are_told(head: str, rules: str, code: int, said: str, tmp_path: Path) -> None:
    one, other = _write(tmp_path / "a", RULES), _write(tmp_path / "b", rules, head)
    found = _run(tmp_path, str(one), str(other))
    assert (found.exit_code, said in found.output, "Traceback" in found.output) == (code, True, False), found.output
    gone = _run(tmp_path, str(one), str(tmp_path / "c"))
    assert (gone.exit_code, "riskgate: error: expected a folder, or FOLDER@REVISION" in gone.output) == (1, True)
