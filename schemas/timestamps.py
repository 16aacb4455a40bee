"""Points in time: integers, milliseconds since 1970-01-01T00:00:00Z."""

import re
from datetime import UTC, datetime

EARLIEST_MS = 946_684_800_000
"""2000-01-01: what lies before is taken for a mistake (most often seconds sent as milliseconds)."""

LATEST_MS = 4_102_444_800_000
"""2100-01-01: what lies at or after is taken for a mistake (most often microseconds sent as milliseconds)."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class TimestampError(ValueError):
    """A timestamp that cannot be taken."""


def epoch_ms(timestamp: int | str) -> int:
    """Epoch milliseconds of an RFC 3339 text, or of itself; finer digits are cut. Raises TimestampError."""
    if isinstance(timestamp, str):
        if not _RFC3339.fullmatch(timestamp):
            raise TimestampError(f"expected an RFC 3339 time such as `2026-01-31T12:00:00Z`, got `{timestamp}`")
        try:
            moment = datetime.fromisoformat(timestamp.upper())
        except ValueError as error:
            raise TimestampError(f"expected an RFC 3339 time, got `{timestamp}`: {error}") from None
        delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
        milliseconds = (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
    else:
        milliseconds = timestamp
    if not EARLIEST_MS <= milliseconds < LATEST_MS:
        raise TimestampError(f"expected a time from 2000-01-01 until 2100-01-01 in milliseconds, got `{timestamp}`")
    return milliseconds
