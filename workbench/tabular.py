"""Data in columns: from the frames of a CSV or Parquet file to the JSON lines that the live decoder takes.

So what is wrong with a row is found, and named, by what decides the stream.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from rules.fields import FIELDS, STORED_FIELDS
from schemas import STRUCTS, TRANSACTION_TYPES
from windows import BATCH_MAX
from workbench.mapping import ColumnMap

CHUNK_ROWS = BATCH_MAX
NEEDED = ("type", "timestamp", "user_id")
"""Fields without which no event can be."""

_UNREADABLE = (pl.exceptions.PolarsError, OSError)
_NAMES = frozenset(STORED_FIELDS) | {"type", "timestamp", "attributes", "metadata"}
_ID_FIELDS = ("transaction_id", "event_id")


class HistoryError(Exception):
    """Data that cannot be used; the text says what was expected, what came, and where."""


class Table(NamedTuple):
    """A file of rows, and what its columns are: `sources` gives for our field the file's column."""

    path: Path
    frame: pl.LazyFrame
    schema: Mapping[str, pl.DataType]
    sources: Mapping[str, str]
    columns: ColumnMap
    textual: bool
    left_out: tuple[str, ...]

    @property
    def label(self) -> str | None:
        return self.columns.label


def open_table(path: Path, columns: ColumnMap | None) -> Table:
    """The table in a `.csv` or `.parquet` file. Without a map, columns are fields by name, and others attributes.

    With one, what it does not name is left out. Raises HistoryError.
    """
    textual = path.suffix == ".csv"
    try:
        frame = pl.scan_csv(path, infer_schema=False) if textual else pl.scan_parquet(path)
        schema = frame.collect_schema()
    except _UNREADABLE as error:
        raise HistoryError(f"`{path}` cannot be read as {path.suffix[1:].upper()}: {_first_line(error)}") from None
    chosen = columns or ColumnMap()
    sources = dict(chosen.columns)
    if columns is None:
        sources = {name: name for name in schema if name in _NAMES}
        attributes = {name: name for name in schema if name not in _NAMES}
        chosen = ColumnMap(columns=sources, attributes=attributes)
    named = {*sources.values(), *chosen.attributes.values(), *([chosen.label] if chosen.label else [])}
    table = Table(path, frame, schema, sources, chosen, textual, tuple(name for name in schema if name not in named))
    _check(table)
    return table


def _check(table: Table) -> None:
    """Raises HistoryError where a column lacks or cannot be what it is mapped to."""
    have = ", ".join(f"`{name}`" for name in list(table.schema)[:30])
    wanted = {**table.sources, **{f"attributes.{name}": column for name, column in table.columns.attributes.items()}}
    if table.label is not None:
        wanted["the label"] = table.label
    for name, column in wanted.items():
        if column not in table.schema:
            raise HistoryError(
                f"`{table.path}` has no column `{column}`, which the map gives for {name}: it has {have}"
            )
    for names in (*((each,) for each in NEEDED), _ID_FIELDS):
        if not any(each in table.sources or each in table.columns.constants for each in names):
            asked = " or ".join(f"`{each}`" for each in names)
            raise HistoryError(
                f"`{table.path}` lacks the column {asked}: it has {have}; "
                "name the column that means it in a map (`--map FILE`), or give a constant there"
            )
    for name, column in table.sources.items():
        kind = table.schema[column]
        if _is_text(name) and (kind.is_float() or kind.is_nested()):
            raise HistoryError(
                f"`{table.path}`: expected texts or whole numbers in `{column}` for `{name}`, got {kind}"
            )


def _is_text(name: str) -> bool:
    return name in FIELDS and FIELDS[name].type == "text"


class Rounding(NamedTuple):
    """How many amounts were rounded as the map asks, and by how much at most, in units of the currency."""

    amounts: int
    furthest: float


UNROUNDED = Rounding(0, 0.0)


class Rows(NamedTuple):
    """Rows of a table: `fields` are our columns, `lines` the same as JSON, `unfit` those with a value of no use.

    `first` is the number of the first row; `kept` are the numbers within, of the rows that have a line. `labels` is
    null where the row has none.
    """

    first: int
    total: int
    fields: pl.DataFrame
    lines: list[bytes]
    kept: Sequence[int]
    unfit: list[tuple[int, str]]
    labels: pl.Series | None
    rounding: Rounding


def rows_of(table: Table) -> Iterator[Rows]:
    """The table in pieces, in its order. Raises HistoryError where the file breaks off."""
    first = 0
    try:
        for piece in table.frame.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
            for part in piece.iter_slices(CHUNK_ROWS):
                yield _rows(table, part, first)
                first += len(part)
    except _UNREADABLE as error:
        raise HistoryError(f"`{table.path}` cannot be read on after row {first:,}: {_first_line(error)}") from None


def _rows(table: Table, part: pl.DataFrame, first: int) -> Rows:
    typed = part.select([_typed(table, name, column) for name, column in table.sources.items()])
    constants = [pl.lit(value).alias(name) for name, value in table.columns.constants.items()]
    fields = typed.with_columns(constants)
    if "timestamp" in table.sources:
        fields = _with_whole_times(fields, table)
    attributes = [part[column].alias(name) for name, column in table.columns.attributes.items()]
    unfit, rounding = _unfit(table, part, fields), _rounding(table, part, fields)
    labels = None if table.label is None else _labels(table.path, part[table.label], first)
    kept: Sequence[int] = range(len(part))
    if unfit:
        bad = {number for number, _ in unfit}
        kept = [number for number in kept if number not in bad]
        fields, attributes = fields[kept], [series[kept] for series in attributes]
    if attributes:
        fields = fields.with_columns(pl.struct(attributes).alias("attributes"))
    return Rows(first, len(part), fields, _lines(fields), kept, unfit, labels, rounding)


