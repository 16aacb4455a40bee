"""`riskgate new rule`: what it begins passes as it is."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskgate.cli import cli
from rules import load
from support.rule_packs import HEAD, write_pack
from workbench import run_cases

_RULE = "{id: a.rule, when: amount > 5, then: tag}"


def _new(pack: Path, rule: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["new", "rule", str(pack), rule, *options])


def _assert_passes(pack: Path, *ids: str) -> None:
    loaded = load(pack)
    assert loaded.findings == ()
    assert loaded.pack is not None
    assert {rule.id for rule in loaded.pack.rules} == set(ids)
    report = run_cases(loaded.pack)
    assert report.failures == ()
    assert {case.expect.then for rule in loaded.pack.rules if rule.id == ids[0] for case in rule.tests} == {
        "review",
        "allow",
    }


@pytest.mark.parametrize("currency", ["CNY", "JPY", "KWD"])
@pytest.mark.parametrize("rule", ["game.card_burst", "x", "a.b-c.2nd", "a." + "b" * 120])
def test_it_passes_lint_and_test_as_it_is(tmp_path: Path, rule: str, currency: str) -> None:
    (tmp_path / "pack.yml").write_text(HEAD.replace("CNY", currency) + "defaults: {event: login, mode: live}\n")
    done = _new(tmp_path, rule)
    assert done.exit_code == 0, done.output
    (tmp_path / "more.yml").write_text(f"rules:\n{done.output}")
    _assert_passes(tmp_path, rule)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "# nothing yet\n",
        f"rules:\n- {_RULE}\n",
        f"rules:\n- {_RULE}",
        f"rules:\n    - {_RULE}\n    # the last\n",
        "macros: {large: amount > 5}\nrules:\n  - id: a.rule\n    when: large\n    then: tag\n",
    ],
)
def test_it_is_appended_to_a_file(tmp_path: Path, text: str | None) -> None:
    write_pack(tmp_path, "")
    if text is not None:
        (tmp_path / "more.yml").write_text(text)
    done = _new(tmp_path, "a.new", "--append", "more.yml")
    assert done.exit_code == 0, done.output
    _assert_passes(tmp_path, "a.new", *(["a.rule"] if "a.rule" in (text or "") else []))
    assert (tmp_path / "more.yml").read_text().startswith(text or "")


@pytest.mark.parametrize("text", [f"rules: [{_RULE}]\n", f"rules:\n- {_RULE}\nmacros: {{}}\n", "rules: []\n"])
def test_a_file_that_cannot_be_appended_to_is_left_alone(tmp_path: Path, text: str) -> None:
    write_pack(tmp_path, "", {"more.yml": text})
    done = _new(tmp_path, "a.new", "--append", "more.yml")
    assert isinstance(done.exception, SystemExit)
    assert "expected `rules:` as the last section of `more.yml`" in done.output
    assert (tmp_path / "more.yml").read_text() == text


@pytest.mark.parametrize(
    ("rule", "options", "told"),
    [
        ("A.rule", (), "expected an id such as"),
        ("a." + "b" * 200, (), "expected an id such as"),
        ("a.rule", (), "expected a new id"),
        ("a.new", ("--append", "../more.yml"), "expected the name of a rule file"),
        ("a.new", ("--append", "more.txt"), "expected the name of a rule file"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, rule: str, options: tuple[str, ...], told: str) -> None:
    write_pack(tmp_path, f"rules:\n- {_RULE}\n")
    before = sorted(tmp_path.rglob("*"))
    done = _new(tmp_path, rule, *options)
    assert done.exit_code != 0
    assert told in done.output
    assert sorted(tmp_path.rglob("*")) == before


def test_a_pack_with_errors_is_shown(tmp_path: Path) -> None:
    done = _new(write_pack(tmp_path, "rules:\n- {id: a.rule}\n"), "a.new")
    assert done.exit_code == 3
    assert "error[missing-key]" in done.output
