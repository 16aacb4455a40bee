"""Workflow commands of GitHub Actions: lines that become annotations beside the code."""

from typing import Literal

Level = Literal["error", "warning", "notice"]

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}


def annotation(
    level: Level, message: str, *, file: str, line: int, title: str, column: int | None = None, width: int = 1
) -> str:
    """One command. `line` and `column` count from 1; nothing in the texts can end it or begin another one."""
    columns = {} if column is None else {"col": str(column), "endColumn": str(column + width)}
    properties = {"file": file, "line": str(line)} | columns | {"title": title}
    told = ",".join(f"{key}={_escaped(value, _PROPERTY)}" for key, value in properties.items())
    return f"::{level} {told}::{_escaped(message, _DATA)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(char, char if char.isprintable() else "\ufffd") for char in text)
