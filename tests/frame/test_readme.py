"""README.md says what is so: its commands are run as typed, its output, rule and links are held to the real ones."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from confluent_kafka import Producer

from flows.kafka import read_settings
from riskgate.cli import cli
from support.commands import riskgate
from support.services import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TIMEOUT_S = 180
"""The first run of all compiles the kernels."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def typed() -> Iterator[tuple[str, str]]:
    """Each command of the console blocks with the output shown below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def pattern_of(shown: str) -> str:
    """What the real output must match: times, rates and the hash of the pack vary, a line of dots stands for any."""
    pattern = re.escape(shown)
    pattern = re.sub(r"\\\.\\\.\\\.\\\n", "(?:.*\n)*", pattern)
    pattern = re.sub(r"\d+\\\.\d\\ s\b", r"[\\d,.]+ s", pattern)
    return re.sub(r"[\d,]+\\ a\\ second", r"[\\d,]+ a second", pattern)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each command of the console blocks really prints, run in a folder that looks like the checkout."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("rules", "docs", "tests"):
        (folder / name).symlink_to(ROOT / name)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    printed: dict[str, list[str]] = {}
    for command, _ in typed():
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        # A slow machine says that it loads the kernels; README is of one that has done so.
        printed.setdefault(command, []).append(re.sub(r"riskgate: loading the kernels.*\n", "", done.stdout))
        if command.endswith(" decisions.ndjson"):
            printed["decisions"] = (folder / "decisions.ndjson").read_text(encoding="utf-8").splitlines()
    return printed


def test_commands_print_what_is_shown(outputs: dict[str, list[str]]) -> None:
    assert len(list(typed())) >= 8
    real = {command: iter(printed) for command, printed in outputs.items()}
    for command, shown in typed():
        output = next(real[command])
        assert re.fullmatch(pattern_of(shown), output), f"{command}\nprints\n{output}"


def test_the_decision_shown_is_a_real_one(outputs: dict[str, list[str]]) -> None:
    (block,) = blocks("json")
    shown = json.loads(block)
    real = next(
        row for row in map(json.loads, outputs["decisions"]) if row["transaction_id"] == shown["transaction_id"]
    )
    assert re.fullmatch(r"game-points@[0-9a-f]{12}", shown.pop("pack"))
    del real["pack"]
    assert shown == real


def test_the_rule_shown_is_in_the_pack() -> None:
    (block,) = blocks("yaml")
    features, rule = block.split("\nrules:\n")
    pack = ROOT / "rules" / "packs" / "game-points"
    for line in features.splitlines()[1:]:
        assert line in (pack / "pack.yml").read_text(encoding="utf-8")
    assert rule in (pack / "cards.yml").read_text(encoding="utf-8")


def commands() -> Iterator[list[str]]:
    """The words of every command in the README: blocks, and text in backquotes that begins with riskgate or make."""
    lines = [command for command, _ in typed()]
    for block in blocks("sh"):
        lines += block.replace("\\\n", " ").splitlines()
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE)
    lines += re.findall(r"`((?:riskgate|make) [^`]+)`", prose)
    for line in lines:
        for part in line.split("|"):
            words = shlex.split(part, comments=True)
            if words:
                yield words


def test_every_command_and_option_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    context = click.Context(cli)
    seen = set()
    for program, name, *arguments in (words for words in commands() if words[0] in {"riskgate", "make"}):
        if program == "make":
            assert name in targets
        else:
            command = cli.get_command(context, name)
            assert command is not None, name
            if isinstance(command, click.Group):
                command = command.get_command(context, arguments[0])
                assert command is not None, arguments
            options = {option for parameter in command.params for option in parameter.opts}
            assert {argument for argument in arguments if argument.startswith("--")} <= options
        seen.add((program, name))
    assert {("riskgate", name) for name in ("run", "lint", "test")} <= seen
    run = cli.get_command(context, "run")
    assert run is not None
    options = {option for parameter in run.params for option in parameter.opts}
    prose = re.sub(r"`riskgate [^`]+`", "", re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE))
    assert set(re.findall(r"`(--[a-z-]+)", prose)) <= options | {"--strict"}


def test_the_entry_shown_blocks_the_device(redis_db: str) -> None:
    shown_url = "redis://localhost:6379/0"
    shown = [words for words in commands() if words[:3] == ["riskgate", "lists", "add"] and shown_url in words]
    assert len(shown) == 1
    done = riskgate(*(redis_db if word == shown_url else word for word in shown[0][1:]))
    assert done.returncode == 0, done.stderr
    files = ("--input", "docs/examples/card-testing.ndjson", "--output", "-")
    done = riskgate("run", "--pack", "rules/packs/game-points", *files, "--store", redis_db)
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["transaction_id"], first["action"]) == ("t1", "block")


def test_librdkafka_has_the_settings_shown(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text("sasl.password=secret\n", encoding="utf-8")
    shown = re.findall(r"--kafka-config (\S+)", README)
    assert len(shown) == 3
    Producer(read_settings(shown, secrets).of_producer("127.0.0.1:1"))


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in headings(target), link
