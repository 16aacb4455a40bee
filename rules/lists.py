"""Lists: texts in CSV files beside the rules, each with who added it, why, and until when."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from rules.bounds import LIST_BYTES_MAX, LIST_ENTRIES_MAX
from rules.expiry import EXAMPLES, expiry_ms
from rules.findings import Ledger, quoted
from rules.models import NEVER, ListSpec
from rules.shapes import Shapes
from rules.sources import Source, Spot
from rules.trees import Scalar, Tree
from schemas import LATEST_MS, TimestampError

COLUMNS = ("value", "added_by", "reason", "expires_at")
LIST_KEYS = ("type", "file")
_VALUE_CHARS_MAX = 256


def read_list(name: str, node: Tree, folder: Path, shapes: Shapes, files: dict[str, bytes]) -> ListSpec | None:
    """One entry of `lists:` with its file, whose bytes go to `files`; None after findings."""
    table = shapes.table(node, f"the list `{name}`", LIST_KEYS)
    if table is None:
        return None
    kind = shapes.required(table, "type", f"the list `{name}`")
    if kind is not None:
        shapes.choice(table, "type", {"string": "string"})
    file = shapes.scalar(shapes.required(table, "file", f"the list `{name}`"), "a file name for `file`")
    if kind is None or file is None:
        return None
    raw = read_bytes(file, folder, shapes.ledger)
    if raw is None:
        return None
    files[file.value] = raw
    entries = parse_entries(str(folder / file.value), raw, shapes.ledger)
    return None if entries is None else ListSpec(name, file.value, entries)


def read_bytes(file: Scalar, folder: Path, ledger: Ledger) -> bytes | None:
    """The bytes of a list file, which lies inside the pack's folder."""
    try:
        path = (folder / file.value).resolve()
        if not path.is_relative_to(folder.resolve()):
            ledger.report("bad-value", file.spot, f"expected a file inside the pack, got {quoted(file.value)}")
            return None
        found = path.stat()
        if not S_ISREG(found.st_mode):
            ledger.report("unreadable-file", file.spot, f"expected a file as a list, got {quoted(file.value)}")
            return None
        size = found.st_size
        if size > LIST_BYTES_MAX:
            ledger.report("too-large", file.spot, f"expected a list of at most {LIST_BYTES_MAX:,} bytes, got {size:,}")
            return None
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        ledger.report("unreadable-file", file.spot, f"the list file {quoted(file.value)} cannot be read: {reason}")
        return None


def parse_entries(name: str, raw: bytes, ledger: Ledger) -> dict[str, int] | None:
    """The entries of a list file; None after findings."""
    before = len(ledger.findings)
    entries: dict[str, int] = {}
    for row, spot in csv_rows(name, raw, COLUMNS, ledger):
        _add(row, spot, entries, ledger)
    if len(entries) > LIST_ENTRIES_MAX:
        message = f"expected at most {LIST_ENTRIES_MAX:,} entries, got {len(entries):,}"
        ledger.report_file("too-large", name, message)
    return entries if len(ledger.findings) == before else None


def csv_rows(name: str, raw: bytes, columns: tuple[str, ...], ledger: Ledger) -> Iterator[tuple[list[str], Spot]]:
    """The rows of a CSV file with these columns, and their places; what is no such row is a finding."""
    lines, most = raw.count(b"\n") + raw.count(b"\r"), 2 * (LIST_ENTRIES_MAX + 1)
    if lines > most:
        ledger.report_file("too-large", name, f"expected at most {most:,} line breaks in a list, got {lines:,}")
        return
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, got the byte {raw[error.start]:#04x} at byte {error.start}"
        ledger.report_file("bad-list", name, message)
        return
    source = Source(name, text)
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if next(reader, None) != list(columns):
            message = f"expected the columns `{','.join(columns)}` in the first line"
            ledger.report("bad-list", Spot(source, 0), message)
            return
        last = reader.line_num
        for row in reader:
            spot, last = Spot(source, starts[last]), reader.line_num
            if row and len(row) != len(columns):
                ledger.report("bad-list", spot, f"expected {len(columns)} columns, got {len(row)}")
            elif row:
                yield row, spot
    except csv.Error as error:
        index = min(reader.line_num, len(starts)) - 1
        ledger.report("bad-list", Spot(source, starts[max(index, 0)]), f"this is not CSV: {error}")


def _add(row: list[str], spot: Spot, entries: dict[str, int], ledger: Ledger) -> None:
    value, _, _, expires_at = row
    if not 1 <= len(value) <= _VALUE_CHARS_MAX:
        ledger.report("bad-list", spot, f"expected a value of 1 to {_VALUE_CHARS_MAX} characters, got {len(value)}")
    elif value in entries:
        ledger.report("bad-list", spot, f"{quoted(value)} is listed twice")
    else:
        entries[value] = _expiry(expires_at, spot, ledger)


def _expiry(text: str, spot: Spot, ledger: Ledger) -> int:
    """When an entry expires: never for an empty text."""
    if not text:
        return NEVER
    try:
        return expiry_ms(text)
    except TimestampError:
        message = f"expected `expires_at` to be empty, a day or an RFC 3339 time, got {quoted(text)}"
        ledger.report("bad-list", spot, message, EXAMPLES)
        return LATEST_MS
