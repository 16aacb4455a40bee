"""History: the events of a file or a topic, in its order, as the live decoder reads them.

Nothing is dropped in silence: what cannot be read is counted by its reason, and the first of each are kept with their
place. Formats are NDJSON, CSV and Parquet with columns by the names of fields or by a map, and the records of a topic.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.fields import STORED_FIELDS, Field
from schemas import EVENT_TYPES, Chargeback, Event, Feedback
from schemas.batches import EVENT_BYTES_MAX, Batch, Rejection, decode
from windows import BATCH_MAX
from workbench.mapping import ColumnMap
from workbench.tabular import UNROUNDED, HistoryError, Rounding, Rows, Table, open_table, rows_of
from workbench.topic_copy import TopicCopy

NDJSON = (".ndjson", ".jsonl")
TABULAR = (".csv", ".parquet")
EXAMPLES_MAX = 5
"""So many examples of what could not be read are kept."""

LABELS = {"transaction_id": pl.String, "fraud": pl.Boolean, "known_ms": pl.Int64}
"""What is said of a transaction, and since when that is known, in epoch milliseconds."""

CHUNK_LINES = BATCH_MAX
FIELD_NAMES = tuple(name for name in STORED_FIELDS if name != "amount")
"""The fields of events that a chunk has as columns; amounts are a column of its batch."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that could not be read: its place in words, such as `row 17`, the reason's code, and why."""

    place: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some of the events: `fields` has a row for each of `batch.events`, with those FIELD_NAMES that have a value.

    `rows` has, for each of them, the number of its row, line or record in the data, from 1.
    `labels` are what the chunk says of transactions, with the columns of LABELS. `share` is how much of the data has
    been read, from 0 to 1. `arrived_ms` is when each event came, in epoch milliseconds, where that is known.
    `rounding` tells what the map did to amounts.
    """

    batch: Batch
    rows: Sequence[int]
    fields: pl.DataFrame
    unread: list[Unread]
    labels: pl.DataFrame
    share: float
    arrived_ms: NDArray[np.int64] | None = None
    rounding: Rounding = UNROUNDED


class History:
    """The events of a `.ndjson`, `.jsonl`, `.csv` or `.parquet` file, or those of a topic.

    Raises HistoryError where it cannot be used. `name` says what it is, `left_out` names the columns that a map leaves
    out.
    """

    def __init__(self, source: Path | TopicCopy, columns: ColumnMap | None = None) -> None:
        self.name = source.name if isinstance(source, TopicCopy) else str(source)
        self.left_out: tuple[str, ...] = ()
        self._source = source
        self._columns = columns
        self._table: Table | None = None
        if isinstance(source, Path):
            self._open(source, columns)
        elif columns is not None:
            raise HistoryError(
                f"a map is for columns: {self.name} has JSON objects, which name their fields themselves"
            )

    def _open(self, path: Path, columns: ColumnMap | None) -> None:
        if path.suffix not in (*NDJSON, *TABULAR):
            known = ", ".join(f"`{each}`" for each in (*NDJSON, *TABULAR))
            raise HistoryError(f"expected data in a file that ends in {known}, got `{path}`")
        if path.suffix in TABULAR:
            self._table = open_table(path, columns)
        elif columns is not None:
            raise HistoryError(f"a map is for columns: `{path}` has JSON objects, which name their fields themselves")
        if self._table is not None:
            self.left_out = self._table.left_out

    def identity(self) -> str:
        """Hexadecimal digits that are the same for the same content, read by the same map."""
        if isinstance(self._source, TopicCopy):
            return self._source.identity()
        try:
            with self._source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
        except OSError as error:
            raise HistoryError(f"`{self.name}` cannot be read: {error.strerror}") from None
        digest.update(self._source.suffix.encode())
        if self._columns is not None:
            digest.update(self._columns.identity().encode())
        return digest.hexdigest()

    def chunks(self) -> Iterator[Chunk]:
        """The events in their order. Raises HistoryError where a file breaks off."""
        if isinstance(self._source, TopicCopy):
            return _of_topic(self._source)
        return self._of_lines(self._source) if self._table is None else self._of_table(self._table)

    def _of_lines(self, path: Path) -> Iterator[Chunk]:
        try:
            size = max(1, path.stat().st_size)
            with path.open("rb") as file:
                first = 1
                while lines := some_lines(file, EVENT_BYTES_MAX):
                    batch = decode(lines)
                    unread = [_unread_row(first + each.index, each) for each in batch.rejections]
                    read = [first + index for index in batch.accepted()]
                    share = min(1.0, file.tell() / size)
                    yield Chunk(batch, read, fields_of(batch.events), unread, told_by(batch), share)
                    first += len(lines)
        except OSError as error:
            raise HistoryError(f"`{path}` cannot be read: {error.strerror}") from None

    def _of_table(self, table: Table) -> Iterator[Chunk]:
        total = max(1, _count(table))
        for rows in rows_of(table):
            batch = decode(rows.lines)
            accepted = batch.accepted()
            fields = rows.fields if len(accepted) == len(rows.fields) else rows.fields[list(accepted)]
            if len({struct.__struct_fields__ for struct in EVENT_TYPES.keys() & set(map(type, batch.events))}) == 1:
                fields = fields.select([name for name in fields.columns if name in FIELD_NAMES or name == "type"])
                fields = fields.drop([name for name in fields.columns if name not in _fields_of_struct(batch)])
            else:
                fields = fields_of(batch.events)
            share = min(1.0, (rows.first + rows.total) / total)
            labels = pl.concat([told_by(batch), _labels(table, rows, batch, fields)])
            read = [rows.first + rows.kept[index] + 1 for index in accepted]
            yield Chunk(batch, read, fields, _unread(rows, batch), labels, share, rounding=rows.rounding)


def _of_topic(copy: TopicCopy) -> Iterator[Chunk]:
    first = 1
    for portion in copy.portions():
        batch = decode(portion.lines)
        unread = [
            Unread(
                f"partition {portion.partitions[each.index]}, offset {portion.offsets[each.index]}",
                each.reason,
                each.message,
            )
            for each in batch.rejections
        ]
        accepted = list(batch.accepted())
        read, arrived_ms = [first + index for index in accepted], portion.arrived_ms[accepted]
        yield Chunk(batch, read, fields_of(batch.events), unread, told_by(batch), portion.share, arrived_ms)
        first += len(portion.lines)


def _fields_of_struct(batch: Batch) -> set[str]:
    return {"type", *type(batch.events[0]).__struct_fields__}


def _count(table: Table) -> int:
    return int(table.frame.select(pl.len()).collect().item())


def _unread(rows: Rows, batch: Batch) -> list[Unread]:
    refused = [Rejection(at, "wrong_type", message) for at, message in rows.unfit]
    refused += [Rejection(rows.kept[each.index], each.reason, each.message) for each in batch.rejections]
    return [_unread_row(rows.first + each.index + 1, each) for each in sorted(refused, key=lambda each: each.index)]


def _unread_row(row: int, rejection: Rejection) -> Unread:
    """What was wrong with a row or line, counted from 1."""
    return Unread(f"row {row:,}", rejection.reason, rejection.message)


def _labels(table: Table, rows: Rows, batch: Batch, fields: pl.DataFrame) -> pl.DataFrame:
    """What the column of labels says of the chunk's transactions."""
    if rows.labels is None or "transaction_id" not in fields.columns:
        return pl.DataFrame(schema=LABELS)
    said = rows.labels[[rows.kept[index] for index in batch.accepted()]]
    known_ms = pl.Series(batch.timestamp_ms) + table.columns.label_after_ms
    labels = pl.DataFrame({"transaction_id": fields["transaction_id"], "fraud": said, "known_ms": known_ms})
    return labels.drop_nulls().select(pl.col(name).cast(kind) for name, kind in LABELS.items())


