"""What the built wheel holds, and that the command works from it alone."""

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from support.services import ROOT

PACKAGES = {
    "riskgate",
    "flows",
    "journal",
    "simulator",
    "workbench",
    "engine",
    "rules",
    "detectors",
    "windows",
    "stores",
    "schemas",
}
DATA = {"rules": {".yml", ".csv", ".md", ".json"}, "schemas": {".json"}}
SHIPPED_PACK = "rules/packs/game-points"


def call(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    call(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """A virtual environment with the wheel, and with this environment's packages for its dependencies."""
    environment = wheel.parent / "venv"
    call(sys.executable, "-m", "venv", "--without-pip", environment, cwd=wheel.parent)
    python = environment / "bin" / "python"
    call(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=wheel.parent,
    )
    paths = {name: sysconfig.get_path(name) for name in ("purelib", "platlib")}
    library = Path(
        call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=wheel.parent).strip()
    )
    (library / "dependencies.pth").write_text("\n".join(dict.fromkeys(paths.values())) + "\n")
    return environment


def in_wheel(wheel: Path) -> set[PurePosixPath]:
    with ZipFile(wheel) as archive:
        paths = {PurePosixPath(name) for name in archive.namelist()}
    return {path for path in paths if not path.parts[0].endswith(".dist-info")}


def test_the_rooms_and_nothing_else_are_inside(wheel: Path) -> None:
    assert {path.parts[0] for path in in_wheel(wheel)} == PACKAGES


def test_every_file_of_a_room_is_inside(wheel: Path) -> None:
    listed = call("git", "ls-files", "--cached", "--others", "--exclude-standard", *sorted(PACKAGES), cwd=ROOT)
    present = {PurePosixPath(line) for line in listed.splitlines() if (ROOT / line).exists()}
    assert in_wheel(wheel) == present


def test_only_rules_and_schemas_bring_data(wheel: Path) -> None:
    strangers = {str(path) for path in in_wheel(wheel) if path.suffix not in {".py", *DATA.get(path.parts[0], set())}}
    assert strangers == set()


def test_the_linter_contracts_cover_the_packages() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = tool["importlinter"]["contracts"][0]["layers"]
    assert set(layers) == set(tool["importlinter"]["root_packages"]) == PACKAGES


def test_the_command_answers_from_the_wheel(installed: Path) -> None:
    where = call(installed / "bin" / "python", "-c", "import riskgate; print(riskgate.__file__)", cwd=installed)
    assert Path(where.strip()).is_relative_to(installed.resolve())
    assert "Usage: riskgate" in call(installed / "bin" / "riskgate", "--help", cwd=installed)


def test_the_shipped_pack_is_sound(installed: Path) -> None:
    (pack,) = installed.glob(f"lib/*/site-packages/{SHIPPED_PACK}")
    call(installed / "bin" / "riskgate", "lint", pack, cwd=installed)
