from collections import Counter
from pathlib import Path

import pytest

import rules
from rules import Pack
from workbench import run_cases

PATH = Path(rules.__file__).parent / "packs" / "game-points"


@pytest.fixture(scope="module")
def pack() -> Pack:
    loaded = rules.load(PATH)
    assert loaded.findings == ()
    assert loaded.pack is not None
    return loaded.pack


def test_most_rules_are_live_and_some_watch_from_the_shadow(pack: Pack) -> None:
    modes = Counter(rule.mode for rule in pack.rules)
    assert modes["live"] >= 14
    assert modes["shadow"] >= 3


def test_every_rule_says_what_an_analyst_and_a_user_need(pack: Pack) -> None:
    for rule in pack.rules:
        assert rule.title, rule.id
        assert rule.reason, rule.id
        assert rule.explain, rule.id
        assert rule.then != "step_up" or rule.challenge, rule.id


def test_the_tests_inside_pass_and_cover_both_sides_of_every_live_rule(pack: Pack) -> None:
    report = run_cases(pack)
    assert [result.problem for result in report.failures] == []
    assert report.gaps == ()
    assert len(report.results) >= 2 * report.live_rules
