"""The work of `riskgate run`: load the pack, open both ends, let it flow, say how it went."""

import gc
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click

import rules
from engine import Engine, signature_of
from flows import (
    Decider,
    FlowError,
    Keeper,
    LastingSink,
    LastingSource,
    LineSink,
    LineSource,
    OutputClosedError,
    Recall,
    Stop,
    Tally,
    resume,
    run,
    stopped_by_signals,
)
from journal import Identity, StateDirectory, StateError
from riskgate.heartbeat import Heartbeat
from riskgate.recovering import recovering
from riskgate.waiting import loading_kernels
from rules import Pack
from rules.findings import render
from stores import Store, StoreUrlError, open_store

COLLECT_EVERY = 100_000
"""New objects between two runs of the garbage collector."""

SLOT = 0
"""The slot of a state directory that a run of one worker writes."""

EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_FINDINGS = 3


class Job(NamedTuple):
    """What is run: the pack by which is decided, and where the run keeps what it must remember, if it does."""

    pack: Path
    store_url: str | None
    state: Path | None


class FileEnds(NamedTuple):
    """Where events come from and where everything goes, as paths; `-` is standard input or output."""

    input: str
    output: str
    dead_letters: str | None
    audit: str | None


class KafkaEnds(NamedTuple):
    """Topics where events come from and where everything goes; `config` and `config_file` are librdkafka's settings."""

    bootstrap: str
    in_topic: str
    out_topic: str
    dead_topic: str
    audit_topic: str | None
    group: str
    config: tuple[str, ...]
    config_file: Path | None


class _Opening(NamedTuple):
    """What opens both ends: when to stop waiting, and the name that the run has across restarts, if it keeps state."""

    stop: Stop
    instance: str | None


def run_files(job: Job, ends: FileEnds) -> int:
    """Returns the exit code."""

    def open_ends(opening: _Opening) -> tuple[LastingSource, LastingSink]:
        appending = opening.instance is not None
        source = LineSource(ends.input)
        return source, LineSink(ends.output, ends.dead_letters, _notify, ends.audit, appending)

    return _run(job, open_ends)


def run_kafka(job: Job, ends: KafkaEnds) -> int:
    """Returns the exit code."""
    from flows.kafka import KafkaSink, KafkaSource, SettingsError, Topics, Trouble, await_topics, read_settings

    try:
        settings = read_settings(ends.config, ends.config_file)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error

    def open_ends(opening: _Opening) -> tuple[LastingSource, LastingSink] | None:
        trouble = Trouble(ends.bootstrap, _notify, settings.without_secrets)
        topics = Topics(ends.out_topic, ends.dead_topic, ends.audit_topic)
        sink = KafkaSink(ends.bootstrap, topics, settings, trouble, opening.stop)
        admin, written = settings.of_admin(ends.bootstrap), tuple(filter(None, topics))
        if not await_topics(sink.producer, ends.in_topic, written, admin, trouble, opening.stop):
            return None
        source = KafkaSource(
            ends.bootstrap, ends.in_topic, ends.group, settings, sink.settle, trouble, opening.instance
        )
        _notify(f"reading `{ends.in_topic}` in group `{ends.group}`")
        return source, sink

    return _run(job, open_ends)


def _run(job: Job, open_ends: Callable[[_Opening], tuple[LastingSource, LastingSink] | None]) -> int:
    loaded = rules.load(job.pack)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    store = _opened(job.store_url)
    pack, tally, stop = loaded.pack, Tally(), Stop()
    lists = {name: spec.entries for name, spec in pack.lists.items()}
    recall = None if store is None else Recall(store, lists, _now_ms, _notify, tally)
    started_s = time.monotonic()
    code = EXIT_FINE
    with stopped_by_signals(stop), ExitStack() as closing:
        try:
            state = None if job.state is None else _claimed(job.state, pack)
            if state is not None:
                closing.callback(state.close)
            ends = open_ends(_Opening(stop, None if state is None else f"riskgate-{state.hash_key[:6].hex()}-{SLOT}"))
            if ends is None:
                return EXIT_FINE
            with loading_kernels():
                engine = Engine(pack, hash_key=secrets.token_bytes(16) if state is None else state.hash_key)
            keeper = None if state is None else _resumed(state, engine, *ends)
            if keeper is None:
                ends[0].begin({})
            _spare_collector()
            started_s = time.monotonic()
            decider = Decider(engine, lists, tally, recall)
            try:
                run(ends[0], decider, ends[1], stop, keeper, progress=_beating(job.state, tally))
            finally:
                tally.forgotten_early = engine.forgotten_early
        except OutputClosedError as error:
            _notify(str(error))
        except FlowError as error:
            _notify(f"error: {error}")
            code = EXIT_FAILED
            if tally.events == 0:
                return code
    click.echo(tally.summary(time.monotonic() - started_s), err=True)
    return code


def _claimed(path: Path, pack: Pack) -> StateDirectory:
    """The state directory, for this run alone. Raises FlowError."""
    identity = Identity(pack.name, signature_of(pack))
    try:
        return StateDirectory.open(path, identity, lambda: secrets.token_bytes(16), slots=(SLOT,), workers=1)
    except StateError as error:
        raise FlowError(str(error)) from error


def _resumed(state: StateDirectory, engine: Engine, source: LastingSource, sink: LastingSink) -> Keeper:
    """Brings all to where the last run stood, tells how that went, and gives what keeps this one. Raises FlowError."""
    started_s = time.monotonic()
    with recovering(f"reading {state.path}") as report:
        resumed = resume(state, SLOT, engine, source, sink, _now_ms, report)
    for torn in state.torn:
        _notify(f"cut {torn.torn_bytes:,} bytes off `{torn.path}`, which a crash had left unfinished")
    if resumed.again is not None:
        elapsed_s = time.monotonic() - started_s
        events, _ = engine.held
        _notify(
            f"took up `{state.path}` in {elapsed_s:.1f} s: {events:,} events held,"
            f" {resumed.again:,} decisions given out again"
        )
    return resumed.keeper


def _beating(state: Path | None, tally: Tally) -> Callable[[], None]:
    """Shows in the state directory that the run goes on. Raises FlowError."""
    if state is None:
        return lambda: None
    heartbeat = Heartbeat(state)

    def beat() -> None:
        try:
            heartbeat.beat(tally.events, _now_ms())
        except OSError as error:
            raise FlowError(
                f"expected a state directory that can be written, got `{state}`: {error.strerror}"
            ) from error

    return beat


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


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
