"""The image, as far as it can be had without docker: what the Dockerfile says, its steps carried out in a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import ROOT
from support.dockerfiles import Stage, context, stages
from support.permissions import BOUND, allow_writing, forbid_writing

BUILD, IMAGE = stages(ROOT / "deploy" / "Dockerfile")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
STATE = "/var/lib/riskgate"
PACK = Path("packs") / "game-points"
TIMEOUT_S = 600


def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def test_both_stages_stand_on_one_pinned_python_that_we_support() -> None:
    assert BUILD.base == IMAGE.base
    version = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-[a-z]+", IMAGE.base)
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in SETTINGS["project"]["classifiers"]


def test_it_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    user, group = IMAGE.only("USER").text.split(":")
    assert int(user) > 1_000
    assert int(group) > 1_000
    assert IMAGE.only("VOLUME").words == [STATE]
    assert f"--owner={user} --group={group}" in IMAGE.only("RUN").text
    assert STATE in IMAGE.only("RUN").words
    assert IMAGE.only("STOPSIGNAL").text == "SIGTERM"
    assert IMAGE.only("ENTRYPOINT").words == ["riskgate"]
    health = IMAGE.only("HEALTHCHECK")
    assert health.options.keys() == {"start-period", "interval", "timeout", "retries"}
    assert json.loads(health.text.partition("CMD ")[2])[:3] == ["riskgate", "health", STATE]
    assert not IMAGE.all("ADD")
    assert not [*BUILD.all("ARG"), *IMAGE.all("ARG")]


def test_both_stages_compile_for_the_same_processor() -> None:
    assert BUILD.environment["NUMBA_CPU_NAME"] == IMAGE.environment["NUMBA_CPU_NAME"] == "generic"


def test_nothing_but_what_is_built_is_sent_to_docker() -> None:
    sent = context(ROOT, [*files(), ".venv/bin/python", ".git/config", ".services/kafka/log", "secrets.properties"])
    tops = {path.partition("/")[0] for path in sent}
    assert tops == {*ROOMS, "constraints.txt", "pyproject.toml", "README.md"}
    assert context(ROOT, ["rules/__pycache__/x.pyc", "rules/packs/__pycache__/y", "tests/rules/a.py"]) == []
    assert set(sent) >= {path for path in files() if path.partition("/")[0] in ROOMS}


def test_all_that_is_copied_is_there() -> None:
    copied = [each for stage in (BUILD, IMAGE) for each in stage.all("COPY")]
    assert len(copied) == 4
    for instruction in copied:
        *sources, _ = instruction.operands
        if "from" in instruction.options:
            assert instruction.options["from"] == BUILD.name
            assert sources == ["/opt/riskgate"]
        else:
            assert all((ROOT / source).exists() for source in sources)


class Folder:
    """Carries out the steps of a stage with a folder in the place of `/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.programs = root / "usr" / "local" / "bin"
        self.programs.mkdir(parents=True)
        (self.programs / "python").symlink_to(sys.executable)
        (self.programs / "pip").write_text(f'#!/bin/sh\nexec {sys.executable} -m pip "$@"\n', encoding="utf-8")
        (self.programs / "pip").chmod(0o755)

    def inside(self, text: str) -> str:
        """The text with all absolute paths moved into the folder."""
        return re.sub(r"(?<![\w.$}/])/(src|wheels|opt|packs|tmp|var)\b", rf"{self.root}/\1", text)

    def environment(self, stage: Stage) -> dict[str, str]:
        """What the stage sets; but packages may come from pip's cache, as docker's layers would be cached."""
        own = {name: self.inside(value) for name, value in stage.environment.items() if name != "PIP_NO_CACHE_DIR"}
        own["PATH"] = own.get("PATH", "$PATH").replace("$PATH", f"{self.programs}:/usr/bin:/bin")
        hidden = ("NUMBA_", "PYTHON", "XDG_", "VIRTUAL_ENV", "PIP_FIND_LINKS")
        return {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | own

    def run(self, stage: Stage, *command: str) -> str:
        done = subprocess.run(
            command,
            env=self.environment(stage),
            cwd=self.root / "src",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def build(self, stage: Stage) -> None:
        """The steps of the first stage."""
        assert stage.only("WORKDIR").text == "/src"
        (self.root / "src").mkdir()
        for instruction in stage.instructions:
            if instruction.name == "COPY":
                *sources, target = instruction.operands
                assert target == "."
                self._copy(sources)
            elif instruction.name == "RUN":
                self.run(stage, "bash", "-c", self.inside(instruction.text))

    def _copy(self, sources: list[str]) -> None:
        for path in context(ROOT, files()):
            if sources == ["."] or path in sources:
                target = self.root / "src" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, target)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """The image's files, none of which can be written apart from those in /tmp."""
    folder = Folder(tmp_path_factory.mktemp("image").resolve())
    folder.build(BUILD)
    shutil.copytree(ROOT / "rules" / "packs", folder.root / "packs")
    shutil.rmtree(folder.root / "wheels")
    forbid_writing(folder.root)
    folder.root.chmod(0o755)
    (folder.root / "tmp").mkdir()
    yield folder
    allow_writing(folder.root)


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[^a-z-]", line)[0] for line in requirements}


def kernels(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.nb[ic]")}


def test_it_decides_at_once_though_its_files_cannot_be_written(built: Folder) -> None:
    shipped = kernels(built.root / "opt")
    assert len(shipped) > 50
    riskgate = built.inside("/opt/riskgate/bin/riskgate")
    events = ROOT / "docs" / "examples" / "card-testing.ndjson"
    files = ("--input", str(events), "--output", str(built.root / "tmp" / "decisions"))
    told = built.run(IMAGE, *BOUND, riskgate, "run", "--pack", str(built.root / PACK), *files)
    assert "decisions                5 " in told
    assert "compiled" not in told
    assert kernels(built.root / "tmp") == shipped


def test_it_says_that_it_is_not_healthy(built: Folder) -> None:
    health = json.loads(IMAGE.only("HEALTHCHECK").text.partition("CMD ")[2])
    told = built.run(IMAGE, "bash", "-c", built.inside(f"! {' '.join(health)}"))
    assert "no run has made progress" in told


def test_only_what_is_needed_to_run_is_in_it_and_as_pinned(built: Folder) -> None:
    listing = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
    printed = built.run(IMAGE, built.inside("/opt/riskgate/bin/python"), "-c", listing)
    there = {line.lower().replace("_", "-") for line in printed.split()}
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = set(re.findall(r"^[a-z0-9-]+==[^ \n]+", constraints, re.MULTILINE))
    assert there - pins == {f"riskgate=={SETTINGS['project']['version']}"}
    names = {line.partition("==")[0] for line in there}
    assert names >= named(SETTINGS["project"]["dependencies"])
    assert not names & {"pip", *named(SETTINGS["project"]["optional-dependencies"]["dev"])}
