"""The work of `riskgate run`: load the pack, open both ends, let it flow, say how it went."""

import gc
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

import rules
from engine import Engine
from flows import (
    Decider,
    FlowError,
    LineSink,
    LineSource,
    OutputClosedError,
    Recall,
    Sink,
    Source,
    Stop,
    Tally,
    run,
    stopped_by_signals,
)
from riskgate.waiting import loading_kernels
from rules.findings import render
from stores import Store, StoreUrlError, open_store

COLLECT_EVERY = 100_000
"""New objects between two runs of the garbage collector."""

EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_FINDINGS = 3


class KafkaEnds(NamedTuple):
    """Where events come from and decisions go to in Kafka; `config` and `config_file` are librdkafka's settings."""

    bootstrap: str
    in_topic: str
    out_topic: str
    dead_topic: str
    group: str
    config: tuple[str, ...]
    config_file: Path | None


def run_files(pack: Path, store_url: str | None, input_path: str, output_path: str, dead_letters: str | None) -> int:
    """Returns the exit code."""

    def open_ends(_stop: Stop) -> tuple[Source, Sink]:
        return LineSource(input_path), LineSink(output_path, dead_letters, _notify)

    return _run(pack, store_url, open_ends)


def run_kafka(pack: Path, store_url: str | None, ends: KafkaEnds) -> int:
    """Returns the exit code."""
    from flows.kafka import KafkaSink, KafkaSource, SettingsError, Trouble, await_topics, read_settings

    try:
        settings = read_settings(ends.config, ends.config_file)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error

    def open_ends(stop: Stop) -> tuple[Source, Sink] | None:
        trouble = Trouble(ends.bootstrap, _notify, settings.without_secrets)
        sink = KafkaSink(ends.bootstrap, ends.out_topic, ends.dead_topic, settings, trouble, stop)
        admin, written = settings.of_admin(ends.bootstrap), (ends.out_topic, ends.dead_topic)
        if not await_topics(sink.producer, ends.in_topic, written, admin, trouble, stop):
            return None
        source = KafkaSource(ends.bootstrap, ends.in_topic, ends.group, settings, sink.settle, trouble)
        _notify(f"reading `{ends.in_topic}` in group `{ends.group}`")
        return source, sink

    return _run(pack, store_url, open_ends)


def _run(pack_path: Path, store_url: str | None, open_ends: Callable[[Stop], tuple[Source, Sink] | None]) -> int:
    loaded = rules.load(pack_path)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    store = _opened(store_url)
    pack, tally, stop = loaded.pack, Tally(), Stop()
    lists = {name: spec.entries for name, spec in pack.lists.items()}
    recall = None if store is None else Recall(store, lists, lambda: time.time_ns() // 1_000_000, _notify, tally)
    code = EXIT_FINE
    with stopped_by_signals(stop):
        try:
            ends = open_ends(stop)
        except FlowError as error:
            _notify(f"error: {error}")
            return EXIT_FAILED
        if ends is None:
            return EXIT_FINE
        with loading_kernels():
            decider = Decider(Engine(pack, hash_key=secrets.token_bytes(16)), lists, tally, recall)
        _spare_collector()
        started_s = time.monotonic()
        try:
            run(ends[0], decider, ends[1], stop)
        except OutputClosedError as error:
            _notify(str(error))
        except FlowError as error:
            _notify(f"error: {error}")
            code = EXIT_FAILED
    click.echo(tally.summary(time.monotonic() - started_s), err=True)
    return code


def _spare_collector() -> None:
    """Lets the collector pass over what is loaded and run seldom: batches are freed by their reference counts."""
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 50, 1_000)


def _opened(store_url: str | None) -> Store | None:
    try:
        return None if store_url is None else open_store(store_url)
    except StoreUrlError as error:
        raise click.UsageError(str(error)) from error


def _notify(line: str) -> None:
    click.echo(f"riskgate: {line}", err=True)
