"""The fingerprint of a rule changes with what decides its hits, and with nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import ROOT
from support.rule_packs import sound_pack
from workbench.fingerprints import fingerprint

PACK = """
lateness: 1h
features:
  n: {count: event, by: user_id, over: 1h, where: method == "card"}
  other: {count: event, by: user_id, over: 1h}
macros: {large: amount > 5}
lists: {known: {type: string, file: known.csv}}
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events}}
rules:
- id: a.b
  title: one
  when: large and n > params.most and card_id not in lists.known and score.own.value > 2 and country in ("CN", "HK")
  params: {most: 3}
  then: block
  exceptions:
  - {fields: [user_id, method], values: [[u1, card], [u2, card], [u3, qr]], expires: 2027-01-31, note: test}
- {id: a.c, when: other > 5, then: tag}
"""
LIST = "value,added_by,reason,expires_at\nc1,me,why,\n"


def found(folder: Path, body: str, listed: str = LIST) -> str:
    pack = sound_pack(folder, body, {"known.csv": listed})
    return fingerprint(pack, pack.rules[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("most: 3", "most: 4"),
        ("amount > 5", "amount > 6"),
        ('where: method == "card"', 'where: method == "qr"'),
        ("over: 1h, where", "over: 2h, where"),
        ("half_life: 30", "half_life: 31"),
        ("[u3, qr]", "[u4, qr]"),
        ("expires: 2027-01-31", "expires: 2027-02-28"),
        ("then: block", "then: review"),
        ("then: block", "then: block\n  on_missing: match"),
        ("then: block", "then: block\n  event: [payment, topup]"),
        ("lateness: 1h", "lateness: 2h"),
        ('("CN", "HK")', '("CN", "HK", "MO")'),
    ],
)
def test_what_decides_its_hits_changes_it(tmp_path: Path, old: str, new: str) -> None:
    assert old in PACK
    assert found(tmp_path / "a", PACK) != found(tmp_path / "b", PACK.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: one", "title: two"),
        ("then: block", "then: block\n  mode: live"),
        ("then: block", "then: block\n  severity: critical\n  reason: TOO_LARGE\n  explain: because"),
        ("then: block", "then: block\n  tests: [{name: n, given: [{payment: {}}], expect: {then: allow}}]"),
        ("other > 5", "other > 6"),
        ("by: user_id, over: 1h}\nmacros", "by: device_id, over: 1h}\nmacros"),
        ("large and n > params.most", "large   and n>params.most"),
    ],
)
def test_nothing_else_does(tmp_path: Path, old: str, new: str) -> None:
    assert old in PACK
    assert found(tmp_path / "a", PACK) == found(tmp_path / "b", PACK.replace(old, new))


def test_what_is_on_its_lists_changes_it(tmp_path: Path) -> None:
    other = found(tmp_path / "b", PACK, LIST + "c2,me,why,\n")
    assert found(tmp_path / "a", PACK) != other


def test_it_is_the_same_in_every_process(tmp_path: Path) -> None:
    here = found(tmp_path, PACK)
    code = (
        "import sys\nfrom pathlib import Path\nfrom rules import load\nfrom workbench.fingerprints import fingerprint\n"
        "pack = load(Path(sys.argv[1])).pack\nprint(fingerprint(pack, pack.rules[0]))"
    )
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == here
