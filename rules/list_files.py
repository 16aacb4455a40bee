"""List files as they are edited: one row changes, every other byte stays as it is."""

import csv
import io
from typing import NamedTuple


class Row(NamedTuple):
    """An entry of a sound list file, in its own words, and the characters `start:end` of its lines."""

    value: str
    added_by: str
    reason: str
    expires_at: str
    start: int
    end: int


def rows_of(text: str) -> list[Row]:
    """The entries of a list file without findings, in its order."""
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    next(reader)
    rows, last = [], reader.line_num
    for row in reader:
        if row:
            value, added_by, reason, expires_at = row
            rows.append(Row(value, added_by, reason, expires_at, starts[last], starts[reader.line_num]))
        last = reader.line_num
    return rows


def with_entry(text: str, value: str, added_by: str, reason: str, expires_at: str) -> str:
    """The file with an entry more, at its end, or in the place of the one with the same value."""
    ending = "\r\n" if "\r\n" in text else "\n"
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator=ending).writerow((value, added_by, reason, expires_at))
    old = next((row for row in rows_of(text) if row.value == value), None)
    if old is not None:
        return text[: old.start] + line.getvalue() + text[old.end :]
    return text + ("" if text.endswith(("\n", "\r")) else ending) + line.getvalue()


def without_entry(text: str, value: str) -> str | None:
    """The file without the entry of that value; None where there is none."""
    old = next((row for row in rows_of(text) if row.value == value), None)
    return None if old is None else text[: old.start] + text[old.end :]
