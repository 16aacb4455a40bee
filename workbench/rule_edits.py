"""Edits of rules in a pack's files: the text around them, comments and layout, stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import rules
from rules import Pack
from rules.findings import Ledger
from rules.overlays import FOLDER, SUFFIX
from rules.trees import Items, Scalar, Table, Tree, parse_source
from workbench.cases import CaseResult, run_cases


class EditError(Exception):
    """A file that cannot be edited; the text says which, and what to write there."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The file `name` of a pack, before and after."""

    name: str
    old: str
    new: str

    def diff(self) -> str:
        """A unified diff that `git apply` takes in the pack's folder."""
        lines = unified_diff(_lines(self.old), _lines(self.new), f"a/{self.name}", f"b/{self.name}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as a diff knows them, which only a line feed ends."""
    return [line for line in text.replace("\n", "\n\0").split("\0") if line]


def edited(pack: Pack, rule: str, params: Mapping[str, str]) -> Edit:
    """The params of a rule with other values, which are as a pack writes them.

    In the overlay that the pack is under, if it is under one, else where the rule is. Raises EditError, and OSError.
    """
    names = [f"{FOLDER}/{pack.overlay}{SUFFIX}"] if pack.overlay else _rule_files(pack.path)
    for name in names:
        text = (pack.path / name).read_bytes().decode()
        listed = _listed(text)
        own = listed.get(rule) if isinstance(listed, Table) else _rule(listed, rule)
        if isinstance(own, Table):
            changes = _changes(text, own, params)
        elif isinstance(listed, Table):
            changes = [_inserted(text, listed, [f"{rule}: {{params: {{{_entries(params)}}}}}"])]
        else:
            continue
        edit = Edit(name, text, _changed(text, changes))
        if params.items() <= _written(edit.new, rule).items():
            return edit
    values = _entries(params, "; ")
    raise EditError(f"expected the rule `{rule}` in `{', '.join(names)}`, where it can be edited: write {values} there")


def _rule_files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.suffix in (".yml", ".yaml"))


def _listed(text: str) -> Tree | None:
    """What a file says under `rules`: items in a rule file, a table by their ids in an overlay."""
    tree = parse_source("", text.encode(), Ledger())
    return tree.get("rules") if isinstance(tree, Table) else None


def _rule(listed: Tree | None, rule: str) -> Table | None:
    """The rule with this id among the items of a rule file."""
    for item in listed.values if isinstance(listed, Items) else ():
        named = item.get("id") if isinstance(item, Table) else None
        if isinstance(item, Table) and isinstance(named, Scalar) and named.value == rule:
            return item
    return None


def _written(text: str, rule: str) -> dict[str, str]:
    """The params of a rule as a file has them."""
    listed = _listed(text)
    own = listed.get(rule) if isinstance(listed, Table) else _rule(listed, rule)
    table = own.get("params") if isinstance(own, Table) else None
    entries = table.entries if isinstance(table, Table) else ()
    return {name.value: text[value.start : value.end] for name, value in entries if isinstance(value, Scalar)}


_Change = tuple[int, int, str]
"""Characters `start:end` become a text."""


def _changes(text: str, own: Table, params: Mapping[str, str]) -> list[_Change]:
    """What gives a rule's params these values, with those that are not there yet."""
    table = own.get("params")
    if not isinstance(table, Table):
        return [_inserted(text, own, [f"params: {{{_entries(params)}}}"])]
    there = {name.value: value for name, value in table.entries if isinstance(value, Scalar)}
    changes = [(there[name].start, there[name].end, value) for name, value in params.items() if name in there]
    lacking = [f"{name}: {value}" for name, value in params.items() if name not in there]
    return [*changes, _inserted(text, table, lacking)] if lacking else changes


def _entries(params: Mapping[str, str], between: str = ", ") -> str:
    return between.join(f"{name}: {value}" for name, value in params.items())


def _inserted(text: str, table: Table, entries: Sequence[str]) -> _Change:
    """The entries before the first one of a table, in its braces or on lines of their own, as the table is written."""
    first = table.entries[0][0].start if table.entries else table.start + 1
    if text[table.start] == "{":
        return first, first, ", ".join(entries) + (", " if table.entries else "")
    margin = " " * (table.source.position(first)[1] - 1)
    line_end = "\r\n" if "\r\n" in text else "\n"
    return first, first, "".join(f"{entry}{line_end}{margin}" for entry in entries)


def _changed(text: str, changes: list[_Change]) -> str:
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def broken_tests(pack: Pack, edit: Edit, rule: str) -> tuple[CaseResult, ...]:
    """The tests of the rule that fail with the edit. Raises EditError where the pack does not load with it."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        lists = [Path(spec.file) for spec in pack.lists.values()]
        overlay = [Path(FOLDER) / f"{pack.overlay}{SUFFIX}"] if pack.overlay else []
        for name in (*map(Path, _rule_files(pack.path)), *overlay, *lists):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(pack.path / name, copy / name)
        (copy / edit.name).write_bytes(edit.new.encode())
        loaded = rules.load(copy, pack.overlay)
        if loaded.pack is None:
            raise EditError(f"`{edit.name}` would not load with the change: {loaded.findings[0].message}")
        own = tuple(each for each in loaded.pack.rules if each.id == rule)
        return run_cases(replace(loaded.pack, rules=own)).failures
