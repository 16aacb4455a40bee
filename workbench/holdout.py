"""Holdout: past events in two periods. What is chosen on the first is measured on the last, which had no say in it."""

from dataclasses import dataclass

import msgspec
import polars as pl

from rules import Pack
from rules.literals import duration_text
from workbench.feature_table import FeatureTable
from workbench.measurement import DAY_MS, View
from workbench.reports import day_text, view_of


class HoldoutError(Exception):
    """Past events that cannot be divided so that both parts say something; the text says why."""


@dataclass(frozen=True, slots=True)
class Split:
    """The view to choose on, and the view of the time after it to report on."""

    first: View
    last: View


class Part(msgspec.Struct, frozen=True):
    """One of the periods, for a document: from `from_ms` until before `to_ms`; `fraud` and `good` are mature."""

    from_ms: int
    to_ms: int
    days: float
    events: int
    fraud: int
    good: int


def part_text(part: Part) -> str:
    """A period as people read it: its days and what is in it."""
    first, last = day_text(part.from_ms // DAY_MS), day_text(max(part.from_ms, part.to_ms - 1) // DAY_MS)
    return (
        f"{first} to {last}, {part.days:,.1f} days, {part.events:,} events with {part.fraud:,} fraud and "
        f"{part.good:,} good ones"
    )


def split_of(
    pack: Pack,
    table: FeatureTable,
    given: pl.DataFrame | None,
    maturity_ms: int,
    from_ms: int | None,
    to_ms: int | None,
    holdout_ms: int,
) -> Split:
    """The events from `from_ms` until before `to_ms` that are mature; the last `holdout_ms` of them are held out.

    Younger ones are in neither part: nothing is known of them. Labels are as in `view_of`. Raises HoldoutError.
    """
    mature_ms = table.account.end_ms - maturity_ms + 1
    end_ms = mature_ms if to_ms is None else min(to_ms, mature_ms)
    cut_ms = end_ms - holdout_ms
    start_ms = max(table.account.start_ms, from_ms or 0)
    if cut_ms <= start_ms:
        there = "none" if end_ms <= start_ms else duration_text(end_ms - start_ms)
        raise HoldoutError(
            f"expected more than the {duration_text(holdout_ms)} that are held out, got {there}: what is measured goes "
            f"from {day_text(start_ms // DAY_MS)} to where labels are mature, {day_text(mature_ms // DAY_MS)}"
        )
    parts = [view_of(pack, table, given, maturity_ms, *bounds) for bounds in ((from_ms, cut_ms), (cut_ms, end_ms))]
    for part, name in zip(parts, ("the first period", "the period held out"), strict=True):
        if not part.truth.labelled:
            raise HoldoutError("there are no labels: what is fraud must be known, see --labels")
        if not part.truth.fraud.any():
            raise HoldoutError(
                f"{name}, {day_text(part.start_ms // DAY_MS)} to {day_text((part.end_ms - 1) // DAY_MS)}, has no "
                "mature fraud: nothing can be said from it"
            )
    return Split(*parts)
