"""Every riskgate command line that is deployed or told to operators is one that the command takes."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from riskgate.cli import cli
from support.commands import ROOT
from support.dockerfiles import stages

PACK = ROOT / "rules" / "packs" / "game-points"
BUILD, IMAGE = stages(ROOT / "deploy" / "Dockerfile")


def deployed() -> Iterator[tuple[str, list[str]]]:
    """Where a command line stands, and its arguments."""
    for instruction in BUILD.all("RUN"):
        for found in re.findall(r"/bin/riskgate (.*)", instruction.text):
            yield "Dockerfile, RUN", shlex.split(found)
    yield "Dockerfile, CMD", IMAGE.only("CMD").words
    yield "Dockerfile, HEALTHCHECK", json.loads(IMAGE.only("HEALTHCHECK").text.partition("CMD ")[2])[1:]
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    yield "compose.yaml", compose["services"]["riskgate"]["command"]
    folder = ROOT / "deploy" / "kubernetes"
    settings = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))["data"] | {"PROCESS": "1"}
    manifest = yaml.safe_load((folder / "statefulset.yaml").read_text(encoding="utf-8"))
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    yield (
        "statefulset.yaml, args",
        [re.sub(r"\$\((\w+)\)", lambda match: settings[match[1]], each) for each in container["args"]],
    )
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        line = container[probe]["exec"]["command"][-1].replace("$PROCESS", settings["PROCESS"])
        yield f"statefulset.yaml, {probe}", shlex.split(line.removeprefix("exec riskgate"))
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("riskgate "):
                yield "operations.md", shlex.split(line, comments=True)[1:]


LINES = list(deployed())


@pytest.mark.parametrize("arguments", [pytest.param(line, id=place) for place, line in LINES])
def test_the_command_takes_it(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a container has mounted is put in the place of its paths; nothing is run."""
    monkeypatch.chdir(ROOT)
    secrets = tmp_path / "kafka.properties"
    secrets.write_text("", encoding="utf-8")
    mounted = {"/packs/game-points": PACK, "/packs/mounted": PACK, "/etc/riskgate/kafka.properties": secrets}
    here = []
    for argument in arguments:
        option, equals, value = argument.rpartition("=")
        here.append(f"{option}{equals}{mounted.get(value, value)}")
    if here == ["--help"]:
        assert "--help" in cli.get_help_option_names(click.Context(cli))
    else:
        command = cli.get_command(click.Context(cli), here[0])
        assert command is not None, here[0]
        command.make_context(here[0], here[1:])


def test_they_are_all_found() -> None:
    places = [place for place, _ in LINES]
    assert {"compose.yaml", "statefulset.yaml, args", "statefulset.yaml, livenessProbe"} <= set(places)
    assert places.count("operations.md") >= 2
