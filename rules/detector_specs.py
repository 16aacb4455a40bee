"""Reading the detectors a pack configures."""

import re

from detectors import KINDS
from rules.features import event_field
from rules.fields import PLACE_FIELDS
from rules.findings import quoted
from rules.models import DetectorSpec
from rules.shapes import Shapes, as_options
from rules.trees import Table, Tree

DETECTOR_KEYS = ("kind", "by", "of", "half_life", "warm_up")
COUNTED = re.compile(r"([1-9]\d{0,6}) events?", re.ASCII)


def read_detector(name: str, node: Tree, events: frozenset[str], shapes: Shapes) -> DetectorSpec | None:
    """One entry of `detectors:`; None after findings."""
    what = f"the detector `{name}`"
    table = shapes.table(node, what, DETECTOR_KEYS)
    if table is None or shapes.required(table, "kind", what) is None:
        return None
    kind = shapes.choice(table, "kind", as_options(KINDS)) or KINDS[0]
    by = event_field(shapes.required(table, "by", what), events, shapes)
    of = event_field(shapes.required(table, "of", what), events, shapes)
    for field, node_of, wanted in ((by, table.get("by"), ("text",)), (of, table.get("of"), ("money", "number"))):
        if field is not None and node_of is not None and (field.type not in wanted or field.name in PLACE_FIELDS):
            expected = "a text" if "text" in wanted else "`amount` or `quantity`"
            shapes.ledger.report("type-mismatch", node_of.spot, f"expected {expected}, but `{field.name}` is none")
            return None
    shapes.required(table, "half_life", what)
    counts = {key: _events(table, key, shapes) for key in ("half_life", "warm_up") if table.get(key) is not None}
    options = {key: count for key, count in counts.items() if count is not None}
    if by is None or of is None or len(options) < len(counts) or "half_life" not in options:
        return None
    return DetectorSpec(name, kind, by.name, of.name, options)


def _events(table: Table, key: str, shapes: Shapes) -> int | None:
    """A number of events, written `30 events`."""
    scalar = shapes.scalar(table.get(key), f"a number of events for `{key}`")
    if scalar is None:
        return None
    match = COUNTED.fullmatch(scalar.value)
    if match is None:
        message = f"expected a number of events such as `30 events`, got {quoted(scalar.value)}"
        shapes.ledger.report("bad-literal", scalar.spot, message)
        return None
    return int(match[1])
