"""Labels: which transactions turned out to be fraud, as far as that was known by the end of the data.

Labels come late. One counts only from when it is known, and a transaction counts only once it is mature: old enough
that a label would have come. Of a mature transaction nobody has said that it is fraud, so it is good.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas import TimestampError, epoch_ms
from workbench.feature_table import FeatureTable
from workbench.history import LABELS
from workbench.tabular import HistoryError, truths

COLUMNS = ("transaction_id", "fraud", "labelled_at")
DELAY_SHARE = 0.95
"""The delay is told within which so many of the frauds were known."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of n events of a table: `fraud` and `good` are bool[n], both False where nothing is known yet.

    `young` is bool[n]: transactions that have no mature label. `given` labels were there, `late` of them were known
    only after the end of the data, `strange` ones are of transactions that are not in the table. `contrary` ones were
    overtaken by a later word on the same transaction. Within `delay_ms` 95% of the known frauds were known.
    """

    fraud: NDArray[np.bool_]
    good: NDArray[np.bool_]
    young: NDArray[np.bool_]
    given: int
    late: int
    strange: int
    contrary: int
    delay_ms: int | None

    @property
    def labelled(self) -> bool:
        """Whether there is any label to go by."""
        return self.given > self.late


def read_labels(path: Path) -> pl.DataFrame:
    """The labels in a `.csv`, `.parquet` or `.ndjson` file, with the columns of `history.LABELS`.

    The file has the columns COLUMNS; `fraud` is 1 or 0, or true or false, `labelled_at` epoch milliseconds or an RFC
    3339 time. Raises HistoryError.
    """
    readers = {
        ".csv": lambda: pl.read_csv(path, infer_schema=False),
        ".parquet": lambda: pl.read_parquet(path),
        ".ndjson": lambda: pl.read_ndjson(path, infer_schema_length=None),
    }
    if path.suffix not in readers:
        raise HistoryError(
            f"expected labels in a file that ends in {', '.join(f'`{e}`' for e in readers)}, got `{path}`"
        )
    try:
        frame = readers[path.suffix]()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(f"`{path}` cannot be read: {str(error).partition(chr(10))[0]}") from None
    for name in COLUMNS:
        if name not in frame.columns:
            have = ", ".join(f"`{each}`" for each in frame.columns[:30])
            raise HistoryError(f"`{path}` lacks the column `{name}`: it has {have}")
    ids, fraud = frame["transaction_id"].cast(pl.String), truths(frame["fraud"])
    known_ms = _instants(path, frame["labelled_at"])
    _refuse(path, frame["fraud"], fraud, "1 or 0, or true or false,")
    _refuse(path, frame["transaction_id"], ids, "an id")
    return pl.DataFrame({"transaction_id": ids, "fraud": fraud, "known_ms": known_ms})


def _refuse(path: Path, given: pl.Series, read: pl.Series, expected: str) -> None:
    """Raises HistoryError for the first value that could not be read."""
    if read.null_count():
        at = int(read.is_null().arg_true()[0])
        raise HistoryError(f"`{path}`: expected {expected} in `{given.name}`, got `{given[at]}` in row {at + 1:,}")


def _instants(path: Path, given: pl.Series) -> pl.Series:
    if given.dtype.is_temporal():
        read = given.cast(pl.Datetime("ms")).dt.epoch("ms")
    else:
        read = given.cast(pl.Int64, strict=False)
        if read.null_count() and given.dtype == pl.String:
            read = pl.Series([_instant(text) for text in given.to_list()], dtype=pl.Int64)
    _refuse(path, given, read, "epoch milliseconds or an RFC 3339 time")
    return read


def _instant(text: str | None) -> int | None:
    try:
        return None if text is None else epoch_ms(int(text) if text.isdecimal() else text)
    except TimestampError:
        return None


def truth_of(table: FeatureTable, given: pl.DataFrame | None, maturity_ms: int) -> Truth:
    """What is known of the table's events, by the labels `given`, if any, and those of the data, at its end."""
    labels = table.labels if given is None else pl.concat([table.labels, given.select(list(LABELS))])
    end_ms = table.account.end_ms
    known = labels.filter(pl.col("known_ms") <= end_ms).sort("known_ms", maintain_order=True)
    last = known.unique("transaction_id", keep="last", maintain_order=True)
    ids = _transactions(table)
    if not len(known):
        nothing = np.zeros(len(table), dtype=np.bool_)
        young = (table.numbers("timestamp_ms") > end_ms - maturity_ms) & ids["transaction_id"].is_not_null().to_numpy()
        return Truth(nothing, nothing, young, len(labels), len(labels), 0, 0, None)
    joined = ids.join(last, on="transaction_id", how="left", maintain_order="left")
    is_transaction = ids["transaction_id"].is_not_null().to_numpy()
    said_fraud = joined["fraud"].fill_null(value=False).to_numpy() & is_transaction
    mature = table.numbers("timestamp_ms") <= end_ms - maturity_ms
    delays = (joined["known_ms"] - pl.Series(table.numbers("timestamp_ms"))).filter(pl.Series(said_fraud))
    quantile = delays.quantile(DELAY_SHARE)
    return Truth(
        fraud=said_fraud & mature,
        good=~said_fraud & mature & is_transaction,
        young=~mature & is_transaction,
        given=len(labels),
        late=len(labels) - len(known),
        strange=len(last.join(ids, on="transaction_id", how="anti")),
        contrary=len(known) - len(last),
        delay_ms=None if quantile is None else int(quantile),
    )


def _transactions(table: FeatureTable) -> pl.DataFrame:
    """The ids of the table's transactions, null for other events."""
    name = "field.transaction_id"
    if name not in table.events.columns:
        return pl.DataFrame({"transaction_id": pl.repeat(None, len(table), dtype=pl.String, eager=True)})
    return pl.DataFrame({"transaction_id": table.events[name]})
