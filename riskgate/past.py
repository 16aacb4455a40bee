"""Past events as the analyst's commands measure on them: read, with all features of a pack, and with labels."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple

import click
import polars as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

import rules
from riskgate.waiting import load_kernels
from rules import Pack
from rules.findings import render
from workbench.comparison import Comparison, comparison_of
from workbench.decisions import Decisions
from workbench.feature_table import Account, FeatureTable, feature_table
from workbench.history import History
from workbench.holdout import HoldoutError, Split, split_of
from workbench.labels import read_labels
from workbench.mapping import MappingError, read_map
from workbench.measurement import View
from workbench.reports import view_of
from workbench.tabular import HistoryError
from workbench.topic_copy import TopicCopy
from workbench.trials import Trial, observed, trial_of

if TYPE_CHECKING:
    from flows.kafka import Block


class PastError(Exception):
    """Past events that nothing can be measured on; the text says why."""


class Topic(NamedTuple):
    """A topic of past events, from an offset on in each partition; None is the first that is there.

    `config` and `config_file` are librdkafka's settings.
    """

    bootstrap: str
    topic: str
    from_offset: int | None
    config: tuple[str, ...]
    config_file: Path | None


@dataclass(frozen=True, slots=True)
class Past:
    """What the command line says of past events. Its times bound what is measured, not what is read."""

    data: Path | Topic
    map_file: Path | None
    labels: Path | None
    maturity_ms: int
    from_ms: int | None
    to_ms: int | None
    cache: Path | None

    @property
    def name(self) -> str:
        """What it is, in words."""
        return str(self.data) if isinstance(self.data, Path) else f"{self.data.topic} at {self.data.bootstrap}"

    def view(self, pack: Pack) -> View:
        """What the pack would have done on them. Raises PastError."""
        (table,), given = self._read(pack)
        return view_of(pack, table, given, self.maturity_ms, self.from_ms, self.to_ms)

    def split(self, pack: Pack, holdout_ms: int) -> Split:
        """The same, with the last `holdout_ms` held out. Raises PastError."""
        (table,), given = self._read(pack)
        try:
            return split_of(pack, table, given, self.maturity_ms, self.from_ms, self.to_ms, holdout_ms)
        except HoldoutError as error:
            raise PastError(str(error)) from error

    def comparison(self, before: Pack, after: Pack) -> tuple[Comparison, tuple[Account, Account]]:
        """What both packs would have done on them, and what became of the data in each. Raises PastError."""
        if before.currency != after.currency:
            raise PastError(f"expected packs with the same currency, got {before.currency} and {after.currency}")
        (one, other), given = self._read(before, after)
        period = self.from_ms, self.to_ms
        compared = comparison_of((before, one), (after, other), given, self.maturity_ms, *period)
        return compared, (one.account, other.account)

    def trial(self, pack: Pack, decisions: Decisions, given: str) -> tuple[Trial, View]:
        """What the rules of the pack hit by the decisions on them, which are `given` by this name. Raises PastError."""
        (table,), labels = self._read(observed(pack))
        name = f"{given}, events of {self.name}"
        return trial_of(pack, table, decisions, labels, self.maturity_ms, name, self.from_ms, self.to_ms)

    def _read(self, *packs: Pack) -> tuple[list[FeatureTable], pl.DataFrame | None]:
        """The feature table of each pack, and the labels that are given. Raises PastError."""
        try:
            given = None if self.labels is None else read_labels(self.labels)
            load_kernels(packs[0])
            with self._history() as history:
                tables = [self._table(history, pack, number, len(packs)) for number, pack in enumerate(packs, 1)]
        except HistoryError as error:
            raise PastError(str(error)) from error
        if not any(map(len, tables)):
            raise PastError(f"`{self.name}` has no event that the pack judges")
        return tables, given

    def _table(self, history: History, pack: Pack, number: int, count: int) -> FeatureTable:
        with progress("computing features" + (f" ({number} of {count})" if count > 1 else "")) as step:
            return feature_table(pack, history, self.folder, step)

    @property
    def folder(self) -> Path:
        """Where computed features are kept."""
        return self.cache or cache_folder()

    @contextmanager
    def _history(self) -> Iterator[History]:
        """The events; those of a topic are copied into a file without a name, which goes with the context."""
        if isinstance(self.data, Path):
            yield history_of(self.data, self.map_file)
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=self.folder) as file:
            copy = TopicCopy(file, self.name)
            with progress("reading the topic") as step:
                copy_topic(self.data, copy, step)
            yield history_of(copy, self.map_file)


def copy_topic(topic: Topic, copy: TopicCopy, step: Callable[[float], None]) -> None:
    """Copies what the topic has up to where it ends now. Raises PastError."""
    for block in topic_blocks(topic):
        copy.add(block.values, block.arrived_ms, block.partitions, block.offsets)
        step(block.share)


def topic_blocks(topic: Topic) -> "Iterator[Block]":
    """What the topic has up to where it ends now. Raises PastError."""
    from flows import FlowError
    from flows.kafka import Extent, SettingsError, read_settings

    try:
        extent = Extent(topic.bootstrap, topic.topic, read_settings(topic.config, topic.config_file), topic.from_offset)
        try:
            yield from extent.blocks()
        finally:
            extent.close()
    except (FlowError, SettingsError) as error:
        raise PastError(str(error)) from error


def history_of(data: Path | TopicCopy, map_file: Path | None) -> History:
    """The events of a file or a topic. Raises PastError."""
    try:
        return History(data, None if map_file is None else read_map(map_file))
    except (HistoryError, MappingError) as error:
        raise PastError(str(error)) from error


def cache_folder() -> Path:
    """Where computed features are kept unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "riskgate" / "features"


def pack_of(folder: Path, overlay: str | None) -> Pack | None:
    """The pack in the folder; None where it has errors, which are then on standard error."""
    loaded = rules.load(folder, overlay)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
    return loaded.pack


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """A bar on standard error with the time left; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
