"""Overlays: what they change, and what a pack under one is called."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from riskgate.cli import cli
from rules import Literal, Pack, Rule, load
from support.rule_packs import sound_pack, write_pack

_BODY = """\
defaults: {mode: shadow, severity: medium}
rules:
- id: a.large
  when: amount > params.least and user_id != params.other
  then: review
  mode: live
  severity: high
  params: {least: 5.00 CNY, other: u9, spare: 7}
  explain: "{params.spare}"
- {id: a.other, when: amount > 5, then: tag}
"""


def _pack(tmp_path: Path, overlay: str | None, name: str = "prod") -> Pack:
    sound_pack(tmp_path, _BODY)
    if overlay is None:
        pack = load(tmp_path).pack
    else:
        (tmp_path / "overlays").mkdir(exist_ok=True)
        (tmp_path / "overlays" / f"{name}.yml").write_text(overlay, encoding="utf-8")
        pack = load(tmp_path, name).pack
    assert pack is not None
    return pack


def _rules(tmp_path: Path, overlay: str | None) -> tuple[Rule, Rule]:
    first, second = _pack(tmp_path, overlay).rules
    return first, second


def test_it_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    plain, other = _rules(tmp_path, None)
    changed, same = _rules(tmp_path, "rules:\n  a.large: {mode: 'off', severity: low, params: {least: 8.50 CNY}}\n")
    assert same == other
    assert (changed.mode, changed.severity) == ("off", "low")
    assert changed.params == {**plain.params, "least": Literal(850, "money")}
    assert repr(changed.when).replace("850", "500") == repr(plain.when)


@pytest.mark.parametrize("overlay", ["rules: {}\n", "rules:\n  a.large: {}\n", "rules:\n  a.large: {params: {}}\n"])
def test_what_it_does_not_say_stays(tmp_path: Path, overlay: str) -> None:
    assert _rules(tmp_path, overlay) == _rules(tmp_path, None)


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("least: 9", Literal(900, "money")),
        ("least: 0.50", Literal(50, "money")),
        ("other: u1", Literal("u1", "text")),
        ("other: '7'", Literal("7", "text")),
        ("spare: -0.5", Literal(-0.5, "number")),
    ],
)
def test_a_param_is_typed_as_the_rule_has_it(tmp_path: Path, param: str, value: Literal) -> None:
    rule, _ = _rules(tmp_path, f"rules:\n  a.large: {{params: {{{param}}}}}\n")
    assert rule.params[param.partition(":")[0]] == value


@pytest.mark.parametrize(
    "param", ["least: 0.001", "least: 1e99", "other: 7", "spare: 5.00 CNY", "spare: 1h", "least: []"]
)
def test_a_param_of_another_type_is_refused(tmp_path: Path, param: str) -> None:
    write_pack(tmp_path, _BODY)
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "prod.yml").write_text(f"rules:\n  a.large: {{params: {{{param}}}}}\n")
    loaded = load(tmp_path, "prod")
    assert loaded.pack is None
    assert {finding.place.file for finding in loaded.findings if finding.severity == "error"} == {
        str(tmp_path / "overlays" / "prod.yml")
    }


def test_the_version_tells_what_ran(tmp_path: Path) -> None:
    plain = _pack(tmp_path, None)
    prod = _pack(tmp_path, "rules: {a.other: {severity: low}}\n")
    assert _pack(tmp_path, None).version == plain.version, "an overlay that is not chosen is no part of the pack"
    assert prod.version == f"test@{prod.hash}+prod"
    edited = _pack(tmp_path, "rules: {a.other: {severity: high}}\n")
    renamed = _pack(tmp_path, "rules: {a.other: {severity: high}}\n", "staging")
    assert len({each.hash for each in (plain, prod, edited, renamed)}) == 4


@pytest.mark.parametrize("name", ["prdo", "", ".", "..", "../overlays/prod", "prod.yml", "Prod", "a" * 5_000])
def test_an_overlay_that_is_not_there_is_a_finding(tmp_path: Path, name: str) -> None:
    _pack(tmp_path, "rules: {}\n")
    loaded = load(tmp_path, name)
    assert loaded.pack is None
    assert [finding.code for finding in loaded.findings] in (["unreadable-file"], ["bad-name"])


def test_lint_and_test_take_an_overlay(tmp_path: Path) -> None:
    tests = "  tests: [{name: one, given: [{payment: {amount: 6}}], expect: {then: review}}]\n"
    write_pack(tmp_path, _BODY.replace("- {id: a.other", f"{tests}- {{id: a.other"))
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "prod.yml").write_text("rules: {a.large: {params: {least: 6.00 CNY}}}\n")
    (tmp_path / "overlays" / "wrong.yml").write_text("rules: {a.large: {params: {last: 6.00 CNY}}}\n")
    codes = {
        (name, overlay): CliRunner().invoke(cli, [name, str(tmp_path), *options]).exit_code
        for name in ("lint", "test")
        for overlay, options in (("", ()), ("prod", ("--overlay", "prod")), ("wrong", ("--overlay", "wrong")))
    }
    assert codes == {
        ("lint", ""): 0,
        ("lint", "prod"): 0,
        ("lint", "wrong"): 3,
        ("test", ""): 0,
        ("test", "prod"): 3,
        ("test", "wrong"): 3,
    }
