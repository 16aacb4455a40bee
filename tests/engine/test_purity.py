"""The core reads no clock, no random source, no network and no file: its sources are searched for what could."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPURE = {
    *("time", "random", "secrets", "uuid", "os", "socket", "ssl", "http", "urllib", "asyncio", "selectors"),
    *("subprocess", "threading", "multiprocessing", "tempfile", "shutil", "pathlib", "sqlite3"),
    *("bytewax", "confluent_kafka", "redis"),
}
ALLOWED = {
    "windows/jit.py": {"os", "pathlib", "shutil", "tempfile"},  # where compiled kernels are cached, before any event
    "rules/models.py": {"pathlib"},  # rules are read from files when a pack is loaded
    "rules/loader.py": {"pathlib"},
    "rules/lists.py": {"pathlib"},
    "rules/rate_reader.py": {"pathlib"},
    "rules/contents.py": {"pathlib", "tempfile"},  # commands and runs put a version's files back where a pack is loaded
    "rules/definitions.py": {"pathlib"},
    "rules/jsonschema.py": {"pathlib"},  # tools, which nothing imports
    "schemas/jsonschema.py": {"pathlib"},
}
READERS = {"open", "input", "print", "eval", "__import__"}
CLOCKS = {"now", "today", "utcnow"}
SOURCES = sorted(
    path for room in ("engine", "rules", "windows", "detectors", "schemas") for path in (ROOT / room).glob("**/*.py")
)


def imported(tree: ast.Module) -> Iterator[str]:
    """The first names of all modules that are imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_impure_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert IMPURE.intersection(imported(tree)) == ALLOWED.get(path.relative_to(ROOT).as_posix(), set())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_impure_is_called(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    attributes = {call.attr for call in calls if isinstance(call, ast.Attribute)}
    assert not READERS & names
    assert not CLOCKS & attributes


def test_the_rooms_were_found() -> None:
    assert len(SOURCES) > 40
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == {
        "engine",
        "rules",
        "windows",
        "detectors",
        "schemas",
    }
    assert set(ALLOWED) <= {path.relative_to(ROOT).as_posix() for path in SOURCES}


def test_jsonschema_is_imported_by_nothing_of_the_core() -> None:
    assert not [
        path
        for path in SOURCES
        if ".jsonschema import" in path.read_text(encoding="utf-8") and path.stem != "jsonschema"
    ]
