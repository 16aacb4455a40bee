"""YAML as a tree of texts with their places. Nothing is typed here: every scalar stays the text that was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import yaml

from rules.bounds import FILE_BYTES_MAX, YAML_DEPTH_MAX
from rules.findings import Ledger, quoted
from rules.sources import Source, Spot, value_indexes


@dataclass(frozen=True)
class Scalar:
    """A text; `style` is empty for a plain scalar, else a quote, `|` or `>`."""

    value: str
    style: str
    source: Source
    start: int
    end: int

    @property
    def spot(self) -> Spot:
        first_line = self.source.text[self.start : self.end].split("\n", 1)[0].rstrip()
        return Spot(self.source, self.start, max(1, len(first_line)))

    def spot_of(self, start: int, end: int) -> Spot:
        """The place of `value[start:end]` in the file."""
        first, last = self._indexes[start], self._indexes[max(start, end - 1)]
        same_line = self.source.position(first)[0] == self.source.position(last)[0]
        return Spot(self.source, first, last - first + 1 if same_line else 1)

    @cached_property
    def _indexes(self) -> list[int]:
        return value_indexes(self.source.text, self.start, self.end, self.value, self.style)


@dataclass(frozen=True, slots=True)
class Items:
    """A YAML sequence."""

    values: tuple["Tree", ...]
    source: Source
    start: int

    @property
    def spot(self) -> Spot:
        return Spot(self.source, self.start)


@dataclass(frozen=True, slots=True)
class Table:
    """A YAML mapping; its keys are different texts, in the order written."""

    entries: tuple[tuple[Scalar, "Tree"], ...]
    source: Source
    start: int

    @property
    def spot(self) -> Spot:
        return Spot(self.source, self.start)

    def get(self, key: str) -> "Tree | None":
        return next((value for name, value in self.entries if name.value == key), None)


Tree = Scalar | Items | Table

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _RefusedError(Exception):
    """The document cannot be read on; its finding has been reported."""


@dataclass(slots=True)
class _Open:
    """A sequence or mapping whose end has not come yet."""

    start: int
    is_table: bool
    children: list[Tree]


def parse_source(name: str, raw: bytes, ledger: Ledger) -> Tree | None:
    """The one document of a YAML file, an empty table for an empty file, or None after a finding."""
    if len(raw) > FILE_BYTES_MAX:
        ledger.report_file("too-large", name, f"expected a file of at most {FILE_BYTES_MAX:,} bytes, got more")
        return None
    try:
        source = Source(name, raw.decode())
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, got the byte {raw[error.start]:#04x} at byte {error.start}"
        ledger.report_file("unreadable-file", name, message)
        return None
    before = len(ledger.findings)
    try:
        tree = _build(source, yaml.parse(source.text, Loader=_Loader), ledger)
    except _RefusedError:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(source, min(mark.index, len(source.text)) if mark else 0)
        ledger.report("bad-yaml", spot, f"this is not YAML: {error.problem or error.context}")
        return None
    except yaml.YAMLError as error:
        reason = str(error).split("\n")[0]
        ledger.report_file("bad-yaml", name, f"this is not YAML: {quoted(reason)}")
        return None
    return tree if len(ledger.findings) == before else None


def _build(source: Source, events: Iterator[yaml.Event], ledger: Ledger) -> Tree:
    root = _Open(0, False, [])
    opened = [root]
    for event in events:
        start, end = _index(event.start_mark), _index(event.end_mark)
        if isinstance(event, yaml.DocumentStartEvent) and root.children:
            ledger.report("yaml-feature", Spot(source, start), "a file holds one YAML document")
            raise _RefusedError
        _refuse_references(Spot(source, start), event, ledger)
        match event:
            case yaml.ScalarEvent():
                opened[-1].children.append(Scalar(event.value, (event.style or "").strip(), source, start, end))
            case yaml.AliasEvent():
                opened[-1].children.append(Scalar("", "", source, start, end))
            case yaml.CollectionStartEvent():
                if len(opened) > YAML_DEPTH_MAX:
                    ledger.report(
                        "too-large", Spot(source, start), f"expected at most {YAML_DEPTH_MAX} levels of nesting"
                    )
                    raise _RefusedError
                opened.append(_Open(start, isinstance(event, yaml.MappingStartEvent), []))
            case yaml.CollectionEndEvent():
                closed = opened.pop()
                opened[-1].children.append(_close(source, closed, ledger))
    return root.children[0] if root.children else Table((), source, 0)


def _index(mark: "_Mark | None") -> int:
    return mark.index if mark else 0


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


_WRITE_OUT = "write the value out, or name it as a feature or macro"


def _refuse_references(spot: Spot, event: yaml.Event, ledger: Ledger) -> None:
    if not isinstance(event, yaml.NodeEvent):
        return
    if isinstance(event, yaml.AliasEvent):
        ledger.report(
            "yaml-feature", spot, f"YAML aliases such as {quoted(f'*{event.anchor}')} are not taken", _WRITE_OUT
        )
        return
    if event.anchor is not None:
        ledger.report(
            "yaml-feature", spot, f"YAML anchors such as {quoted(f'&{event.anchor}')} are not taken", _WRITE_OUT
        )
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        ledger.report("yaml-feature", spot, f"YAML tags such as {quoted(event.tag)} are not taken", "leave the tag out")


def _close(source: Source, closed: _Open, ledger: Ledger) -> Tree:
    if not closed.is_table:
        return Items(tuple(closed.children), source, closed.start)
    entries: dict[str, tuple[Scalar, Tree]] = {}
    children = iter(closed.children)
    for key, value in zip(children, children, strict=True):
        if not isinstance(key, Scalar):
            ledger.report("wrong-shape", key.spot, "expected a text as key, got a list or mapping")
        elif key.value in entries:
            line = source.position(entries[key.value][0].start)[0]
            ledger.report(
                "duplicate-key", key.spot, f"{quoted(key.value)} is given twice", f"first given in line {line}"
            )
        else:
            entries[key.value] = (key, value)
    return Table(tuple(entries.values()), source, closed.start)
