"""SARIF 2.1.0 (OASIS): findings as code scanning services read them."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rules import Finding
from rules.findings import severity_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(findings: Sequence[Finding]) -> dict[str, Any]:
    """The log of one run; its rules are the codes that were found."""
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "riskgate",
        "version": version("riskgate"),
        "rules": [{"id": code, "defaultConfiguration": {"level": severity_of(code)}} for code in codes],
    }
    results = [_result(finding, codes.index(finding.code)) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    place = finding.place
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + finding.width}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, "region": region},
    }
    if place.rule is not None:
        location["logicalLocations"] = [{"name": place.rule, "kind": "member"}]
    text = finding.message if finding.hint is None else f"{finding.message} ({finding.hint})"
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [location],
    }


def _uri(file: str) -> str:
    """A file's place as a URI reference; a relative path stays relative to where the command ran."""
    path = Path(file)
    if path.is_absolute():
        return f"file://{quote(path.as_posix(), errors='surrogateescape')}"
    return quote(path.as_posix(), errors="surrogateescape")
