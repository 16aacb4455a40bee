"""What the windows of a pack take at the least, told before any of it is reserved."""

from collections.abc import Iterable

from rules.bounds import EVENT_BYTES_MAX, LOG_BYTES
from rules.findings import Ledger
from rules.literals import duration_text
from rules.models import Feature, FilterKey
from rules.sources import Spot

_VALUE_FIELDS = ("amount", "quantity")
_WORD_BYTES = 8
_LINK_BYTES = 12
"""An event's links to the one before it and the one after it with the same key, and to the key's record."""

_EVENTS_A_SECOND = 1
"""A stream that is thinner than most; a denser one fills the log sooner."""


def event_bytes(features: Iterable[Feature]) -> int:
    """Bytes of the log that each event takes at the least: its time and values, and its links for each key."""
    found = list(features)
    chains: set[tuple[frozenset[str], frozenset[FilterKey]]] = set()
    for feature in found:
        filters = frozenset(each.key for each in feature.filters)
        chains.add((frozenset(feature.by), filters))
        if feature.aggregate == "distinct" and feature.field is not None:
            chains.add((frozenset((*feature.by, feature.field)), filters))
    values = {feature.field for feature in found if feature.field in _VALUE_FIELDS}
    return _WORD_BYTES * (1 + len(values)) + _LINK_BYTES * len(chains)


def check_memory(features: Iterable[Feature], spot: Spot, ledger: Ledger) -> None:
    """Reports features that need more for each event than is given, or longer windows than the log holds."""
    found = list(features)
    taken = event_bytes(found)
    if taken > EVENT_BYTES_MAX:
        message = f"expected features that take at most {EVENT_BYTES_MAX:,} bytes of each event, got {taken:,}"
        ledger.report("too-large", spot, message, "let features share their keys and their `where`")
        return
    longest = max(found, key=lambda feature: feature.over_ms + feature.delay_ms, default=None)
    if longest is None:
        return
    reach_ms = longest.over_ms + longest.delay_ms
    kept_ms = LOG_BYTES // taken * 1_000 // _EVENTS_A_SECOND
    if reach_ms > kept_ms:
        needed = reach_ms // 1_000 * _EVENTS_A_SECOND * taken
        message = (
            f"`{longest.name}` reaches back {duration_text(reach_ms)}, but at one event a second the windows keep "
            f"{duration_text(kept_ms)}: they would need {needed / 2**30:.1f} GiB, and have {LOG_BYTES / 2**30:.1f}"
        )
        ledger.report("too-much-memory", spot, message, "shorten the longest windows, or have fewer different keys")
