"""Findings: what is wrong with a pack, where, and what to do; and their printed form."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from heapq import nlargest
from itertools import takewhile
from typing import Literal, get_args

from rules.bounds import FINDINGS_MAX
from rules.sources import Spot

Severity = Literal["error", "warning"]

Code = Literal[
    "always-matches",
    "bad-breaker",
    "bad-expression",
    "bad-list",
    "bad-literal",
    "bad-name",
    "bad-override",
    "bad-sequence",
    "bad-test",
    "bad-value",
    "bad-yaml",
    "constant-condition",
    "duplicate-key",
    "duplicate-rule",
    "expired",
    "field-not-on-event",
    "macro-cycle",
    "missing-challenge",
    "missing-key",
    "missing-test",
    "name-clash",
    "never-matches",
    "not-allowed",
    "out-of-reach",
    "shadowed-rule",
    "too-large",
    "too-many-filters",
    "too-much-memory",
    "type-mismatch",
    "unknown-aggregate",
    "unknown-detector",
    "unknown-event",
    "unknown-field",
    "unknown-file",
    "unknown-function",
    "unknown-key",
    "unknown-list",
    "unknown-param",
    "unknown-rule",
    "unreadable-file",
    "untyped-attribute",
    "unused-detector",
    "unused-feature",
    "unused-list",
    "unused-macro",
    "unused-param",
    "wrong-currency",
    "wrong-shape",
    "yaml-feature",
]

CODES: tuple[Code, ...] = get_args(Code)

WARNINGS: frozenset[Code] = frozenset(
    (
        *("always-matches", "constant-condition", "expired", "never-matches", "out-of-reach", "shadowed-rule"),
        *("too-much-memory", "missing-test", "unused-detector", "unused-feature", "unused-list", "unused-macro"),
    )
)
"""Codes of warnings; every other code is an error and keeps the pack from loading."""


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column count from 1; a finding about a whole file has line 1, column 1."""

    file: str
    line: int
    column: int
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong.

    `excerpt` is its line, or the part around it if that is long (empty if there is none); it covers `width` characters
    there from index `start` on.
    """

    code: Code
    severity: Severity
    message: str
    place: Place
    hint: str | None = None
    excerpt: str = ""
    start: int = 0
    width: int = 1


class TooManyFindingsError(Exception):
    """A pack has more findings than anyone reads; those so far are in the ledger."""


class Ledger:
    """Collects findings, and raises TooManyFindingsError beyond FINDINGS_MAX; `rule` is the rule being read, if any."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.rule: str | None = None

    def report(self, code: Code, spot: Spot, message: str, hint: str | None = None) -> None:
        line, column = spot.source.position(spot.index)
        place = Place(spot.source.name, line, column, self.rule)
        excerpt, start = _window(spot.source.line(line), column - 1)
        width = max(1, min(spot.width, len(excerpt) - start))
        self._add(Finding(code, severity_of(code), message, place, hint, excerpt, start, width))

    def report_file(self, code: Code, file: str, message: str, hint: str | None = None) -> None:
        self._add(Finding(code, severity_of(code), message, Place(file, 1, 1, self.rule), hint))

    def _add(self, finding: Finding) -> None:
        if len(self.findings) >= FINDINGS_MAX:
            raise TooManyFindingsError
        self.findings.append(finding)

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def severity_of(code: Code) -> Severity:
    return "warning" if code in WARNINGS else "error"


def quoted(text: str) -> str:
    """`text` as a message shows it: short, on one line, printable."""
    shown = text if len(text) <= 60 else text[:57] + "..."
    return f"`{printable(shown)}`"


def did_you_mean(name: str, options: Iterable[str]) -> str | None:
    """A hint with the most similar option, else None."""
    wanted = name[:64]
    likely = nlargest(_LIKELY_MAX, options, key=lambda option: _shared(wanted, option))
    close = get_close_matches(wanted, likely, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None


def _shared(one: str, other: str) -> int:
    """How many characters both have in common at their beginnings and at their ends."""
    return _alike(zip(one, other, strict=False)) + _alike(zip(one[::-1], other[::-1], strict=False))


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def one_of(options: Iterable[str]) -> str:
    """The options as a sentence names them: `a`, `b` or `c`."""
    names = [f"`{option}`" for option in options]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


_LIKELY_MAX = 10
"""So many options are looked at closely, which takes long for long names."""

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LINE_CHARS_MAX = 160


def render(findings: Sequence[Finding], color: bool = False) -> str:
    """The pretty form: findings as paragraphs, with the line and a caret under the place."""
    return "\n\n".join(_paragraph(finding, color) for finding in findings)


def _paragraph(finding: Finding, color: bool) -> str:
    head, bold, dim, reset = (_COLORS[finding.severity], _BOLD, _DIM, _RESET) if color else ("", "", "", "")
    place = finding.place
    rule = f" ({place.rule})" if place.rule else ""
    lines = [
        f"{head}{finding.severity}[{finding.code}]{reset}{bold}: {finding.message}{reset}",
        f"  {dim}-->{reset} {printable(place.file)}:{place.line}:{place.column}{rule}",
    ]
    hint = f" {finding.hint}" if finding.hint else ""
    if not finding.excerpt:
        return "\n".join([*lines, f"  ={hint}"] if hint else lines)
    text = printable(finding.excerpt)
    gutter = " " * len(str(place.line))
    before, marked = text[: finding.start], text[finding.start : finding.start + finding.width]
    caret = " " * _cells(before) + head + "^" * max(1, _cells(marked)) + reset
    lines += [f"{dim}{place.line} |{reset} {text}", f"{dim}{gutter} |{reset} {caret}{hint}"]
    return "\n".join(lines)


def _window(line: str, start: int) -> tuple[str, int]:
    """The line, or its part around `start` if it is long; and where `start` is in that."""
    if len(line) <= _LINE_CHARS_MAX:
        return line, start
    first = max(0, start - _LINE_CHARS_MAX // 2)
    before, after = "..." if first else "", "..." if first + _LINE_CHARS_MAX < len(line) else ""
    return before + line[first : first + _LINE_CHARS_MAX] + after, start - first + len(before)


def printable(text: str) -> str:
    """`text` without control characters."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in text)


def _cells(text: str) -> int:
    """Terminal cells `text` takes: East Asian wide characters take two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
