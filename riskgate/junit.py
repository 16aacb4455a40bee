"""JUnit XML: test suites as most build servers read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class JunitCase:
    """One test: what it is called, and what failed (None: it passed) or was remarked; `kind` names the failure."""

    name: str
    group: str
    file: str
    line: int
    failure: str | None = None
    kind: str = ""
    remark: str | None = None


def junit_xml(suite: str, cases: Sequence[JunitCase], elapsed_s: float | None = None) -> str:
    """The document. Characters that XML cannot hold are shown as U+FFFD."""
    failed = sum(case.failure is not None for case in cases)
    took = "" if elapsed_s is None else f' time="{elapsed_s:.3f}"'
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0"{took}'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {counts}>"]
    lines.append(f"  <testsuite name={_attribute(suite)} {counts}>")
    for case in cases:
        lines += _case(case)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"])


def _case(case: JunitCase) -> list[str]:
    named = f"name={_attribute(case.name)} classname={_attribute(case.group)}"
    head = f'    <testcase {named} file={_attribute(case.file)} line="{case.line}"'
    if case.failure is not None:
        first = case.failure.split("\n", 1)[0]
        told = f"message={_attribute(first)} type={_attribute(case.kind)}"
        body = f"      <failure {told}>{_text(case.failure)}</failure>"
    elif case.remark is not None:
        body = f"      <system-out>{_text(case.remark)}</system-out>"
    else:
        return [f"{head}/>"]
    return [f"{head}>", body, "    </testcase>"]


def _attribute(text: str) -> str:
    escaped = _text(text).replace("\n", "&#10;").replace("\t", "&#9;")
    return f'"{escaped}"'


def _text(text: str) -> str:
    return escape("".join(char if _fits(char) else "\ufffd" for char in text)).replace("\r", "&#13;")


def _fits(char: str) -> bool:
    """Whether XML 1.0 can hold the character (section 2.2, and none that it discourages)."""
    code = ord(char)
    return (
        char in "\t\n\r"
        or 0x20 <= code < 0x7F
        or (0xA0 <= code <= 0xFFFD and not 0xD800 <= code < 0xE000)
        or (code >= 0x10000 and code & 0xFFFE != 0xFFFE)
    )
