"""Packs named after their flaw, with exactly what is said about them."""

from pathlib import Path

import pytest

from rules import CODES, Loaded, load
from rules.findings import render, severity_of

FLAWS = Path(__file__).parent / "flaws"
NAMES = sorted(folder.name for folder in FLAWS.iterdir())
AS_OF_MS = 1_790_000_000_000
"""Late in September 2026."""


def _load(name: str) -> Loaded:
    """The pack, with its overlay `prod` if it has one."""
    overlay = "prod" if (FLAWS / name / "overlays" / "prod.yml").exists() else None
    return load(Path(name), overlay, AS_OF_MS)


@pytest.fixture(autouse=True)
def in_the_folder_of_flaws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FLAWS)


@pytest.mark.parametrize("name", NAMES)
def test_the_flaw_is_found(name: str) -> None:
    expected = (FLAWS / name / "expected.txt").read_text(encoding="utf-8")
    assert render(_load(name).findings) + "\n" == expected


@pytest.mark.parametrize("name", NAMES)
def test_an_error_keeps_the_pack_from_loading(name: str) -> None:
    loaded = _load(name)
    assert (loaded.pack is None) == any(finding.severity == "error" for finding in loaded.findings)


def test_every_code_has_a_flaw() -> None:
    found = {finding.code for name in NAMES for finding in _load(name).findings}
    assert found == set(CODES)


def test_the_severity_belongs_to_the_code() -> None:
    for name in NAMES:
        for finding in _load(name).findings:
            assert finding.severity == severity_of(finding.code)
