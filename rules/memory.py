"""What the windows of a pack take, told before any of it is reserved."""

from collections.abc import Iterable, Mapping
from typing import get_args

from rules.bounds import EVENT_BYTES_MAX, LOG_BYTES
from rules.findings import Ledger
from rules.literals import duration_text
from rules.models import Aggregate, Feature
from rules.sources import Spot

_VALUE_FIELDS = ("amount", "quantity", "geo")
_PAIRED: tuple[Aggregate, ...] = ("distinct", "top_share")
"""Aggregates that chain the events with equal values, too."""

_CELL_BYTES = 4
_VALUE_CELLS = 2
_LINK_CELLS = 3
"""An event's links to the one before it and the one after it with the same key, and to the key's record."""

_ORDER_CELLS: dict[str, tuple[str, int]] = {
    "min": ("least", 2),
    "max": ("largest", 2),
    "median": ("order", 3),
    "percentile": ("order", 3),
}
"""What a window keeps of each event to find an extreme, or the value at a place: its name, and its cells."""

_EVENTS_A_SECOND = 1
"""A stream that is thinner than most; a denser one fills the log sooner."""


def event_bytes(features: Iterable[Feature]) -> int:
    """Bytes of the log that each event takes.

    These are its time and values, the filters it passed where there are sequences, its links for each key, and its
    places in the windows that order values.
    """
    found = list(features)
    values = {feature.field for feature in found if feature.field in _VALUE_FIELDS}
    has_steps = any(feature.aggregate not in get_args(Aggregate) for feature in found)
    chains = set()
    orders = set()
    for feature in found:
        chain = frozenset(feature.by), frozenset(each.key for each in feature.filters)
        chains.add(chain)
        if feature.aggregate in _PAIRED and feature.field is not None:
            chains.add((chain[0] | {feature.field}, chain[1]))
        if feature.aggregate in _ORDER_CELLS:
            order, cells = _ORDER_CELLS[feature.aggregate]
            orders.add((chain, feature.over_ms, feature.delay_ms, feature.field, order, cells))
    cells = _VALUE_CELLS * (1 + len(values) + has_steps) + _LINK_CELLS * len(chains) + sum(each[-1] for each in orders)
    return _CELL_BYTES * (cells + cells % 2)


def check_memory(features: Mapping[str, Feature], spots: Mapping[str, Spot], ledger: Ledger) -> None:
    """Reports features that need more for each event than is given, and windows that are longer than the log.

    `spots` has the place of each feature, by its name.
    """
    taken = event_bytes(features.values())
    if taken > EVENT_BYTES_MAX:
        message = f"expected features that take at most {EVENT_BYTES_MAX:,} bytes of each event, got {taken:,}"
        spot = next(iter(spots.values()))
        ledger.report("too-large", spot, message, "let features share their keys and their `where`")
        return
    kept_ms = LOG_BYTES // taken * 1_000 // _EVENTS_A_SECOND
    for name, feature in features.items():
        if feature.reach_ms <= kept_ms:
            continue
        needed = feature.reach_ms // 1_000 * _EVENTS_A_SECOND * taken
        message = (
            f"`{name}` reaches back {duration_text(feature.reach_ms)}, but at one event a second the windows keep "
            f"{duration_text(kept_ms)}: they would need {needed / 2**30:.1f} GiB, and have {LOG_BYTES / 2**30:.1f}"
        )
        ledger.report(
            "too-much-memory", spots[name], message, "shorten the longest windows, or have fewer different keys"
        )
