"""Source texts and the places in them that findings point to."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Source:
    """The text of one file, and the name to show for it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def position(self, index: int) -> tuple[int, int]:
        """Line and column of the character at `index`, both from 1."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` without its line break."""
        if not 1 <= number <= len(self._starts):
            return ""
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : end].rstrip("\r\n\x85\u2028\u2029")


@dataclass(frozen=True, slots=True)
class Spot:
    """`width` characters of `source` from `index` on."""

    source: Source
    index: int
    width: int = 1


_ESCAPE_CHARS = {"x": 4, "u": 6, "U": 10}
_SPACE = " \t\r\n\x85\u2028\u2029"


def value_indexes(text: str, start: int, end: int, value: str, style: str) -> list[int]:
    """For each character of a YAML scalar's `value`, and for its end, the index in `text` it was read from.

    The scalar is `text[start:end]`; `style` is empty (plain), a quote, `|` or `>`.
    """
    at = start
    if style in ("|", ">"):
        header = _BREAK.search(text, start, end)
        at = header.end() if header else end
    elif style:
        at += 1
    indexes = []
    for char in value:
        while at < end - 1 and text[at] != char and _skips(text, at, char, style):
            at += 1
        indexes.append(at)
        at = min(at + _length(text, at, style), end)
    return [*indexes, at]


def _skips(text: str, at: int, char: str, style: str) -> bool:
    """Whether the character at `at` is layout that gives no character of the value."""
    if style == '"' and text[at] == "\\":
        return text[at + 1] in _SPACE
    return text[at] in _SPACE and char not in _SPACE


def _length(text: str, at: int, style: str) -> int:
    if style == '"' and text.startswith("\\", at):
        return _ESCAPE_CHARS.get(text[at + 1 : at + 2], 2)
    return 2 if style == "'" and text.startswith("''", at) else 1
