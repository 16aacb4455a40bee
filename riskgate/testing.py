"""The work of `riskgate test`: run the tests inside a pack, print how they ended."""

import json
import time
from pathlib import Path

import click

import rules
from engine import Engine
from riskgate.waiting import loading_kernels
from rules import Pack
from rules.findings import render
from workbench import CaseResult, Report, run_cases

EXIT_FINE = 0
EXIT_FINDINGS = 3


def run_tests(path: Path, overlay: str | None, form: str) -> int:
    """Returns the exit code; `overlay` is the name of one of the pack's, `form` is `pretty` or `json`."""
    started_s = time.monotonic()
    loaded = rules.load(path, overlay)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    with loading_kernels():
        Engine(loaded.pack)
    report = run_cases(loaded.pack)
    elapsed_s = time.monotonic() - started_s
    click.echo(_json(loaded.pack, report, elapsed_s) if form == "json" else _pretty(report, elapsed_s))
    return EXIT_FINDINGS if report.failures else EXIT_FINE


def _pretty(report: Report, elapsed_s: float) -> str:
    lines: list[str] = []
    for failure in report.failures:
        lines.append(click.style(f"failed: {failure.rule}: {failure.case.name}", fg="red", bold=True))
        lines.append(f"  --> {failure.case.file}:{failure.case.line}")
        lines += [f"  {line}" for line in failure.problem]
        lines.append("")
    tested = len({result.rule for result in report.results})
    failed = len(report.failures)
    ended = f"{len(report.results) - failed} passed, {failed} failed, {elapsed_s:.1f} s"
    lines.append(f"{len(report.results)} tests in {tested} rules: {ended}")
    covered = report.live_rules - len({gap.rule for gap in report.gaps})
    lines.append(f"live rules tested on both sides: {covered} of {report.live_rules}")
    lines += [f"  {gap.rule} has no test that must {gap.side}" for gap in report.gaps]
    return "\n".join(lines)


def _json(pack: Pack, report: Report, elapsed_s: float) -> str:
    document = {
        "pack": pack.version,
        "tests": len(report.results),
        "failed": len(report.failures),
        "live_rules": report.live_rules,
        "gaps": [{"rule": gap.rule, "no_test_that_must": gap.side} for gap in report.gaps],
        "results": [_row(result) for result in report.results],
        "elapsed_s": round(elapsed_s, 3),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _row(result: CaseResult) -> dict[str, object]:
    case = result.case
    return {
        "rule": result.rule,
        "test": case.name,
        "file": case.file,
        "line": case.line,
        "passed": not result.problem,
        "problem": list(result.problem),
    }
