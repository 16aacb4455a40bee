"""The command `riskgate lint`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskgate.commands.lint import command
from support.rule_packs import write_pack

_WARNING = "rules:\n- {id: a.rule, when: amount > 5, then: review, mode: live}\n"
_ERROR = "rules:\n- {id: a.rule, when: amout > 5, then: review}\n"
_CLEAN = "rules:\n- {id: a.rule, when: amount > 5, then: review}\n"


def _lint(folder: Path, body: str, *options: str) -> Result:
    return CliRunner().invoke(command, [str(write_pack(folder, body)), *options])


@pytest.mark.parametrize(
    ("body", "options", "code"),
    [
        (_CLEAN, (), 0),
        (_CLEAN, ("--strict",), 0),
        (_WARNING, (), 0),
        (_WARNING, ("--strict",), 2),
        (_ERROR, (), 3),
        (_ERROR, ("--strict",), 3),
    ],
)
def test_the_exit_code_says_what_was_found(tmp_path: Path, body: str, options: tuple[str, ...], code: int) -> None:
    assert _lint(tmp_path, body, *options).exit_code == code


def test_the_pretty_form_ends_with_a_count(tmp_path: Path) -> None:
    lines = _lint(tmp_path, _ERROR).output.splitlines()
    assert lines[0] == "error[unknown-field]: `amout` is not a field of `payment`"
    assert lines[-1] == f"{tmp_path}: 1 error, 0 warnings"


def test_a_clean_pack_is_said_to_be_clean(tmp_path: Path) -> None:
    assert _lint(tmp_path, _CLEAN).output == f"{tmp_path}: 1 rule, 0 errors, 0 warnings\n"


def test_the_json_form_has_one_object_a_finding(tmp_path: Path) -> None:
    assert json.loads(_lint(tmp_path, _ERROR, "--format", "json").output) == [
        {
            "code": "unknown-field",
            "severity": "error",
            "message": "`amout` is not a field of `payment`",
            "hint": "did you mean `amount`?",
            "file": str(tmp_path / "pack.yml"),
            "line": 6,
            "column": 22,
            "width": 5,
            "rule": "a.rule",
        }
    ]


def test_nothing_heavy_is_imported() -> None:
    source = "import sys, riskgate.commands.lint; print(*sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, cwd=root)
    assert not {"numpy", "numba", "rich", "bytewax", "confluent_kafka", "redis"} & set(done.stdout.split())
