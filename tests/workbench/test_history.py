"""History: the same events from NDJSON, CSV and Parquet, by name or by a map, and nothing dropped without a word."""

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas import Event
from workbench.history import Chunk, History
from workbench.mapping import MappingError, read_map
from workbench.tabular import CHUNK_ROWS, UNROUNDED, HistoryError

T0 = 1_790_000_000_000


def _rows(count: int) -> list[dict[str, Any]]:
    return [
        {"type": "payment", "transaction_id": f"t{n}", "timestamp": T0 + 1000 * n, "user_id": f"u{n % 7}",
         "amount": n + 0.25, "currency": "CNY", "device_id": None if n % 3 else f"d{n}", "quantity": n % 4}
        for n in range(count)
    ]  # fmt: skip


def _mixed() -> list[dict[str, Any]]:
    login = {"type": "login", "event_id": "e1", "timestamp": T0 + 5, "user_id": "u1", "success": False}
    charge = {"type": "chargeback", "event_id": "e2", "timestamp": T0 + 9, "user_id": "u1"}
    return [*_rows(2), login, charge | {"original_transaction_id": "t1"}]


def _ndjson(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = (json.dumps({name: value for name, value in row.items() if value is not None}) for row in rows)
    path.write_text("".join(line + "\n" for line in lines))
    return path


def _events(history: History) -> list[Event]:
    return [event for chunk in history.chunks() for event in chunk.batch.events]


def _only(history: History) -> Chunk:
    (chunk,) = history.chunks()
    return chunk


@pytest.mark.parametrize("rows", [_rows(40), _mixed()], ids=["payments", "mixed"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_give_the_events_of_lines(tmp_path: Path, form: str, rows: list[dict[str, Any]]) -> None:
    frame = pl.from_dicts(rows, infer_schema_length=None)
    path = tmp_path / f"history.{form}"
    if form == "csv":
        frame.with_columns(pl.col("amount").cast(pl.String)).write_csv(path)
    else:
        frame.write_parquet(path)
    ours, theirs = _only(History(path)), _only(History(_ndjson(tmp_path / "history.ndjson", rows)))
    assert not ours.unread
    assert ours.batch.amount_minor.tolist() == theirs.batch.amount_minor.tolist()
    assert ours.batch.timestamp_ms.tolist() == theirs.batch.timestamp_ms.tolist()
    assert ours.fields.select(sorted(ours.fields.columns)).equals(theirs.fields.select(sorted(theirs.fields.columns)))
    assert ours.labels.rows() == theirs.labels.rows() == ([("t1", True, T0 + 9)] if len(rows) == 4 else [])


def test_many_rows_come_in_pieces_and_in_order(tmp_path: Path) -> None:
    pl.from_dicts(_rows(CHUNK_ROWS * 2 + 5)).write_parquet(tmp_path / "h.parquet", row_group_size=7_000)
    chunks = list(History(tmp_path / "h.parquet").chunks())
    assert [event.id for chunk in chunks for event in chunk.batch.events] == [
        f"t{n}" for n in range(CHUNK_ROWS * 2 + 5)
    ]
    assert [chunk.share for chunk in chunks] == sorted(chunk.share for chunk in chunks)
    assert chunks[-1].share == 1.0


def test_rows_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    rows = _rows(6)
    rows[1]["amount"] = -5.0
    rows[2]["timestamp"] = 12
    rows[4]["user_id"] = None
    pl.from_dicts(rows).write_parquet(tmp_path / "h.parquet")
    chunk = _only(History(tmp_path / "h.parquet"))
    assert [event.id for event in chunk.batch.events] == ["t0", "t3", "t5"]
    assert chunk.fields["transaction_id"].to_list() == ["t0", "t3", "t5"]
    assert [(each.place, each.reason) for each in chunk.unread] == [
        ("row 2", "invalid_amount"), ("row 3", "invalid_timestamp"), ("row 5", "missing_field")
    ]  # fmt: skip


def test_a_value_that_its_column_cannot_have_is_told(tmp_path: Path) -> None:
    rows = _rows(3)
    frame = pl.from_dicts(rows).with_columns(pl.Series("quantity", ["1", "many", None]))
    frame.write_csv(tmp_path / "h.csv")
    chunk = _only(History(tmp_path / "h.csv"))
    assert [event.id for event in chunk.batch.events] == ["t0", "t2"]
    (unread,) = chunk.unread
    assert (unread.place, unread.message) == ("row 2", "expected a whole number in `quantity`, got `many`")


def test_columns_that_are_no_fields_are_attributes(tmp_path: Path) -> None:
    pl.from_dicts([row | {"tier": "gold"} for row in _rows(3)]).write_parquet(tmp_path / "h.parquet")
    assert [event.attributes for event in _events(History(tmp_path / "h.parquet"))] == [{"tier": "gold"}] * 3


def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path) -> None:
    first, second = (json.dumps({k: v for k, v in row.items() if v is not None}) for row in _rows(2))
    (tmp_path / "h.ndjson").write_text(f"{first}\n{'x' * 200_000}\n\n{second}")
    chunk = _only(History(tmp_path / "h.ndjson"))
    assert [event.id for event in chunk.batch.events] == ["t0", "t1"]
    assert [(each.place, each.reason) for each in chunk.unread] == [("row 2", "too_large"), ("row 3", "not_json")]


MAP = """
columns: {transaction_id: ID, timestamp: SECONDS, user_id: CUSTOMER, amount: PAID}
constants: {type: payment, currency: EUR}
attributes: {city: CITY}
time: {unit: s, from: "2018-04-01T00:00:00Z"}
label: {column: FRAUD, after: 7d}
"""


def _foreign(tmp_path: Path, **changes: Any) -> Path:
    row = {"ID": 17, "SECONDS": 60, "CUSTOMER": 4, "PAID": 12.5, "CITY": "Wuhan", "FRAUD": 1, "SCENARIO": 3} | changes
    path = tmp_path / "foreign.parquet"
    pl.from_dicts([row, row | {"ID": 18, "FRAUD": 0}, row | {"ID": 19, "FRAUD": None}]).write_parquet(path)
    return path


def _map(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "map.yml"
    path.write_text(text)
    return path


def test_a_map_names_foreign_columns(tmp_path: Path) -> None:
    history = History(_foreign(tmp_path), read_map(_map(tmp_path, MAP)))
    chunk = _only(history)
    event, start_ms = chunk.batch.events[0], 1_522_540_800_000
    assert (event.id, event.user_id, event.timestamp, event.attributes) == (
        "17",
        "4",
        start_ms + 60_000,
        {"city": "Wuhan"},
    )
    assert chunk.batch.amount_minor.tolist() == [1_250] * 3
    known_ms = start_ms + 60_000 + 7 * 86_400_000
    assert chunk.labels.rows() == [("17", True, known_ms), ("18", False, known_ms)]
    assert history.left_out == ("SCENARIO",)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_amounts_are_rounded_where_the_map_asks(tmp_path: Path, form: str) -> None:
    paid = [85.64999999999999, 12.5, None, 0.1 + 0.2, 7.006, math.nan, math.inf]
    frame = pl.DataFrame(
        {"ID": range(7), "SECONDS": range(7), "CUSTOMER": range(7), "PAID": paid, "CITY": "Wuhan", "FRAUD": 0}
    )
    path = tmp_path / f"foreign.{form}"
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path)
    refused = _only(History(path, read_map(_map(tmp_path, MAP))))
    assert refused.batch.amount_minor.tolist() == [1_250]
    assert refused.rounding == UNROUNDED
    chunk = _only(History(path, read_map(_map(tmp_path, MAP + "amount: {decimals: 2}"))))
    assert chunk.batch.amount_minor.tolist() == [8_565, 1_250, 30, 701]
    assert chunk.rounding.amounts == 3
    assert chunk.rounding.furthest == pytest.approx(0.004)
    assert [each.place for each in chunk.unread] == ["row 3", "row 6", "row 7"]


def test_what_is_no_number_is_told_as_such_where_amounts_are_rounded(tmp_path: Path) -> None:
    path = tmp_path / "foreign.csv"
    path.write_text("ID,SECONDS,CUSTOMER,PAID,CITY,FRAUD\n1,1,1,six,Wuhan,0\n2,2,2,6,Wuhan,0\n")
    chunk = _only(History(path, read_map(_map(tmp_path, MAP + "amount: {decimals: 2}"))))
    assert chunk.batch.amount_minor.tolist() == [600]
    (unread,) = chunk.unread
    assert unread.message == "expected an amount in `PAID`, got `six`"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {transaction: ID}", "`transaction` is not a field of our events"),
        ("time: {unit: days}", "expected `ms` or `s` for `unit`, got `days`"),
        ("time: {from: yesterday}", "expected an RFC 3339 time"),
        ("label: {after: 7d}", "`label` needs the key `column`"),
        ("amount: {}", "`amount` needs the key `decimals`"),
        ("amount: {decimals: 2.5}", "expected a whole number from 0 to 6, got `2.5`"),
        ("attributes: {a-b: ID}", "expected a name of letters, digits and _, got `a-b`"),
        ("colums: {}", "`colums` is not a key of a map"),
    ],
)
def test_mistakes_in_a_map_are_told_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        read_map(_map(tmp_path, text))
    assert said in str(caught.value)
    assert "map.yml:1:" in str(caught.value)


