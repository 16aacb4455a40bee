"""Reading when something expires: an entry of a list, an exception, a rule that allows."""

import re

from rules.findings import quoted
from rules.shapes import Shapes
from rules.trees import Tree
from schemas import TimestampError, epoch_ms

EXAMPLES = "write it like 2027-01-31 or 2027-01-31T12:00:00Z"

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def expiry_ms(text: str) -> int:
    """Epoch milliseconds of a day, which means its beginning in UTC, or an RFC 3339 time. Raises TimestampError."""
    return epoch_ms(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)


def read_expiry(node: Tree | None, what: str, shapes: Shapes) -> int | None:
    """When `what` expires; None after findings."""
    scalar = None if node is None else shapes.scalar(node, "a day or a time for `expires`")
    if scalar is None:
        return None
    try:
        moment_ms = expiry_ms(scalar.value)
    except TimestampError:
        message = f"expected a day or an RFC 3339 time for `expires`, got {quoted(scalar.value)}"
        shapes.ledger.report("bad-value", scalar.spot, message, EXAMPLES)
        return None
    if shapes.as_of_ms is not None and moment_ms <= shapes.as_of_ms:
        message = f"{what} has expired: it has no effect on events of now"
        shapes.ledger.report("expired", scalar.spot, message, "delete it, or give it more time")
    return moment_ms
