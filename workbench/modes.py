"""The mode of a rule, as it is written in its pack."""

from collections.abc import Iterator, Mapping

from rules.findings import Ledger
from rules.models import Mode
from rules.trees import Items, Scalar, Table, parse_source


class ModeError(Exception):
    """A rule whose mode cannot be changed by a program; says what was expected."""


def with_mode(files: Mapping[str, bytes], rule: str, mode: Mode) -> dict[str, bytes]:
    """The files of a pack with another mode of one rule, and all else as it is written. Raises ModeError."""
    for name, table in _rules(files):
        id_ = table.get("id")
        if not isinstance(id_, Scalar) or id_.value != rule:
            continue
        text = id_.source.text
        start, end, put = _change(table, rule, mode)
        return {**files, name: (text[:start] + put + text[end:]).encode()}
    raise ModeError(f"expected the rule `{rule}` in the files of the pack, got none")


def _rules(files: Mapping[str, bytes]) -> Iterator[tuple[str, Table]]:
    """Each rule of the pack's own files with the name of its file."""
    for name, raw in files.items():
        if "/" in name or not name.endswith((".yml", ".yaml")):
            continue
        tree = parse_source(name, raw, Ledger())
        rules = tree.get("rules") if isinstance(tree, Table) else None
        for each in rules.values if isinstance(rules, Items) else ():
            if isinstance(each, Table):
                yield name, each


def _change(table: Table, rule: str, mode: Mode) -> tuple[int, int, str]:
    """Which characters of the file become which: the mode that is there, or a key behind the rule's `then`."""
    text, own, then = table.source.text, table.get("mode"), table.get("then")
    if isinstance(own, Scalar):
        return own.start, own.end, mode
    if not isinstance(then, Scalar):
        raise ModeError(f"expected a `then` in the rule `{rule}`, got none")
    if text[table.start] == "{":
        return then.end, then.end, f", mode: {mode}"
    key = next(name for name, value in table.entries if value is then)
    column = table.source.position(key.start)[1]
    end = text.find("\n", then.end)
    line_end = len(text) if end < 0 else end
    return line_end, line_end, f"\n{' ' * (column - 1)}mode: {mode}"
