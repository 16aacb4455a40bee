"""The work of `riskgate promote`, `approve` and `rollback`: put another version of a pack in force, and record it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from engine import Engine
from riskgate.homes import contents_of, home_of
from riskgate.past import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.records import line_of, measured_line, waiting_in
from riskgate.waiting import loading_kernels
from rules import Finding
from rules.contents import ContentsError, load_files
from rules.findings import render
from rules.models import Mode
from stores import Files, HomeError, Record, version_before, versions_in_force
from workbench.differences import difference
from workbench.promotion import REPORT_BYTES_MAX, Promotion, RefusedError, UnreadyError, promotion


class _BadPackError(Exception):
    """A pack that has errors."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(render(findings))


def promote(folder: Path, rule_id: str, to: Mode, report: Path, who: str, why: str) -> int:
    """Returns the exit code."""
    return _code(lambda: _promote(folder, rule_id, to, report, who, why))


def approve(folder: Path, number: int, who: str, why: str) -> int:
    """Returns the exit code."""
    return _code(lambda: _approve(folder, number, who, why))


def roll_back(folder: Path, to: str | None, who: str, why: str) -> int:
    """Returns the exit code."""
    return _code(lambda: _roll_back(folder, to, who, why))


def _promote(folder: Path, rule_id: str, to: Mode, report: Path, who: str, why: str) -> None:
    home = home_of(folder)
    contents, records = contents_of(folder), home.records()
    if contents.loaded.pack is None:
        raise _BadPackError(contents.loaded.findings)
    with loading_kernels():
        Engine(contents.loaded.pack)
    found = promotion(contents, rule_id, to, _read(report))
    record = Record(
        number=len(records) + 1,
        action="propose" if to == "live" and contents.loaded.pack.approval else "promote",
        before=contents.version,
        after=found.version,
        who=who,
        why=why,
        at_ms=_now_ms(),
        rule=rule_id,
        from_mode=found.rule.mode,
        to_mode=to,
        backtest=found.measured,
    )
    _show(difference(contents.files, found.files))
    home.commit(record, found.files)
    _tell(record, found)
    if not record.changes:
        click.echo(f"  waits for a second person: riskgate approve {folder} {record.number} --why TEXT")


def _approve(folder: Path, number: int, who: str, why: str) -> None:
    home = home_of(folder)
    contents, records = contents_of(folder), home.records()
    proposal = _proposal(records, number, contents.version)
    if who.casefold() == proposal.who.casefold():
        raise RefusedError(f"expected a second person, got `{who}`, who proposed it: somebody else must approve")
    files = home.files(proposal.after)
    _check(files, f"{folder}@{proposal.after}")
    record = msgspec.structs.replace(
        proposal,
        number=len(records) + 1,
        action="approve",
        who=who,
        why=why,
        at_ms=_now_ms(),
        backtest=None,
        proposal=number,
    )
    _show(difference(contents.files, files))
    home.commit(record, files)
    click.echo(line_of(record))


def _proposal(records: Sequence[Record], number: int, now: str) -> Record:
    """The proposal of this number, if it waits. Raises RefusedError."""
    waiting = waiting_in(records, now)
    found = next((each for each in records if each.number == number and not each.changes), None)
    if found is not None and found in waiting:
        return found
    some = ", ".join(str(each.number) for each in waiting) or "none does"
    if found is None:
        raise RefusedError(f"expected the number of a proposal that waits ({some}), got {number}")
    by = next((each for each in records if each.proposal == number), None)
    if by is not None:
        raise RefusedError(f"expected a proposal that waits ({some}), got {number}, which `{by.who}` has approved")
    raise RefusedError(
        f"expected a proposal that waits ({some}), got {number}: the pack has changed since, from {found.before} to"
        f" {now}; promote again"
    )


def _roll_back(folder: Path, to: str | None, who: str, why: str) -> None:
    home = home_of(folder)
    contents, records = contents_of(folder), home.records()
    version = _target(records, contents.version, to)
    files = home.files(version)
    _check(files, f"{folder}@{version}")
    record = Record(
        number=len(records) + 1,
        action="rollback",
        before=contents.version,
        after=version,
        who=who,
        why=why,
        at_ms=_now_ms(),
    )
    _show(difference(contents.files, files))
    home.commit(record, files)
    click.echo(line_of(record))


def _target(records: Sequence[Record], now: str, to: str | None) -> str:
    """The version to go back to. Raises RefusedError."""
    version = version_before(records) if to is None else to
    if version is None:
        edited = records and records[-1].after != now
        undo = f"; --to {records[-1].after} undoes what was edited by hand since" if edited else ""
        raise RefusedError(f"expected a promotion that can be taken back, got none: see `riskgate history`{undo}")
    known = versions_in_force(records)
    if version not in known:
        some = f" such as {records[-1].before}" if records else ""
        raise RefusedError(
            f"expected a version{some} that was in force before, got `{version}`: see `riskgate history`"
        )
    if version == now:
        raise RefusedError(f"expected another version than the one that is in force, got {version}")
    return version


def _check(files: Files, name: str) -> None:
    """Raises _BadPackError where the files make no sound pack."""
    loaded = load_files(files, name)
    if loaded.pack is None:
        raise _BadPackError(loaded.findings)


def _read(report: Path) -> bytes:
    """The bytes of a report. Raises RefusedError."""
    try:
        with report.open("rb") as file:
            raw = file.read(REPORT_BYTES_MAX + 1)
    except OSError as error:
        raise RefusedError(f"expected a report that can be read, got `{report}`: {error.strerror}") from error
    if len(raw) > REPORT_BYTES_MAX:
        raise RefusedError(f"expected a report of at most {REPORT_BYTES_MAX:,} bytes, got more in `{report}`")
    return raw


def _show(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)


def _tell(record: Record, found: Promotion) -> None:
    click.echo(line_of(record))
    click.echo(f"  {found.tests:,} tests of the pack passed")
    click.echo(f"  {measured_line(found.measured)}")
    if found.unmeasured:
        click.echo(f"  not measured, since no event had it: {', '.join(found.unmeasured)}")


def _code(work: Callable[[], None]) -> int:
    """Does the work, tells what went wrong, and gives the exit code."""
    try:
        work()
    except _BadPackError as error:
        click.echo(str(error), err=True)
        return EXIT_FINDINGS
    except UnreadyError as error:
        click.echo(f"riskgate: refused: {error}", err=True)
        return EXIT_FINDINGS
    except (HomeError, RefusedError, ContentsError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    return EXIT_FINE


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
