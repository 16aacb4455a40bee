"""Waiting: collects the waits of a history as they begin and end, for the table that is kept of them."""

from collections.abc import Iterable, Mapping

import polars as pl

from engine.measurements import Measured
from workbench.history import Chunk

SCHEMA: Mapping[str, type[pl.DataType]] = {
    "rule": pl.String, "serial": pl.Int64, "timer_ms": pl.Int64, "in_vain": pl.Boolean, "complete": pl.Boolean,
    "timestamp_ms": pl.Int64, "moment_ms": pl.Int64, "amount_minor": pl.Int64, "field.type": pl.String,
}  # fmt: skip
"""The columns that every table of waits has."""

_OF_EVENTS = ("serial", "timestamp_ms", "amount_minor", "field.type")


class Waiting:
    """What began waits, and which of these were over."""

    def __init__(self) -> None:
        self._events = [pl.DataFrame(schema={name: SCHEMA[name] for name in _OF_EVENTS})]
        self._over: list[tuple[str, int, int, bool, bool]] = []

    def add(self, chunk: Chunk, parts: Iterable[Measured]) -> None:
        for part in parts:
            self._over += part.waited
            if part.begun:
                positions, serials, amounts = map(list, zip(*part.begun, strict=True))
                own = {
                    "serial": pl.Series(serials, dtype=pl.Int64),
                    "timestamp_ms": pl.Series(chunk.batch.timestamp_ms[positions]),
                    "amount_minor": pl.Series(amounts, dtype=pl.Int64),
                }
                fields = [series.alias(f"field.{series.name}") for series in chunk.fields[positions]]
                self._events.append(pl.DataFrame(own).hstack(fields))

    def table(self) -> pl.DataFrame:
        """A row for each wait that was over, in order, with the fields of the event that began it."""
        names = [name for name in SCHEMA if name not in (*_OF_EVENTS[1:], "moment_ms")]
        over = pl.DataFrame(self._over, schema={name: SCHEMA[name] for name in names}, orient="row")
        begun = pl.concat(self._events, how="diagonal")
        return over.join(begun, on="serial", how="left", maintain_order="left").with_columns(
            moment_ms=pl.col("timestamp_ms")
        )
