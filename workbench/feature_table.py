"""The feature table: all that rules can see of each judged event of a history, computed once by the live engine.

It is kept in a folder as Parquet, under a name made of the data and of all that its columns depend on. Thresholds and
conditions do not belong to that, so whoever changes them finds the table there. Where a pack has detectors, what they
learnt depends on what was blocked: then the rules that block belong to it, too.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import Engine, Measured
from rules import Feature, Input, Pack, Rule
from rules.columns import Column, NumberColumn, TextColumn
from rules.scopes import SCORE_PARTS, feature_input, score_input
from rules.syntax import CARRIED, inputs_of
from windows import NULL, Hasher
from workbench.history import DTYPES, EXAMPLES_MAX, LABELS, Chunk, History, Unread
from workbench.waiting import SCHEMA, Waiting

FORMAT = 3
"""Belongs to a table's name: to be raised when what is in one changes."""

KEPT_MAX = 8
"""So many tables stay in a folder; the longest unused go."""

EVENTS_FILE, LABELS_FILE, ACCOUNT_FILE = "events.parquet", "labels.parquet", "account.json"
WAITS_FILE = "waits.parquet"

Progress = Callable[[float], None]
"""Is told how much of the work is done, from 0 to 1."""


class Account(msgspec.Struct, frozen=True):
    """What became of the data. `unread` counts by reason what could not be read; `examples` are the first of those.

    `judged` events have a row each. `repeated` and `conflicting` ids get no new decision; `late` and `future` ones
    are judged, but enter no window. `unmatched` reversals and corrections change nothing. `foreign` events have an
    amount in another currency than the pack's, which counts as missing. `left_out` are columns that a map leaves out,
    `rounded` amounts were rounded as the map asks, by `rounded_by` units of the currency at most.
    `fields` are those that have a value in any event, judged or not.
    `start_ms` is when the first judged event happened that was not late, `end_ms` when the
    last one did of all that were not ahead of the stream, in epoch milliseconds: nothing later is known.
    """

    events: int
    judged: int
    unread: dict[str, int]
    examples: list[Unread]
    repeated: int
    conflicting: int
    unmatched: int
    late: int
    future: int
    foreign: int
    left_out: list[str]
    rounded: int
    rounded_by: float
    fields: list[str]
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """`events` has a row for each judged event, in order of arrival, with the columns

    - `number`: which of the events that could be read it is, counted from 0, whatever the pack judges;
    - `timestamp_ms`, and `moment_ms` as of when it is judged;
    - `amount_minor`, null where there is none in the pack's currency; `late`, `future` and `complete`, as measured;
    - `field.NAME` for each field that has a value, `feature.NAME` for each feature of the pack, `score.NAME.PART` for
      its detectors, and `attribute.TYPE.NAME` for the attributes that its rules read.

    `labels` has the columns of `history.LABELS`: all that the data says of transactions. `waits` has those of
    `waiting.SCHEMA`, and fields: a row for each wait, in vain or not, that was over by the end of the data.
    """

    events: pl.DataFrame
    labels: pl.DataFrame
    account: Account
    waits: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))

    def __len__(self) -> int:
        return len(self.events)

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of whole numbers that is nowhere null, int64[n]."""
        return self.events[name].to_numpy()

    def series(self, read: Input) -> pl.Series | None:
        """The column of an input; None where no event has a value."""
        name = column_of(read)
        return self.events[name] if name in self.events.columns else None

    def column(self, read: Input, rows: slice) -> Column | None:
        """The column of an input as conditions read it, in these rows; None for a list."""
        if read.kind == "list":
            return None
        series = self.series(read)
        if series is None:
            series = pl.repeat(None, len(self), dtype=_DTYPES[read.type], eager=True)
        return _column(series[rows], read)


_HASHER_KEY = bytes(16)
_DTYPES: dict[str, type[pl.DataType]] = {**DTYPES, "money": pl.Int64, "duration": pl.Int64, "number": pl.Float64}


def read_features(pack: Pack) -> dict[str, Feature]:
    """The features that conditions may read: not those of absences, which are asked about when a wait is over."""
    return {name: feature for name, feature in pack.features.items() if feature.aggregate != "absence"}


def silent_features(pack: Pack, table: FeatureTable) -> frozenset[str]:
    """The features that say nothing of this data: they are null in all events, or of a field, or by one, that none has.

    A count of different values is zero where there are none to count; that was not measured either.
    """
    known, events = table.account.fields, table.events
    return frozenset(
        name
        for name, feature in read_features(pack).items()
        if not {*feature.by, *([feature.field] if feature.field else [])}.issubset(known)
        or events[f"feature.{name}"].null_count() == len(events)
    )


def text_id(text: str) -> int:
    """The id that a text has in the table's columns."""
    return _hasher().id(text)


def _hasher() -> Hasher:
    return Hasher(_HASHER_KEY)


def _column(series: pl.Series, read: Input) -> Column:
    if read.type == "text":
        texts = series.to_list()
        return TextColumn(texts, _hasher().ids(texts))
    if not series.null_count():
        return NumberColumn(series.to_numpy(), None)
    filled = series.fill_null(value=False) if series.dtype == pl.Boolean else series.fill_null(0)
    return NumberColumn(filled.to_numpy(), series.is_null().to_numpy())


