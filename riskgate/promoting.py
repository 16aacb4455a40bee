"""The work of the commands that put another version of a pack in force, and record it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from riskgate.clock import clock_ms
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.homes import PUBLISH, Seat, seat_of
from riskgate.records import line_of, measured_lines, waiting_in
from riskgate.waiting import load_kernels
from rules import Finding
from rules.contents import Contents, ContentsError, load_files
from rules.findings import render
from rules.models import MODES, Mode
from schemas import content_hash
from stores import Action, Files, HomeError, Record, version_before, version_in_force, versions_in_force
from workbench.differences import difference
from workbench.modes import ModeError, with_mode
from workbench.promotion import (
    REPORT_BYTES_MAX,
    Promotion,
    RefusedError,
    UnreadyError,
    breaker_advice,
    promotion,
    publication,
)


class _BadPackError(Exception):
    """A pack that has errors."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(render(findings))


Pack = Path | str
"""A folder, or `store:NAME`."""


class Signed(NamedTuple):
    """Who changes a pack, why, and in which store, if in one."""

    who: str
    why: str
    store_url: str | None


def promote(pack: Pack, rule_id: str, to: Mode, report: Path, signed: Signed) -> int:
    """Returns the exit code."""
    return _code(lambda: _promote(pack, rule_id, to, report, signed))


def publish(pack: Path, report: Path | None, signed: Signed) -> int:
    """Returns the exit code."""
    return _code(lambda: _publish(pack, report, signed))


def approve(pack: Pack, number: int, signed: Signed) -> int:
    """Returns the exit code."""
    return _code(lambda: _approve(pack, number, signed))


def roll_back(pack: Pack, to: str | None, signed: Signed) -> int:
    """Returns the exit code."""
    return _code(lambda: _roll_back(pack, to, signed))


def _promote(pack: Pack, rule_id: str, to: Mode, report: Path, signed: Signed) -> None:
    seat = seat_of(pack, signed.store_url)
    draft = seat.draft()
    base = seat.base() if seat.shared and seat.own else draft
    if base is None:
        raise RefusedError(f"expected a version in force in {seat.home.name}, got none: {PUBLISH}")
    _make_ready(draft)
    seat.require_known(draft, base.version)
    found = promotion(draft, base, rule_id, to, _read(report))
    is_proposal = _needs_approval(draft, base) and (to == "live" or bool(found.along))
    _put(seat, base, found, "propose" if is_proposal else "promote", signed)


def _publish(pack: Path, report: Path | None, signed: Signed) -> None:
    seat = seat_of(pack, signed.store_url)
    draft, base = seat.draft(), seat.base()
    _make_ready(draft)
    if base is not None:
        seat.require_known(draft, base.version)
        if base.version == draft.version:
            raise RefusedError(f"expected changes to publish, got {base.version}, which is in force")
    found = publication(draft, base, None if report is None else _read(report))
    is_proposal = _needs_approval(draft, base) and (base is None or bool(found.along))
    _put(seat, base, found, "propose" if is_proposal else "publish", signed)


def _make_ready(draft: Contents) -> None:
    """Loads what tests need. Raises _BadPackError."""
    if draft.loaded.pack is None:
        raise _BadPackError(draft.loaded.findings)
    load_kernels(draft.loaded.pack)


def _needs_approval(*contents: Contents | None) -> bool:
    packs = [each.loaded.pack for each in contents if each is not None]
    return any(each is not None and each.approval is not None for each in packs)


