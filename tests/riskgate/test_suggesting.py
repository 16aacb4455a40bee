"""`riskgate suggest` as its users run it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.packs import write_pack

RULES = """\
- {id: small.burst, when: tx_10m > params.most, params: {most: 4}, then: block}
- {id: small.burst_too, when: tx_10m > 5, then: review}
- {id: small.rare, when: ip == "10.0.0.1", then: block}
- {id: small.idle, when: amount > 9000, then: block}
- {id: small.note, when: amount > 1, then: tag}
- {id: small.trial, when: amount > 2, then: block, mode: shadow}
"""
T0, DAY_MS = 1_789_948_800_000, 86_400_000


def _events(turned: bool) -> Iterator[tuple[dict[str, Any], bool]]:
    """Ten days, each with a burst of a thief, large purchases of another, and honest ones; the last two turned."""
    for day in range(10):
        for who, count, amount in (("thief", 6, 10), ("large", 2, 700), ("one", 3, 300), ("two", 3, 40)):
            for n in range(count):
                is_fraud = (who in ("thief", "large")) != (turned and day >= 8)
                yield {
                    "type": "payment", "transaction_id": f"{who}-{day}-{n}", "user_id": f"{who}{day}",
                    "timestamp": T0 + day * DAY_MS + n * 1000, "amount": amount + n, "currency": "CNY",
                }, is_fraud  # fmt: skip
        yield {
            "type": "payment", "transaction_id": f"end-{day}", "user_id": f"end{day}", "amount": 300,
            "timestamp": T0 + (day + 1) * DAY_MS - 1, "currency": "CNY",
        }, False  # fmt: skip


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    return write_pack(tmp_path / "pack", RULES)


def _suggest(folder: Path, pack: Path, *options: str, turned: bool = False) -> tuple[Result, dict[str, Any]]:
    events = list(_events(turned))
    (folder / "h.ndjson").write_text("".join(f"{json.dumps(event)}\n" for event, _ in events))
    rows = [f"{event['transaction_id']},1,{event['timestamp']}\n" for event, is_fraud in events if is_fraud]
    (folder / "labels.csv").write_text("transaction_id,fraud,labelled_at\n" + "".join(rows))
    arguments = [
        "suggest", str(pack), "--data", str(folder / "h.ndjson"), "--labels", str(folder / "labels.csv"),
        "--cache", str(folder / "cache"), "--json", str(folder / "s.json"), *options,
    ]  # fmt: skip
    found = CliRunner().invoke(cli, arguments)
    return found, json.loads((folder / "s.json").read_text()) if (folder / "s.json").exists() else {}


def test_what_can_go_and_what_is_missed(tmp_path: Path, pack: Path) -> None:
    found, told = _suggest(tmp_path, pack, "--holdout", "2d")
    assert found.exit_code == 0, found.output
    assert [each["rule"] for each in told["going"]] == ["small.idle", "small.burst_too"]
    (stays,) = told["staying"]
    assert (stays["rule"], stays["first"]["fraud_freed"], stays["first"]["net_money"]) == ("small.burst", 16, "232.00")
    assert [each["rule"] for each in told["kept"]] == ["small.rare", "small.note"]
    assert "not looked at: small.rare: UNMEASURED: no event has ip" in found.output
    assert "1 of them can go: given the rules that stay, nothing is lost in either period" in found.output
    assert "never hit in either period, which says nothing of what may come: small.idle" in found.output
    assert (told["missed_first"]["fraud"], told["missed_first"]["of"]) == (8 * 6, 8 * 8)
    best = told["thresholds"][0]
    assert (best["input"], best["holds"], best["first"]["fraud"], best["first"]["good"]) == ("amount", True, 16, 0)
    assert (best["last"]["hits"], best["last"]["recall"]["of"], best["last"]["net_money"]) == (4, 12, "2802.00")
    assert best["condition"] == "amount >= 700.00 CNY"


def test_the_rule_that_is_printed_can_be_pasted(tmp_path: Path, pack: Path) -> None:
    found, told = _suggest(tmp_path, pack, "--holdout", "2d")
    printed = found.output[found.output.index("- id: suggested.") :]
    assert printed == told["thresholds"][0]["rule"]
    rules = pack / "rules.yml"
    rules.write_text(rules.read_text() + printed)
    checked = CliRunner().invoke(cli, ["lint", "--strict", str(pack)])
    assert "suggested.amount" not in checked.output
    rules.write_text(rules.read_text().replace("mode: shadow\n  reason", "mode: live\n  reason"))
    found, told = _suggest(tmp_path, pack, "--holdout", "2d")
    assert told["missed_first"]["fraud"] == 8 * 4


def test_the_period_held_out_only_checks(tmp_path: Path, pack: Path) -> None:
    """With the labels of the last days turned, the same is found, and does not hold."""
    _, one = _suggest(tmp_path, pack, "--holdout", "2d")
    found, two = _suggest(tmp_path, pack, "--holdout", "2d", turned=True)
    assert [each["first"] for each in one["thresholds"]] == [each["first"] for each in two["thresholds"]]
    assert [each["rule"] for each in one["thresholds"]] == [each["rule"] for each in two["thresholds"]]
    assert not any(each["holds"] for each in two["thresholds"])
    assert "none of them gains anything in the period held out: there is no rule to paste" in found.output


def test_mistakes_are_told_without_a_traceback(tmp_path: Path, pack: Path) -> None:
    short, _ = _suggest(tmp_path, pack, "--holdout", "20d")
    assert (short.exit_code, "expected more than the 20d that are held out, got 10d" in short.output) == (1, True)
    lacking, _ = _suggest(tmp_path, pack)
    assert "Missing option '--holdout'" in lacking.output
    (pack / "rules.yml").write_text("rules: [{id: a.b}]")
    assert _suggest(tmp_path, pack, "--holdout", "2d")[0].exit_code == 3
