"""Every room says what it is for, and `__all__` is exactly what it offers."""

import importlib
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
ROOMS = tuple(BUILT["targets"]["wheel"]["packages"])

every_room = pytest.mark.parametrize("name", ROOMS)


@every_room
def test_all_is_what_is_public(name: str) -> None:
    room = importlib.import_module(name)
    public = {each for each, value in vars(room).items() if each[0] != "_" and not isinstance(value, ModuleType)}
    assert set(getattr(room, "__all__", ())) == public


@every_room
def test_it_says_what_it_is_for(name: str) -> None:
    doc = importlib.import_module(name).__doc__
    assert doc is not None
    assert doc.partition("\n")[0].endswith((".", ";"))


@every_room
def test_every_file_says_what_it_is_for(name: str) -> None:
    for path in (ROOT / name).rglob("*.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path


def test_every_folder_of_code_is_a_room() -> None:
    others = {"benchmarks", "scripts", "tests"}
    folders = {path.parent.name for path in ROOT.glob("*/*.py")} - others
    assert folders - {each for each in folders if each.startswith(".")} == set(ROOMS)


def test_the_architecture_page_lists_the_rooms_in_their_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition("\n## Rooms\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)) == ROOMS
