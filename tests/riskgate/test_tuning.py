"""`riskgate tune` as its users run it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import rules
from riskgate.cli import cli
from support.browser import page
from support.packs import write_pack

RULES = """\
# What this house knows.
- id: small.burst
  title: Many in ten minutes
  when: tx_10m > params.most and amount >= params.least   # both are needed
  params: {most: 9, least: 1.00 CNY}   # as agreed in May
  then: block
  tests:
  - {name: ten, given: [{payment: {amount: 5}, repeat: 10, every: 1s}], expect: {then: block}}
  - {name: two, given: [{payment: {amount: 5}, repeat: 2, every: 1s}], expect: {then: allow}}
- id: small.large
  when: amount > params.limit
  params: {limit: 500}
  then: review
"""
T0, DAY_MS = 1_789_948_800_000, 86_400_000
"""2026-09-21T00:00:00Z."""


def _events() -> Iterator[tuple[dict[str, Any], bool]]:
    """Ten days. By day 8 payments of a thief, 4 of a family, later 7, and single ones at its first and last moment."""
    for day in range(10):
        family = 4 if day < 8 else 7
        bursts = (("dawn", 0, 1, 300), ("thief", 3, 8, 50), ("family", 6, family, 20), ("dusk", 24, 1, 300))
        for who, hour, count, amount in bursts:
            for n in range(count):
                yield {
                    "type": "payment", "transaction_id": f"{who}-{day}-{n}", "user_id": f"{who}{day}",
                    "timestamp": T0 + day * DAY_MS + hour * 3_600_000 + n * 1000 - (who == "dusk"), "amount": amount,
                    "currency": "CNY",
                }, who == "thief"  # fmt: skip


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    return write_pack(tmp_path / "pack", RULES)


def _tune(folder: Path, pack: Path, *options: str, rule: str = "small.burst") -> Result:
    events = list(_events())
    (folder / "h.ndjson").write_text("".join(f"{json.dumps(event)}\n" for event, _ in events))
    rows = [f"{event['transaction_id']},1,{event['timestamp']}\n" for event, is_fraud in events if is_fraud]
    (folder / "labels.csv").write_text("transaction_id,fraud,labelled_at\n" + "".join(rows))
    return CliRunner().invoke(
        cli,
        ["tune", str(pack), rule, "--data", str(folder / "h.ndjson"), "--labels", str(folder / "labels.csv"),
         "--cache", str(folder / "cache"), *options],
    )  # fmt: skip


def test_a_threshold_is_chosen_by_its_cost(tmp_path: Path, pack: Path) -> None:
    """Money in the first eight days: above 3 it is 8 x (5 x 50 - 1 x 20), above 4 it is 8 x 4 x 50."""
    found = _tune(tmp_path, pack, "--param", "most=0..9", "--holdout", "2d", "--json", str(tmp_path / "t.json"))
    assert found.exit_code == 0, found.output
    told = json.loads((tmp_path / "t.json").read_text())
    scores = {each["params"]["most"]: each["measured"]["score"] for each in told["tried"]}
    assert scores == {
        "0": "-2240.00", "1": "2320.00", "2": "2080.00", "3": "1840.00", "4": "1600.00", "5": "1200.00",
        "6": "800.00", "7": "400.00", "8": "0.00", "9": "0.00",
    }  # fmt: skip
    assert (told["objective"], told["grid"], told["seed"]) == ("net-money", 10, None)
    assert told["chosen"]["params"] == {"most": "1"}
    assert (told["first"]["days"], told["last"]["days"]) == (8.0, pytest.approx(2.0))
    assert told["chosen"]["last"]["score"] == "460.00"
    assert told["broken"] == ["two"]
    assert "held out, the choice is better than the rule as it is: 460.00 against 0.00 CNY net" in found.output
    assert "tests of the rule that no longer hold with it, so change them too: two" in found.output


def test_the_output_is_a_patch(tmp_path: Path, pack: Path) -> None:
    before = (pack / "rules.yml").read_text()
    found = _tune(tmp_path, pack, "--param", "most=3..6", "--param", "least=10..60/25", "--holdout", "2d")
    assert found.exit_code == 0, found.output
    assert "\x1b" not in found.output
    command = ["git", "-C", str(pack), "apply"]
    done = subprocess.run(command, input=found.stdout, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (pack / "rules.yml").read_text() == before.replace("most: 9, least: 1.00 CNY", "most: 3, least: 35.00 CNY")
    again = _tune(tmp_path, pack, "--param", "most=4..6", "--holdout", "2d")
    assert "nothing that was tried is better than the rule as it is: there is nothing to change" in again.output
    assert "---" not in again.output.replace("-----", "")


def test_limits_hold_in_the_first_period_and_are_looked_at_in_the_last(tmp_path: Path, pack: Path) -> None:
    options = ("--param", "most=0..9", "--holdout", "2d", "--json", str(tmp_path / "t.json"))
    few = _tune(tmp_path, pack, *options, "--max-alerts", "6/day", "--objective", "fraud")
    assert few.exit_code == 0, few.output
    told = json.loads((tmp_path / "t.json").read_text())
    assert told["chosen"]["params"] == {"most": "3"}
    assert [each["params"]["most"] for each in told["tried"] if each["within"]] == [str(n) for n in range(3, 10)]
    assert (
        "held out, the choice does NOT keep the limits: 9.0 alerts a day, 160.00 CNY of good money stopped, 80.00 a day"
        in few.output
    )
    cheap = _tune(tmp_path, pack, *options, "--max-good-money", "160.00")
    assert json.loads((tmp_path / "t.json").read_text())["chosen"]["params"] == {"most": "3"}, cheap.output
    daily = _tune(tmp_path, pack, *options, "--max-good-money", "45/day")
    assert json.loads((tmp_path / "t.json").read_text())["chosen"]["params"] == {"most": "2"}, daily.output
    assert "at most 45.00 CNY of good money a day" in daily.output
    none = _tune(tmp_path, pack, "--param", "most=0..3", "--holdout", "2d", "--max-alerts", "0/day")
    assert none.exit_code == 0, none.output
    assert "nothing to change" in none.output
    (pack / "rules.yml").write_text((pack / "rules.yml").read_text().replace("most: 9", "most: 3"))
    none = _tune(tmp_path, pack, "--param", "most=0..3", "--holdout", "2d", "--max-alerts", "1/day")
    assert none.exit_code == 1
    assert "no variant is within the limits: with most: 3, the one with the fewest hits, it makes 6." in none.output


def test_an_overlay_is_tuned_where_it_is(tmp_path: Path, pack: Path) -> None:
    (pack / "overlays").mkdir()
    (pack / "overlays" / "prod.yml").write_text("rules:\n  small.burst:\n    mode: shadow  # not yet\n")
    found = _tune(tmp_path, pack, "--param", "most=4..6", "--holdout", "2d", "--overlay", "prod")
    assert found.exit_code == 0, found.output
    assert "small.burst (block, shadow)" in found.output
    subprocess.run(["git", "apply", "-p1"], input=found.stdout, text=True, cwd=pack, check=True)
    text = (pack / "overlays" / "prod.yml").read_text()
    assert text == "rules:\n  small.burst:\n    params: {most: 4}\n    mode: shadow  # not yet\n"
    loaded = rules.load(pack, "prod").pack
    assert loaded is not None
    assert loaded.rules[0].params["most"].value == 4


def test_a_random_part_of_a_grid(tmp_path: Path, pack: Path) -> None:
    options = (
        "--param",
        "most=0..9",
        "--param",
        "least=1..200/1",
        "--holdout",
        "2d",
        "--json",
        str(tmp_path / "t.json"),
    )
    seen = []
    for seed in ("3", "3", "4"):
        found = _tune(tmp_path, pack, *options, "--random", "40", "--seed", seed)
        assert found.exit_code == 0, found.output
        assert f"41 variants, with the rule as it is, drawn from 2,000 with seed {seed}" in found.output
        told = json.loads((tmp_path / "t.json").read_text())
        seen.append([each["params"] for each in told["tried"]])
    assert len(seen[0]) == 41
    assert seen[0] == seen[1] != seen[2]


def test_the_page_has_the_frontier_and_asks_for_nothing(tmp_path: Path, pack: Path) -> None:
    path = tmp_path / "t.html"
    found = _tune(
        tmp_path, pack, "--param", "most=0..9", "--holdout", "2d", "--max-alerts", "8/day", "--html", str(path)
    )
    assert found.exit_code == 0, found.output
    with page(tmp_path / "profile") as opened:
        opened.open(path)
        assert [each for each in opened.requests if each != path.as_uri()] == []
        titles = opened.evaluate("[...document.querySelectorAll('h2')].map(each => each.textContent)")
        assert titles == [
            "What was asked", "What is to be said of it", "Chosen, and held out", "What was tried", "Frontier",
            "The change",
        ]  # fmt: skip
        texts = opened.evaluate("[...document.querySelectorAll('svg text')].map(each => each.textContent)")
        assert {"chosen", "as it is", "frontier", "beyond the limits", "good money stopped, CNY", "most"} <= set(texts)
        assert "1 variants cost too much to be drawn" in opened.evaluate("document.body.textContent")
        rows = opened.evaluate("document.querySelectorAll('.wide tr').length")
        assert rows == 1 + 4 + 1 + 3
        assert "+  params: {most: 2, least" in opened.evaluate("document.querySelector('pre').textContent")
        assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--param", "most=3..8", "--holdout", "30d"), "expected more than the 30d that are held out, got 10d"),
        (("--param", "mst=3..8", "--holdout", "2d"), "has no param `mst`: did you mean `most`?"),
        (("--param", "most=3..8", "--holdout", "2d", "--objective", "fraud"), "give --max-alerts or --max-good-money"),
        (("--param", "most=3..8", "--holdout", "2d", "--max-alerts", "10"), "expected alerts a day such as `10/day`"),
        (("--param", "most=3..8", "--holdout", "2d", "--max-good-money", "1.001"), "1.001 is no amount of CNY"),
        (("--param", "most=0..99", "--param", "least=1..200/1", "--holdout", "2d"), "expected at most 10,000 variants"),
        (("--param", "most=3..8"), "Missing option '--holdout'"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    tmp_path: Path, pack: Path, options: tuple[str, ...], problem: str
) -> None:
    found = _tune(tmp_path, pack, *options)
    assert found.exit_code in (1, 2)
    assert problem in found.output
    assert "Traceback" not in found.output


def test_a_rule_that_is_not_there(tmp_path: Path, pack: Path) -> None:
    found = _tune(tmp_path, pack, "--param", "most=3", "--holdout", "2d", rule="small.brust")
    assert (found.exit_code, "did you mean `small.burst`?" in found.output) == (1, True)
    (pack / "rules.yml").write_text("rules: [{id: a.b}]")
    assert _tune(tmp_path, pack, "--param", "most=3", "--holdout", "2d").exit_code == 3
