"""The work of `riskgate test`: run the tests inside a pack, print how they ended."""

import json
import time
from pathlib import Path
from typing import Literal

import click

import rules
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE
from riskgate.junit import JunitCase, junit_xml
from riskgate.waiting import load_kernels
from riskgate.watching import POLL_S, changes
from riskgate.workflow import annotation
from rules import Pack
from rules.findings import render
from workbench import Branch, CaseResult, Report, run_cases

Form = Literal["pretty", "json", "github", "junit"]

UNSEEN_MAX = 3
"""So many branches are named in the pretty form."""


def run_tests(path: Path, overlay: str | None, form: Form) -> int:
    """Returns the exit code; `overlay` is the name of one of the pack's."""
    started_s = time.monotonic()
    loaded = rules.load(path, overlay)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    load_kernels(loaded.pack)
    report = run_cases(loaded.pack)
    elapsed_s = time.monotonic() - started_s
    told = _told(loaded.pack, report, form, elapsed_s)
    if told:
        click.echo(told)
    return EXIT_FINDINGS if report.failures else EXIT_FINE


def watch_tests(path: Path, overlay: str | None, form: Form) -> None:
    """Runs the tests now and after each change of the pack's files, until it is interrupted."""
    for _ in changes(path, lambda: time.sleep(POLL_S)):
        run_tests(path, overlay, form)


def _told(pack: Pack, report: Report, form: Form, elapsed_s: float) -> str:
    match form:
        case "json":
            return _json(pack, report, elapsed_s)
        case "github":
            return "\n".join(map(_annotation, report.failures))
        case "junit":
            return junit_xml(f"riskgate test {pack.name}", [_junit(result) for result in report.results], elapsed_s)
    return _pretty(report, elapsed_s)


def _annotation(failure: CaseResult) -> str:
    case = failure.case
    return annotation(
        "error", "\n".join(failure.problem), file=case.file, line=case.line, title=f"{failure.rule}: {case.name}"
    )


def _junit(result: CaseResult) -> JunitCase:
    case = result.case
    failure = "\n".join(result.problem) if result.problem else None
    return JunitCase(case.name, result.rule, case.file, case.line, failure, "failed")


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
    both = sum(min(sides) > 0 for sides in report.sides.values())
    lines.append(f"rules tested on both sides: {both} of {len(report.sides)}")
    unseen = [branch for branch in report.branches if not branch.is_covered]
    seen = len(report.branches) - len(unseen)
    lines.append(f"branches of conditions seen true and seen false: {seen} of {len(report.branches)}")
    lines += [f"  {branch.rule}: {_unseen(branch)}" for branch in unseen[:UNSEEN_MAX]]
    if len(unseen) > UNSEEN_MAX:
        lines.append(f"  and {len(unseen) - UNSEEN_MAX} more, which --format json lists")
    return "\n".join(lines)


def _unseen(branch: Branch) -> str:
    ways = [way for way, count in (("true", branch.true), ("false", branch.false)) if not count]
    return f"`{branch.text}` was never {' nor '.join(ways)}"


def _json(pack: Pack, report: Report, elapsed_s: float) -> str:
    document = {
        "pack": pack.version,
        "tests": len(report.results),
        "failed": len(report.failures),
        "live_rules": report.live_rules,
        "gaps": [{"rule": gap.rule, "no_test_that_must": gap.side} for gap in report.gaps],
        "rules": [
            {"rule": rule, "must_match": matching, "must_not_match": other}
            for rule, (matching, other) in report.sides.items()
        ],
        "branches": [
            {"rule": branch.rule, "text": branch.text, "true": branch.true, "false": branch.false}
            for branch in report.branches
        ],
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
