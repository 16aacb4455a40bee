"""The forms of `riskgate lint` that other programs read."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from riskgate.commands.lint import command
from riskgate.junit import JunitCase, junit_xml
from riskgate.sarif import sarif_log
from riskgate.workflow import annotation
from rules import Finding, Place, load
from support.rule_packs import write_pack
from support.sarif import problems_of
from support.xml_elements import parse

FLAWS = Path(__file__).parents[1] / "rules" / "flaws"
CLEAN = "rules:\n- {id: a.rule, when: amount > 5, then: review}\n"
WARNED = "rules:\n- {id: a.rule, when: amount > 5, then: review, mode: live}\n"
HOSTILE = "::error::x\r\n::warning file=a,line=1::y\n%0A \x1b[31m \x00 \ud800 ]]> </failure> <&\"' \u2028"


def _lint(folder: Path, body: str, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(write_pack(folder, body)), *options])
    return result.exit_code, result.output


def test_github_gets_a_command_a_finding(tmp_path: Path) -> None:
    code, output = _lint(tmp_path, WARNED.replace("amount", "amout"), "--format", "github")
    assert code == 3
    (line,) = [each for each in output.splitlines() if each.startswith("::error")]
    place = f"file={tmp_path}/pack.yml,line=6,col=22,endColumn=27,title=unknown-field (a.rule)"
    assert line == f"::error {place}::`amout` is not a field of `payment`%0Adid you mean `amount`?"
    assert _lint(tmp_path, CLEAN, "--format", "github") == (0, "")


@given(message=st.text(), file=st.text(), title=st.text() | st.just(HOSTILE))
def test_no_text_breaks_out_of_a_command(message: str, file: str, title: str) -> None:
    told = annotation("error", message, file=file, line=3, title=title, column=2)
    assert told.isprintable()
    match = re.fullmatch(r"::error ([^:]*)::(.*)", told)
    assert match is not None
    head, found = match.groups()
    properties = dict(each.split("=", 1) for each in head.split(","))
    assert list(properties) == ["file", "line", "col", "endColumn", "title"]
    decoded = found.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert decoded == "".join(each if each.isprintable() or each in "\r\n" else "\ufffd" for each in message)


@pytest.mark.parametrize(
    ("body", "options", "failures"), [(CLEAN, (), 0), (WARNED, (), 0), (WARNED, ("--strict",), 1), ("x: 1\n", (), 1)]
)
def test_junit_fails_where_the_exit_code_does(
    tmp_path: Path, body: str, options: tuple[str, ...], failures: int
) -> None:
    code, output = _lint(tmp_path, body, "--format", "junit", *options)
    suites = parse(output)
    assert suites.attributes["failures"] == str(failures)
    assert len(list(suites.all("testcase"))) == 1
    assert (code > 0) == (failures > 0)


@given(name=st.text() | st.just(HOSTILE), failure=st.text() | st.just(HOSTILE), remark=st.text())
def test_junit_is_xml_whatever_is_in_it(name: str, failure: str, remark: str) -> None:
    cases = [JunitCase(name, "g", "f", 1, failure, name), JunitCase(name, name, failure, 1, remark=remark)]
    suites = parse(junit_xml(name, cases, 0.5))
    first, second = suites.all("testcase")
    assert (suites.attributes["tests"], suites.attributes["failures"]) == ("2", "1")
    (told,) = first.all("failure")
    assert len(told.text) == len(failure)
    assert len(second.attributes["name"]) == len(name)


@pytest.mark.parametrize("name", sorted(folder.name for folder in FLAWS.iterdir()))
def test_sarif_is_what_its_schema_says(name: str) -> None:
    findings = load(FLAWS / name).findings
    log = sarif_log(findings)
    assert problems_of(json.loads(json.dumps(log))) == []
    results: list[dict[str, Any]] = log["runs"][0]["results"]
    assert len(results) == len(findings)
    for result, finding in zip(results, findings, strict=True):
        assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.code
        assert finding.message in result["message"]["text"]


def test_sarif_names_files_as_references() -> None:
    for file, uri in (("a b/ü%.yml", "a%20b/%C3%BC%25.yml"), ("/x y/p.yml", "file:///x%20y/p.yml"), ("\udcff", "%FF")):
        log = sarif_log([Finding("bad-value", "error", "no", Place(file, 1, 1))])
        location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location == {"uri": uri}
        assert problems_of(log) == []
    assert unquote("a%20b/%C3%BC%25.yml") == "a b/ü%.yml"


def test_the_schema_of_the_test_refuses_what_is_wrong() -> None:
    """Else the tests above would say little."""
    log = sarif_log([Finding("bad-value", "error", "no", Place("f", 1, 1))])
    result = log["runs"][0]["results"][0]
    for key, value in (
        ("level", "fatal"),
        ("message", "no"),
        ("ruleIndex", -2),
        ("locations", [{"uri": "f"}]),
        ("x", 1),
    ):
        broken = json.loads(json.dumps(log))
        broken["runs"][0]["results"] = [result | {key: value}]
        assert problems_of(broken) != [], key


def test_sarif_is_printed_as_json(tmp_path: Path) -> None:
    code, output = _lint(tmp_path, WARNED, "--format", "sarif")
    assert code == 0
    assert json.loads(output)["runs"][0]["results"][0]["level"] == "warning"