def test_a_column_that_lacks_is_named(tmp_path: Path) -> None:
    path = _foreign(tmp_path)
    with pytest.raises(HistoryError, match=r"lacks the column `type`: it has `ID`, `SECONDS`.*--map FILE"):
        History(path)
    with pytest.raises(HistoryError, match="has no column `PRICE`, which the map gives for amount"):
        History(path, read_map(_map(tmp_path, MAP.replace("PAID", "PRICE"))))
    with pytest.raises(HistoryError, match="lacks the column `transaction_id` or `event_id`"):
        History(path, read_map(_map(tmp_path, MAP.replace("transaction_id: ID, ", ""))))


def test_a_label_that_is_neither_is_refused(tmp_path: Path) -> None:
    history = History(_foreign(tmp_path, FRAUD=2), read_map(_map(tmp_path, MAP)))
    with pytest.raises(HistoryError, match="expected 0 or 1 in `FRAUD`, got `2` in row 1"):
        list(history.chunks())


def test_files_that_are_not_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "h.parquet").write_text("not parquet")
    with pytest.raises(HistoryError, match="cannot be read as PARQUET"):
        History(tmp_path / "h.parquet")
    with pytest.raises(HistoryError, match=r"expected data in a file that ends in `.ndjson`"):
        History(tmp_path / "h.xls")
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        list(History(tmp_path / "h.ndjson").chunks())


def test_the_identity_is_of_content_and_map(tmp_path: Path) -> None:
    path = _foreign(tmp_path)
    columns = read_map(_map(tmp_path, MAP))
    other = read_map(_map(tmp_path, MAP.replace("7d", "8d")))
    same = path.with_name("copy.parquet")
    same.write_bytes(path.read_bytes())
    assert History(path, columns).identity() == History(same, columns).identity()
    assert History(path, columns).identity() != History(path, other).identity()