def column_of(read: Input) -> str:
    """The name of an input's column."""
    if read.kind == "field":
        return "amount_minor" if read.name == "amount" else f"field.{read.name}"
    return f"{read.kind}.{read.type}.{read.name}" if read.kind in CARRIED else f"{read.kind}.{read.name}"


def measured_pack(pack: Pack) -> Pack:
    """The pack as it is measured: rules that are off are tried as well.

    Not where it has detectors, since these would learn from events that the live engine does not judge; but those that
    wait judge none.
    """
    return replace(
        pack, rules=tuple(_tried(rule) if rule.absence or not pack.detectors else rule for rule in pack.rules)
    )


def _tried(rule: Rule) -> Rule:
    return replace(rule, mode="shadow") if rule.mode == "off" else rule


def watched_inputs(pack: Pack) -> tuple[Input, ...]:
    """What the engine is to tell of each event; fields are in the data itself."""
    features = [feature_input(feature) for feature in read_features(pack).values()]
    scores = [score_input(name, part) for name in pack.detectors for part in SCORE_PARTS]
    reads = dict.fromkeys(read for rule in pack.rules for read in inputs_of(rule.when.tree))
    return (*features, *scores, *(read for read in reads if read.kind in CARRIED))


def name_of(pack: Pack, history: History) -> str:
    """The same for all packs and data that have the same table."""
    rules = [rule for rule in measured_pack(pack).rules if rule.mode != "off"]
    judged = sorted({name for rule in rules for name in rule.events})
    blocking = [
        (rule.id, repr(rule.when.tree), sorted(rule.events), rule.on_missing, rule.then, rule.overrides)
        for rule in pack.rules
        if pack.detectors and rule.mode == "live" and (rule.then == "block" or rule.overrides)
    ]
    features = [
        (name, each.aggregate, each.field, each.by, each.over_ms, each.delay_ms, len(each.steps),
         each.min_events, each.against_ms, each.share,
         [(sorted(filter_.events), repr(filter_.tree)) for filter_ in each.filters])
        for name, each in pack.features.items()
    ]  # fmt: skip
    waits = [(rule.id, rule.absence.within_ms, repr(rule.when.tree)) for rule in pack.rules if rule.absence is not None]
    listed = [(name, sorted(spec.entries.items())) for name, spec in sorted(pack.lists.items())]
    detectors = [(name, repr(spec)) for name, spec in pack.detectors.items()]
    depends = (
        FORMAT, pack.currency, sorted(pack.rates.items()), pack.timing, features, waits, detectors, blocking, judged,
        listed if _lists_matter(pack) else [], [repr(each) for each in watched_inputs(pack)],
    )  # fmt: skip
    return hashlib.sha256(f"{history.identity()}{depends!r}".encode()).hexdigest()[:32]


def _lists_matter(pack: Pack) -> bool:
    """Whether the features or what detectors learn depend on what lists hold."""
    trees = [each.tree for feature in pack.features.values() for each in feature.filters if each.tree is not None]
    return bool(pack.detectors) or any(read.kind == "list" for tree in trees for read in inputs_of(tree))


def feature_table(pack: Pack, history: History, folder: Path, progress: Progress) -> FeatureTable:
    """The table of the history for the pack: from the folder, or computed and put there.

    Raises HistoryError and OSError.
    """
    place = folder / name_of(pack, history)
    kept = _kept(place)
    if kept is not None:
        return kept
    table = compute(pack, history, progress)
    _keep(table, place)
    return table


def _kept(place: Path) -> FeatureTable | None:
    """The table that is kept there; None where there is none, or none that can be read."""
    try:
        account = msgspec.json.decode((place / ACCOUNT_FILE).read_bytes(), type=Account)
        events, labels, waits = (pl.read_parquet(place / name) for name in (EVENTS_FILE, LABELS_FILE, WAITS_FILE))
    except (OSError, msgspec.MsgspecError, pl.exceptions.PolarsError):
        return None
    os.utime(place)
    return FeatureTable(events, labels, account, waits)


def _keep(table: FeatureTable, place: Path) -> None:
    """Writes the table beside its place and moves it there; removes the longest unused beyond KEPT_MAX."""
    folder = place.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = Path(mkdtemp(prefix=".half-", dir=folder))
    try:
        table.events.write_parquet(half / EVENTS_FILE, compression="lz4")
        table.labels.write_parquet(half / LABELS_FILE, compression="lz4")
        table.waits.write_parquet(half / WAITS_FILE, compression="lz4")
        (half / ACCOUNT_FILE).write_bytes(msgspec.json.encode(table.account))
        shutil.rmtree(place, ignore_errors=True)
        half.rename(place)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    kept = sorted((each for each in folder.iterdir() if (each / ACCOUNT_FILE).exists()), key=_used)
    for old in kept[:-KEPT_MAX]:
        shutil.rmtree(old, ignore_errors=True)


def _used(place: Path) -> float:
    return place.stat().st_mtime


