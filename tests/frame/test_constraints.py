"""constraints.txt pins all there is, by hash, and names no place to fetch it from."""

import re
import tomllib

from support.services import ROOT

CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PINS = re.findall(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\\n((?:    --hash=\S+(?: \\)?\n)+)", CONSTRAINTS, re.MULTILINE)


def test_every_requirement_is_pinned_by_hash() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(PINS) == len(lines)
    assert all(re.fullmatch(r"(?:\s*--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", hashes) for _, _, hashes in PINS)


def test_every_dependency_of_the_project_is_pinned() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"], *settings["build-system"]["requires"]]
    assert {re.split(r"[^a-z-]", line)[0] for line in named} <= {name for name, _, _ in PINS}


def test_no_registry_and_no_path_is_named() -> None:
    assert re.findall(r"://|--index-url|--find-links|(?<= )/\w+", CONSTRAINTS) == []
