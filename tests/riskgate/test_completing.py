"""Completion as a shell asks for it: commands, options, and the names of the pack that is named before."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from riskgate.cli import COMMANDS, cli
from riskgate.completing import COMPLETED, lists_in, overlays_in, rules_in
from rules import load
from support.commands import ROOT

PACK = ROOT / "rules" / "packs" / "game-points"


def offered(*words: str) -> list[str]:
    """What bash is offered for the last of the words."""
    asked = {"_RISKGATE_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "riskgate"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    shutil.copytree(PACK, tmp_path / "pack")
    (tmp_path / "pack" / "overlays").mkdir()
    for name in ("prod", "probe", "test"):
        (tmp_path / "pack" / "overlays" / f"{name}.yml").write_text("rules: {}\n")
    return tmp_path / "pack"


def test_commands_and_options_are_offered() -> None:
    assert offered("riskgate", "") == sorted([*COMMANDS, "completion"])
    assert offered("riskgate", "rep") == ["replay"]
    assert offered("riskgate", "explain", "--da") == ["--data"]
    assert offered("riskgate", "lists", "re") == ["remove"]
    assert offered("riskgate", "lint", "--format", "g") == ["github"]


def test_names_of_the_pack_are_offered(pack: Path) -> None:
    assert offered("riskgate", "explain", "t1", "--pack", str(pack), "--overlay", "pro") == ["probe", "prod"]
    assert offered("riskgate", "lists", "show", "--pack", str(pack), "blocked_") == [
        "blocked_devices",
        "blocked_payees",
    ]
    assert offered("riskgate", "tune", str(pack), "game.card_d") == ["game.card_drip"]
    assert offered("riskgate", "promote", str(pack), "game.crowded") == ["game.crowded_device"]
    assert offered("riskgate", "lists", "show", "blocked_") == []
    (pack / "pack.yml").write_text("rules: [")
    assert offered("riskgate", "lists", "show", "--pack", str(pack), "blocked_") == []


def test_names_are_those_that_load(pack: Path) -> None:
    loaded = load(pack).pack
    assert loaded is not None
    assert list(rules_in(pack)) == [rule.id for rule in loaded.rules]
    assert list(lists_in(pack)) == list(loaded.lists)
    assert list(overlays_in(pack)) == ["probe", "prod", "test"]
    (pack / "cards.yml").write_text("rules: [{id: a.b, wen: 1}, {idd: x}, 5]\n")
    assert next(iter(rules_in(pack))) == "a.b"


def test_every_parameter_of_such_a_name_completes() -> None:
    found = set()
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        for each in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            for param in each.params:
                if param.name in COMPLETED:
                    found.add(param.name)
                    assert param.type is COMPLETED[param.name]
    assert found == set(COMPLETED)