def compute(pack: Pack, history: History, progress: Progress) -> FeatureTable:
    """Lets the live engine measure every event of the history, from an empty state on."""
    watched = watched_inputs(pack)
    engine = Engine(measured_pack(pack), watched=watched)
    lists = pack.entries_by_list
    tally, waiting = _Tally(), Waiting()
    frames, labels = [pl.DataFrame(schema=_schema(watched))], [pl.DataFrame(schema=LABELS)]
    for chunk in history.chunks():
        parts = engine.measure(chunk.batch, lists, chunk.arrived_ms)
        frames += [_frame(part, chunk, tally.events) for part in parts]
        labels.append(chunk.labels)
        tally.add(chunk, parts)
        waiting.add(chunk, parts)
        progress(chunk.share)
    events = pl.concat(frames, how="diagonal")
    return FeatureTable(events, pl.concat(labels), tally.account(events, history), waiting.table())


def _schema(watched: Iterable[Input]) -> Mapping[str, type[pl.DataType]]:
    """The columns that every table has, whatever is in the data."""
    own: dict[str, type[pl.DataType]] = {
        "number": pl.Int64, "timestamp_ms": pl.Int64, "moment_ms": pl.Int64, "amount_minor": pl.Int64,
        "late": pl.Boolean, "future": pl.Boolean, "complete": pl.Boolean, "field.type": pl.String,
    }  # fmt: skip
    return own | {column_of(read): _dtype(read) for read in watched}


def _dtype(read: Input) -> type[pl.DataType]:
    if read.kind in CARRIED or read.type in ("text", "bool"):
        return _DTYPES[read.type]
    return pl.Int64 if read.whole else pl.Float64


def _frame(part: Measured, chunk: Chunk, before: int) -> pl.DataFrame:
    """A part's rows of the table; so many events came `before` the chunk."""
    columns = {
        "number": pl.Series(part.positions + before),
        "timestamp_ms": pl.Series(chunk.batch.timestamp_ms[part.positions]),
        "moment_ms": pl.Series(part.moments_ms),
        "amount_minor": _series(part.amount_minor, pl.Int64),
        "late": pl.Series(part.late),
        "future": pl.Series(part.future),
        "complete": pl.Series(part.complete),
    }
    columns |= {
        column_of(read): _series(column, _dtype(read)) for read, column in part.columns.items() if column is not None
    }
    whole = len(part.positions) == len(chunk.fields)
    fields = chunk.fields if whole else chunk.fields[part.positions]
    return pl.DataFrame(columns).hstack([series.alias(f"field.{series.name}") for series in fields])


def _series(column: Column, kind: type[pl.DataType]) -> pl.Series:
    if isinstance(column, TextColumn):
        return pl.Series(column.values, dtype=pl.String)
    series = pl.Series(column.values)
    if series.dtype != kind:
        series = series.cast(kind)
    return series if column.missing is None else series.set(pl.Series(column.missing), None)


class _Tally:
    """Counts what becomes of the data."""

    def __init__(self) -> None:
        self._unread: Counter[str] = Counter()
        self._examples: list[Unread] = []
        self._counts: Counter[str] = Counter()
        self._fields: set[str] = set()
        self._rounded_by = 0.0
        self._end_ms = NULL

    def add(self, chunk: Chunk, parts: Iterable[Measured]) -> None:
        for each in chunk.unread:
            self._unread[each.reason] += 1
            if self._unread[each.reason] <= EXAMPLES_MAX:
                self._examples.append(each)
        self._counts["events"] += len(chunk.batch.events)
        self._counts["rounded"] += chunk.rounding.amounts
        self._rounded_by = max(self._rounded_by, chunk.rounding.furthest)
        fields = chunk.fields
        self._fields.update(name for name in fields.columns if fields[name].null_count() < len(fields))
        if (chunk.batch.amount_minor != NULL).any():
            self._fields.add("amount")
        for part in parts:
            self._counts["repeated"] += part.repeated
            self._counts["conflicting"] += part.conflicting
            self._counts["unmatched"] += part.unmatched
            self._end_ms = max(self._end_ms, part.latest_ms)

    @property
    def events(self) -> int:
        """How many have come."""
        return self._counts["events"]

    def account(self, events: pl.DataFrame, history: History) -> Account:
        first_ms = events.filter(~pl.col("late"))["timestamp_ms"].min()
        moves_money = events["field.currency"].is_not_null() if "field.currency" in events.columns else None
        foreign = 0 if moves_money is None else int((events["amount_minor"].is_null() & moves_money).sum())
        return Account(
            events=self.events,
            judged=len(events),
            unread=dict(self._unread),
            examples=self._examples,
            repeated=self._counts["repeated"],
            conflicting=self._counts["conflicting"],
            unmatched=self._counts["unmatched"],
            late=int(events["late"].sum()),
            future=int(events["future"].sum()),
            foreign=foreign,
            left_out=list(history.left_out),
            rounded=self._counts["rounded"],
            rounded_by=self._rounded_by,
            fields=sorted(self._fields),
            start_ms=first_ms if isinstance(first_ms, int) else self._end_ms,
            end_ms=self._end_ms,
        )
