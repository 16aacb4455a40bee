"""The work of `riskgate lists`: open the lists of a pack or of a store, show them, change them."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from riskgate.clock import clock_ms
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import pack_of
from rules import NEVER
from rules.findings import did_you_mean
from rules.shapes import NAME
from stores import ListEntry, Lists, MemoryStore, StoreUrlError, open_store
from workbench.pack_lists import ListFileError, PackLists

NAME_MAX = 128


class _NoListError(Exception):
    """There is no such list; the text says which there are."""


def show_lists(pack: Path | None, store: str | None, name: str | None, *, as_json: bool) -> int:
    """Returns the exit code, as all of these do."""
    return _work(pack, store, lambda lists: _show(lists, name, as_json=as_json))


def _show(lists: Lists, name: str | None, *, as_json: bool) -> int:
    now_ms = clock_ms()
    if name is None:
        found = {each: lists.list_entries(each) for each in lists.list_names()}
        counts = [(each, str(len(entries)), str(_expired(entries, now_ms))) for each, entries in found.items()]
        if as_json:
            _echo_json([{"list": each, "entries": int(count), "expired": int(gone)} for each, count, gone in counts])
        else:
            _echo_table([("list", "entries", "expired"), *counts])
        return EXIT_FINE
    entries = lists.list_entries(_known(lists, name))
    if as_json:
        _echo_json([each._asdict() | {"expires_ms": _never_as_none(each.expires_ms)} for each in entries])
    else:
        rows = [(each.value, _expiry(each.expires_ms, now_ms), each.added_by, each.reason) for each in entries]
        _echo_table([("value", "expires", "added by", "reason"), *rows])
    return EXIT_FINE


def add_entry(
    pack: Path | None, store: str | None, name: str, value: str, expires_ms: int | None, who: str, why: str
) -> int:
    now_ms = clock_ms()
    if expires_ms is not None and expires_ms <= now_ms:
        raise click.UsageError(f"expected --expires in the future, got {_time(expires_ms)}")
    entry = ListEntry(value, NEVER if expires_ms is None else expires_ms, who, why)
    return _work(pack, store, lambda lists: _add(lists, name, entry, now_ms))


def _add(lists: Lists, name: str, entry: ListEntry, now_ms: int) -> int:
    if isinstance(lists, PackLists):
        _known(lists, name)
    elif len(name) > NAME_MAX or not re.fullmatch(NAME, name):
        raise _NoListError(f"expected the name of a list such as `blocked_devices`, got `{name}`")
    is_new = name not in lists.list_names()
    before = (
        next((each for each in lists.list_entries(name) if each.value == entry.value), None) if not is_new else None
    )
    lists.add_to_list(name, entry, now_ms)
    until = "for ever" if entry.expires_ms == NEVER else f"until {_time(entry.expires_ms)}"
    was = (
        "" if before is None else f"; before: {_expiry(before.expires_ms, now_ms)}, {before.added_by}, {before.reason}"
    )
    click.echo(f"`{entry.value}` is on `{name}` of {lists.name} {until}{was}")
    if is_new:
        click.echo(
            f"riskgate: `{name}` is new in {lists.name}: only rules of a pack that has a list of this name read it",
            err=True,
        )
    return EXIT_FINE


def remove_entry(pack: Path | None, store: str | None, name: str, value: str, who: str, why: str) -> int:
    return _work(pack, store, lambda lists: _remove(lists, name, value, who, why))


def _remove(lists: Lists, name: str, value: str, who: str, why: str) -> int:
    if not lists.remove_from_list(_known(lists, name), value, who, why, clock_ms()):
        click.echo(f"riskgate: error: expected a value that is on `{name}` of {lists.name}, got `{value}`", err=True)
        return EXIT_USAGE
    click.echo(f"`{value}` is no longer on `{name}` of {lists.name}")
    return EXIT_FINE


def show_changes(pack: Path | None, store: str | None, name: str | None, *, as_json: bool) -> int:
    return _work(pack, store, lambda lists: _changes(lists, name, as_json=as_json))


def _changes(lists: Lists, name: str | None, *, as_json: bool) -> int:
    found = [each for each in lists.list_changes() if name in (None, each.name)]
    if as_json:
        _echo_json([each._asdict() | {"expires_ms": _never_as_none(each.expires_ms)} for each in found])
        return EXIT_FINE
    rows = [(_time(each.at_ms), each.did, each.name, each.value, each.who, each.why) for each in found]
    _echo_table([("when", "what", "list", "value", "who", "why"), *rows])
    return EXIT_FINE


def _work(pack: Path | None, store: str | None, do: Callable[[Lists], int]) -> int:
    """Opens the lists, lets somebody work with them, and tells what is wrong in a line."""
    try:
        with _opened(pack, store) as lists:
            return EXIT_FINDINGS if lists is None else do(lists)
    except StoreUrlError as error:
        raise click.UsageError(str(error)) from error
    except ListFileError as error:
        click.echo(str(error), err=True)
        return EXIT_FINDINGS
    except (OSError, _NoListError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE


@contextmanager
def _opened(pack: Path | None, store: str | None) -> Iterator[Lists | None]:
    """None where the pack has errors, which are then told."""
    if pack is not None:
        loaded = pack_of(pack, None)
        yield None if loaded is None else PackLists(loaded)
        return
    opened = open_store(store or "")
    if isinstance(opened, MemoryStore):
        raise StoreUrlError("expected a store that outlives this command such as redis://HOST:6379/0, got `memory:`")
    try:
        yield opened
    finally:
        opened.close()


def _known(lists: Lists, name: str) -> str:
    names = lists.list_names()
    if name in names:
        return name
    hint = did_you_mean(name, names) or f"it has {', '.join(f'`{each}`' for each in names) or 'none'}"
    raise _NoListError(f"{lists.name} has no list `{name}`: {hint}")


def _expired(entries: Sequence[ListEntry], now_ms: int) -> int:
    return sum(each.expires_ms <= now_ms for each in entries)


def _never_as_none(expires_ms: int | None) -> int | None:
    return None if expires_ms == NEVER else expires_ms


def _expiry(expires_ms: int, now_ms: int) -> str:
    if expires_ms == NEVER:
        return "never"
    return f"{_time(expires_ms)}{' (expired)' if expires_ms <= now_ms else ''}"


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _echo_json(document: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())


def _echo_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