def _put(seat: Seat, base: Contents | None, found: Promotion, action: Action, signed: Signed) -> None:
    """Shows what changes, puts it in force, and says what that rests on."""
    rule = found.rule
    record = Record(
        number=len(seat.home.records()) + 1,
        action=action,
        before=None if base is None else base.version,
        after=found.version,
        who=signed.who,
        why=signed.why,
        at_ms=clock_ms(),
        rule=None if rule is None else rule.id,
        from_mode=found.before,
        to_mode=found.to,
        backtest=found.measured,
        along=found.along,
    )
    if base is not None:
        _show(difference(base.files, found.files))
    seat.home.commit(record, found.files)
    for line in (line_of(record), f"  {found.tests:,} tests of the pack passed", *measured_lines(record, "  ")):
        click.echo(line)
    if found.unmeasured:
        click.echo(f"  not measured, since no event had it: {', '.join(found.unmeasured)}")
    if rule is not None and found.to == "live" and found.measured is not None:
        advice = breaker_advice(rule, found.measured)
        if advice is not None:
            click.echo(f"  {advice}")
    if not record.changes:
        click.echo(f"  waits for a second person: riskgate approve {seat.place} {record.number} --why TEXT")
        return
    seat.follow(record, found.files)


def _approve(pack: Pack, number: int, signed: Signed) -> None:
    seat = seat_of(pack, signed.store_url)
    base, records = seat.base(), seat.home.records()
    proposal = _proposal(records, number, None if base is None else base.version)
    if signed.who.casefold() == proposal.who.casefold():
        raise RefusedError(f"expected a second person, got `{signed.who}`, who proposed it: somebody else must approve")
    files = seat.home.files(proposal.after)
    _check(files, f"{pack}@{proposal.after}")
    record = msgspec.structs.replace(
        proposal,
        number=len(records) + 1,
        action="approve",
        who=signed.who,
        why=signed.why,
        at_ms=clock_ms(),
        backtest=None,
        along={},
        proposal=number,
    )
    _show(difference({} if base is None else base.files, files))
    seat.home.commit(record, files)
    click.echo(line_of(record))
    if seat.shared is None or seat.folder is None:
        return
    if content_hash(_raised(seat.draft(), proposal)) != record.after:
        click.echo(f"  `{seat.folder}` has other changes, and was left as it is")
        return
    seat.follow(record, files)


def _raised(draft: Contents, proposal: Record) -> Files:
    """The files at hand as the proposal would have them."""
    mode = next((each for each in MODES if each == proposal.to_mode), None)
    try:
        return draft.files if proposal.rule is None or mode is None else with_mode(draft.files, proposal.rule, mode)
    except ModeError:
        return draft.files


def _proposal(records: Sequence[Record], number: int, now: str | None) -> Record:
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


def _roll_back(pack: Pack, to: str | None, signed: Signed) -> None:
    seat = seat_of(pack, signed.store_url)
    base, records = seat.base(), seat.home.records()
    if base is None:
        raise RefusedError(f"expected a version in force in {seat.home.name}, got none: {PUBLISH}")
    draft = base if seat.own is None or seat.shared is None else seat.draft()
    version = _target(records, base.version, draft.version, to)
    files = seat.home.files(version)
    _check(files, f"{pack}@{version}")
    record = Record(
        number=len(records) + 1,
        action="rollback",
        before=base.version,
        after=version,
        who=signed.who,
        why=signed.why,
        at_ms=clock_ms(),
    )
    _show(difference(draft.files, files))
    if base.version == version:
        click.echo(f"{seat.home.name} has {version} in force; the folder follows")
    else:
        seat.home.commit(record, files)
        click.echo(line_of(record))
    seat.follow(record, files)


def _target(records: Sequence[Record], now: str, here: str, to: str | None) -> str:
    """The version to go back to, where `now` is in force and `here` is at hand. Raises RefusedError."""
    version = version_before(records) if to is None else to
    if version is None:
        edited = records and version_in_force(records) not in (now, None)
        undo = f"; --to {version_in_force(records)} undoes what was edited by hand since" if edited else ""
        raise RefusedError(f"expected a change that can be taken back, got none: see `riskgate history`{undo}")
    if version not in versions_in_force(records):
        some = f" such as {records[-1].before}" if records else ""
        raise RefusedError(
            f"expected a version{some} that was in force before, got `{version}`: see `riskgate history`"
        )
    if version == now == here:
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