def told_by(batch: Batch) -> pl.DataFrame:
    """What chargebacks and feedback among the events say of transactions, known since they came."""
    if not {Chargeback, Feedback}.intersection(map(type, batch.events)):
        return pl.DataFrame(schema=LABELS)
    rows = [
        (event.original_transaction_id, event.fraud if isinstance(event, Feedback) else True, time_ms)
        for event, time_ms in zip(batch.events, batch.timestamp_ms.tolist(), strict=True)
        if isinstance(event, Chargeback | Feedback)
    ]
    return pl.DataFrame(rows, schema=LABELS, orient="row")


def fields_of(events: Sequence[Event]) -> pl.DataFrame:
    """The type and the fields of events as columns; None where an event's type has no such field."""
    columns: dict[str, pl.Series] = {"type": pl.Series([event.type for event in events], dtype=pl.String)}
    for name in FIELD_NAMES:
        values = [getattr(event, name, None) for event in events]
        if any(value is not None for value in values):
            columns[name] = pl.Series(values, dtype=_dtype_of(STORED_FIELDS[name]))
    return pl.DataFrame(columns)


def _dtype_of(field: Field) -> type[pl.DataType]:
    return pl.Float64 if field.type == "number" and not field.whole else DTYPES[field.type]


DTYPES: dict[str, type[pl.DataType]] = {"text": pl.String, "bool": pl.Boolean, "number": pl.Int64}
"""How fields of each type are kept; numbers that are not whole are Float64."""


def some_lines(file: BinaryIO, bytes_max: int) -> list[bytes]:
    """The next lines, without empty ones at the end of the file; of a line longer than that only its beginning."""
    lines: list[bytes] = []
    while len(lines) < CHUNK_LINES and (line := file.readline(bytes_max + 2)):
        beginning = line
        while not line.endswith(b"\n") and len(line) == bytes_max + 2:
            line = file.readline(bytes_max + 2)
        lines.append(beginning.rstrip(b"\r\n"))
    return lines