def _typed(table: Table, name: str, column: str) -> pl.Expr:
    """A column of the file as the field it is."""
    source, kind = pl.col(column), table.schema[column]
    if name == "timestamp":
        return _instants(source, kind, table).alias(name)
    if name == "amount" and table.columns.decimals is not None:
        return source.cast(pl.Float64, strict=False).round(table.columns.decimals).alias(name)
    if name == "amount":
        return (source.cast(pl.String) if kind.is_decimal() else source).alias(name)
    if name in ("attributes", "metadata"):
        return source.alias(name)
    wanted = {"text": pl.String, "bool": pl.Boolean, "number": pl.Int64}[FIELDS[name].type]
    if wanted == pl.Boolean and kind == pl.String:
        return source.map_batches(truths, return_dtype=pl.Boolean).alias(name)
    return source.cast(wanted, strict=False).alias(name)


def _rounding(table: Table, part: pl.DataFrame, fields: pl.DataFrame) -> Rounding:
    if table.columns.decimals is None or "amount" not in table.sources:
        return UNROUNDED
    before = part[table.sources["amount"]].cast(pl.Float64, strict=False)
    away = (fields["amount"] - before).abs().fill_nan(None)
    furthest = away.max()
    return Rounding(int((away > 0).sum()), furthest if isinstance(furthest, float) else 0.0)


_NULLABLE = frozenset(
    info.name for struct in STRUCTS.values() for info in msgspec.structs.fields(struct) if info.default is None
)
"""Fields that the decoder takes a null for."""

_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def truths(column: pl.Series) -> pl.Series:
    """A column of 1 and 0, or of true and false, as truth values; null where it has something else."""
    texts = column.cast(pl.String).str.to_lowercase()
    return texts.replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)


def _labels(path: Path, column: pl.Series, first: int) -> pl.Series:
    found = truths(column)
    lost = found.is_null() & column.is_not_null()
    if lost.any():
        at = int(lost.arg_true()[0])
        raise HistoryError(
            f"`{path}`: expected 0 or 1 in `{column.name}`, got `{column[at]}` in row {first + at + 1:,}"
        )
    return found


def _instants(source: pl.Expr, kind: pl.DataType, table: Table) -> pl.Expr:
    """Epoch milliseconds; a text that is no whole number stays for the decoder. Times without a zone are UTC."""
    if kind.is_temporal():
        return source.cast(pl.Datetime("ms")).dt.epoch("ms")
    unit_ms, origin_ms = table.columns.unit_ms, table.columns.origin_ms
    if kind.is_integer():
        return source.cast(pl.Int64) * unit_ms + origin_ms
    if kind.is_float():
        return (source * unit_ms).floor().cast(pl.Int64, strict=False) + origin_ms
    return source.cast(pl.String)


def _with_whole_times(fields: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Texts of a CSV file that are whole numbers as such, if all are."""
    texts = fields["timestamp"]
    whole = texts.cast(pl.Int64, strict=False)
    if texts.dtype != pl.String or whole.null_count() > texts.null_count():
        return fields
    return fields.with_columns(whole * table.columns.unit_ms + table.columns.origin_ms)


def _unfit(table: Table, part: pl.DataFrame, fields: pl.DataFrame) -> list[tuple[int, str]]:
    """Rows with a value that was lost when its column became a field, and what is wrong with it."""
    found: dict[int, str] = {}
    for name, column in table.sources.items():
        if fields[name].null_count() == part[column].null_count():
            continue
        lost = fields[name].is_null() & part[column].is_not_null()
        for number in lost.arg_true().to_list():
            found.setdefault(number, f"expected {_WANTED[_kind(name)]} in `{column}`, got `{part[column][number]}`")
    return sorted(found.items())


def _kind(name: str) -> str:
    return FIELDS[name].type if name in FIELDS else name


_WANTED = {
    "text": "a text",
    "bool": "true or false",
    "number": "a whole number",
    "money": "an amount",
    "timestamp": "a time",
    "attributes": "attributes",
    "metadata": "metadata",
}


def _lines(fields: pl.DataFrame) -> list[bytes]:
    """The rows as JSON objects; each has the columns that its type can have, and others where they have a value."""
    types = fields["type"].unique().to_list()
    if all(each in TRANSACTION_TYPES for each in types):
        return _written(fields, set(STRUCTS["payment"].__struct_fields__))
    lines: list[bytes] = [b""] * len(fields)
    numbered = fields.with_row_index("__row")
    for kind in types:
        some = numbered.filter(pl.col("type").eq_missing(pl.lit(kind, dtype=pl.String)))
        known = set(STRUCTS[kind].__struct_fields__) if kind in STRUCTS else set()
        for number, line in zip(some["__row"].to_list(), _written(some.drop("__row"), known), strict=True):
            lines[number] = line
    return lines


def _written(fields: pl.DataFrame, known: set[str]) -> list[bytes]:
    """JSON without the columns that have no value, and without nulls where the decoder takes none."""
    there = [name for name in fields.columns if fields[name].null_count() < len(fields)]
    kept = fields.select(there)
    lines: list[bytes] = kept.select(pl.struct(there).struct.json_encode().cast(pl.Binary)).to_series().to_list()
    nullable = known & _NULLABLE
    if any(name not in nullable and kept[name].null_count() for name in there):
        return list(map(_without_nulls, lines))
    return lines


def _without_nulls(line: bytes) -> bytes:
    fields: dict[str, Any] = msgspec.json.decode(line)
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
