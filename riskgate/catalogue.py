"""The catalogue of a pack's features, for those who write rules."""

from collections.abc import Sequence
from typing import TypedDict

from rules import Feature, Pack
from rules.syntax import inputs_of

UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


class Row(TypedDict):
    """One feature: `what` is its aggregate and the field that it is of; `over`, `delay` and `against` are durations.

    `at` is which percentile is meant, in percent. What only another aggregate has is None. `rules` are those whose
    condition reads it, with those that are off.
    """

    name: str
    type: str
    what: str
    at: float | None
    min_events: int | None
    by: list[str]
    over: str
    against: str | None
    delay: str
    events: list[str]
    where: str | None
    rules: list[str]


def rows_of(pack: Pack) -> list[Row]:
    """A row for each feature that the pack names, in its order."""
    readers: dict[str, list[str]] = {name: [] for name in pack.features}
    for rule in pack.rules:
        if rule.absence is not None:
            readers[rule.absence.feature.name].append(rule.id)
        for read in inputs_of(rule.when.tree):
            if read.kind == "feature":
                readers[read.name].append(rule.id)
    return [_row(feature, readers[feature.name]) for feature in pack.features.values()]


def _row(feature: Feature, rules: list[str]) -> Row:
    first = feature.filters[0]
    return Row(
        name=feature.name,
        type=feature.type,
        what=_aggregate(feature),
        at=feature.share / 1_000 if feature.aggregate == "percentile" else None,
        min_events=feature.min_events if feature.aggregate == "zscore" else None,
        by=list(feature.by),
        over=_duration(feature.over_ms),
        against=_duration(feature.against_ms) if feature.aggregate == "rate" else None,
        delay=_duration(feature.delay_ms),
        events=sorted({name for each in feature.filters for name in each.events}),
        where=None if first.where is None or len(feature.filters) > 1 else first.where.text or None,
        rules=rules,
    )


def _aggregate(feature: Feature) -> str:
    """The aggregate and what it is of, as a pack writes it; one whose own value is its key has none."""
    of = feature.field or ("event" if feature.aggregate in ("count", "rate") else None)
    return feature.aggregate if of is None else f"{feature.aggregate} {of}"


def table_of(rows: Sequence[Row]) -> str:
    """The rows in columns; a feature that no rule reads says so."""
    cells = [("feature", "type", "what", "by", "over", "of", "rules")]
    for row in rows:
        over = f"{row['over']} against {row['against']}" if row["against"] else row["over"]
        over += "" if row["delay"] == "0" else f", {row['delay']} ago"
        entering = ", ".join(row["events"]) + (f" where {row['where']}" if row["where"] else "")
        readers = ", ".join(row["rules"]) or "none"
        cells.append((row["name"], row["type"], _what(row), ", ".join(row["by"]), over, entering, readers))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)


def _what(row: Row) -> str:
    """The aggregate with its own option."""
    if row["at"] is not None:
        return f"{row['what']} at {row['at']:g}"
    return row["what"] if row["min_events"] is None else f"{row['what']} min_events {row['min_events']}"


def _duration(span_ms: int) -> str:
    """In the largest unit that it is a whole number of."""
    unit, size_ms = next((each for each in UNITS_MS if span_ms % each[1] == 0), UNITS_MS[-1])
    return f"{span_ms // size_ms}{unit}" if span_ms else "0"
