"""Reading rates: a CSV file beside the rules says what one unit of a currency was worth, and since when."""

import re
from decimal import Decimal
from pathlib import Path

from rules.bounds import LIST_ENTRIES_MAX
from rules.expiry import EXAMPLES, expiry_ms
from rules.findings import Ledger, quoted
from rules.lists import csv_rows, read_bytes
from rules.rates import Course, Rates
from rules.shapes import Shapes
from rules.sources import Spot
from rules.trees import Tree
from schemas import EXPONENTS, TimestampError

COLUMNS = ("currency", "rate", "from")
SINCE_EVER_MS = -(2**62)
_RATE = re.compile(r"(0|[1-9]\d{0,8})(\.\d{1,12})?", re.ASCII)


def read_rates(node: Tree | None, currency: str, folder: Path, shapes: Shapes, files: dict[str, bytes]) -> Rates:
    """What `rates:` of a pack in that currency names; its bytes go to `files`. Nothing after findings."""
    file = None if node is None else shapes.scalar(node, "a file name for `rates`")
    raw = None if file is None else read_bytes(file, folder, shapes.ledger)
    if file is None or raw is None:
        return {}
    files[file.value] = raw
    found: dict[str, dict[int, Decimal]] = {}
    for count, (row, spot) in enumerate(csv_rows(str(folder / file.value), raw, COLUMNS, shapes.ledger)):
        if count == LIST_ENTRIES_MAX:
            message = f"expected at most {LIST_ENTRIES_MAX:,} rates"
            shapes.ledger.report("too-large", spot, message)
            break
        _add(row, spot, currency, found, shapes.ledger)
    return {
        code: Course(*(tuple(part) for part in zip(*sorted(course.items()), strict=True)))
        for code, course in found.items()
    }


def _add(row: list[str], spot: Spot, currency: str, found: dict[str, dict[int, Decimal]], ledger: Ledger) -> None:
    code, text, since = row
    if code not in EXPONENTS or code == currency:
        message = f"expected an ISO 4217 currency code other than {currency}, got {quoted(code)}"
        ledger.report("bad-list", spot, message)
        return
    rate = Decimal(text) if _RATE.fullmatch(text) else Decimal(0)
    if rate == 0:
        message = (
            f"expected how much one {code} is in {currency} as a decimal above 0 such as `7.25`, got {quoted(text)}"
        )
        ledger.report("bad-list", spot, message, "it has at most 9 digits before the point and 12 behind it")
        return
    try:
        since_ms = expiry_ms(since) if since else SINCE_EVER_MS
    except TimestampError:
        message = f"expected `from` to be empty, a day or an RFC 3339 time, got {quoted(since)}"
        ledger.report("bad-list", spot, message, EXAMPLES)
        return
    course = found.setdefault(code, {})
    if since_ms in course:
        ledger.report("bad-list", spot, f"there are two rates of {code} from then on")
    course[since_ms] = rate
