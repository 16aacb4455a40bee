"""The printed forms of `riskgate lint`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from rules import Finding, Loaded
from rules.findings import render

Form = Literal["pretty", "json", "github", "junit", "sarif"]


def report(path: Path, loaded: Loaded, form: Form, *, strict: bool, color: bool) -> str:
    """What was found in the pack at `path`; `strict` makes warnings fail, which JUnit shows."""
    match form:
        case "json":
            return _json(loaded.findings)
        case "github":
            return "\n".join(map(_annotation, loaded.findings))
        case "junit":
            return _junit(path, loaded.findings, strict)
        case "sarif":
            from riskgate.sarif import sarif_log

            return json.dumps(sarif_log(loaded.findings), indent=2, ensure_ascii=False)
    return _pretty(path, loaded, color)


def count_errors(findings: Sequence[Finding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


def _pretty(path: Path, loaded: Loaded, color: bool) -> str:
    errors = count_errors(loaded.findings)
    held = f"{_count(len(loaded.pack.rules), 'rule')}, " if loaded.pack else ""
    ended = f"{path}: {held}{_count(errors, 'error')}, {_count(len(loaded.findings) - errors, 'warning')}"
    return f"{render(loaded.findings, color=color)}\n\n{ended}" if loaded.findings else ended


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _json(findings: Sequence[Finding]) -> str:
    """One object a finding: what `Finding` has, with its place flat and without the excerpt."""
    rows = []
    for finding in findings:
        row = asdict(finding)
        place = row.pop("place")
        del row["excerpt"], row["start"]
        rows.append(row | place)
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _annotation(finding: Finding) -> str:
    from riskgate.workflow import annotation

    place = finding.place
    message = finding.message if finding.hint is None else f"{finding.message}\n{finding.hint}"
    title = f"{finding.code} ({place.rule})" if place.rule else finding.code
    return annotation(
        finding.severity,
        message,
        file=place.file,
        line=place.line,
        title=title,
        column=place.column,
        width=finding.width,
    )


def _junit(path: Path, findings: Sequence[Finding], strict: bool) -> str:
    """A test a finding, which fails where the exit code is not 0 for it; one that passes where nothing was found."""
    from riskgate.junit import JunitCase, junit_xml

    cases = []
    for finding in findings:
        place, text = finding.place, render([finding])
        failing = strict or finding.severity == "error"
        name = f"{finding.code} {Path(place.file).name}:{place.line}:{place.column}"
        failure, remark = (text, None) if failing else (None, text)
        group = place.rule or "pack"
        cases.append(JunitCase(name, group, place.file, place.line, failure, finding.severity, remark))
    if not cases:
        cases.append(JunitCase("no findings", "pack", str(path), 1))
    return junit_xml(f"riskgate lint {path}", cases)
