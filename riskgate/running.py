"""The work of `riskgate run`: load the pack, open both ends, let it flow, say how it went."""

import gc
import time
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click

from engine import Engine, Member, keeps_windows, signature_of
from flows import (
    Decider,
    FlowError,
    FolderSource,
    Keeper,
    LastingSink,
    LastingSource,
    LineSink,
    LineSource,
    NoSink,
    NoSource,
    OutputClosedError,
    PackAwayError,
    PackSource,
    PackWatch,
    PeerGoneError,
    Place,
    Recall,
    Stop,
    StoppedError,
    StoreSource,
    Tally,
    resume,
    run,
    run_together,
    stopped_by_signals,
    told_of_release,
)
from flows.lifecycle import STOPPING
from journal import Identity, StateDirectory, StateError
from riskgate.clock import clock_ms
from riskgate.exits import EXIT_FAILED, EXIT_FINDINGS, EXIT_FINE
from riskgate.heartbeat import Heartbeat
from riskgate.homes import STORE
from riskgate.overseen import PEER_GONE_EXIT
from riskgate.recovering import recovering
from riskgate.roles import Role, end_now, keep_standard_output, role_of
from riskgate.waiting import loading_kernels
from rules import Pack
from rules.findings import render
from stores import Store, StoreUrlError, open_home, open_store

COLLECT_EVERY = 100_000
"""New objects between two runs of the garbage collector."""


class Job(NamedTuple):
    """What is run: the pack by which is decided, a folder or `store:NAME`, with which of its overlays, where the run
    keeps what it must remember, if it does, and its place if it is one of several workers.
    """

    pack: Path | str
    overlay: str | None
    store_url: str | None
    state: Path | None
    place: Place | None = None


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


class _Read(NamedTuple):
    """The pack as it was read, from where, and the marks that it had before."""

    pack: Pack
    source: PackSource
    marks: Hashable


class _Opening(NamedTuple):
    """What opens both ends: the process's role, when to stop waiting, and what the run keeps, if it does."""

    role: Role
    stop: Stop
    state: StateDirectory | None


def run_files(job: Job, ends: FileEnds) -> int:
    """Returns the exit code."""

    def open_ends(opening: _Opening) -> tuple[LastingSource, LastingSink]:
        if not opening.role.is_first:
            return NoSource(), NoSink()
        appending = opening.state is not None
        source = LineSource(ends.input)
        return source, LineSink(ends.output, ends.dead_letters, opening.role.notify, ends.audit, appending)

    return _run(job, open_ends)


def run_kafka(job: Job, ends: KafkaEnds) -> int:
    """Returns the exit code."""
    from flows.kafka import KafkaSink, KafkaSource, SettingsError, Share, Topics, Trouble, await_topics, read_settings

    try:
        settings = read_settings(ends.config, ends.config_file)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error

    def open_ends(opening: _Opening) -> tuple[LastingSource, LastingSink] | None:
        role = opening.role
        trouble = Trouble(ends.bootstrap, role.notify, settings.without_secrets)
        topics = Topics(ends.out_topic, ends.dead_topic, ends.audit_topic)
        sink = KafkaSink(ends.bootstrap, topics, settings, trouble, opening.stop)
        admin, written = settings.of_admin(ends.bootstrap), tuple(filter(None, topics))
        if not await_topics(sink.producer, ends.in_topic, written, admin, trouble, opening.stop):
            return None
        instance = share = None
        if role.place is not None:
            share = Share(role.number, role.workers)
        elif opening.state is not None:
            instance = f"riskgate-{opening.state.hash_key[:6].hex()}-{role.number}"
        source = KafkaSource(
            ends.bootstrap, ends.in_topic, ends.group, settings, sink.settle, trouble, instance, share=share
        )
        if role.is_first:
            role.notify(f"reading `{ends.in_topic}` in group `{ends.group}`")
        return source, sink

    return _run(job, open_ends)


def _run(job: Job, open_ends: Callable[[_Opening], tuple[LastingSource, LastingSink] | None]) -> int:
    source = _source_of(job)
    marks = source.marks()
    try:
        loaded = source.read()
    except PackAwayError as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_FAILED
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    role = role_of(job.place)
    if role.place is None:
        return _decide(job, role, _Read(loaded.pack, source, marks), open_ends)
    keep_standard_output()
    return end_now(_decide(job, role, _Read(loaded.pack, source, marks), open_ends))


def _source_of(job: Job) -> PackSource:
    if isinstance(job.pack, Path):
        return FolderSource(job.pack, job.overlay)
    if job.store_url is None:
        raise click.UsageError(f"expected --store with `{job.pack}`")
    try:
        return StoreSource(open_home(job.store_url, job.pack.removeprefix(STORE)), job.overlay)
    except StoreUrlError as error:
        raise click.UsageError(str(error)) from error


def _decide(
    job: Job, role: Role, read: _Read, open_ends: Callable[[_Opening], tuple[LastingSource, LastingSink] | None]
) -> int:
    pack = read.pack
    store = _opened(job.store_url)
    tally, stop = Tally(), Stop()
    lists = pack.entries_by_list
    recall = None if store is None else Recall(store, lists, clock_ms, role.notify, tally)
    progress = _Progress(job.state, role.number, tally)
    code = EXIT_FINE
    notice = STOPPING if role.overseer is None else b""
    with stopped_by_signals(stop, notice), ExitStack() as closing:
        try:
            state = None if job.state is None else _claimed(job.state, pack, role)
            if state is not None:
                closing.callback(state.close)
            ends = open_ends(_Opening(role, stop, state))
            if ends is None:
                return EXIT_FINE
            if role.overseer is not None:
                role.overseer.opened()
                role.overseer.watch(stop)
            with loading_kernels():
                key = role.new_key() if state is None else state.hash_key
                engine = Engine(pack, hash_key=key, shard=role.number, shards=role.workers)
            keeper = None if state is None else _resumed(state, engine, role, *ends)
            if state is None:
                ends[0].begin({})
            _spare_collector()
            _tell_demotions(engine, role)
            decider = Decider(engine, lists, tally, recall, role.notify)
            refuse = _refusal(job, role, pack)
            member = None if role.place is None else Member(engine, role.number, role.workers)
            lists_of, notify = decider.renew_lists, role.notify
            watch = PackWatch(read.source, read.marks, engine, refuse, lists_of, notify, tally, member)
            watch.start()
            closing.callback(watch.close)
            progress.follow(watch, engine)
            try:
                if role.place is None or member is None:
                    run(ends[0], decider, ends[1], stop, keeper, progress=progress)
                else:
                    run_together(role.place, engine, member, ends[0], decider, ends[1], stop, keeper, progress)
            finally:
                tally.forgotten_early = engine.forgotten_early
        except (OutputClosedError, StoppedError) as error:
            role.notify(str(error))
        except PeerGoneError as error:
            code = _gone(role, error)
        except FlowError as error:
            role.notify(f"error: {error}")
            code = EXIT_FAILED
    return _told(role, tally, progress.duration_s, code)


def _refusal(job: Job, role: Role, pack: Pack) -> Callable[[Pack], str | None]:
    """Why this run cannot change to another pack, if it cannot."""
    signature = signature_of(pack)

    def refuse(other: Pack) -> str | None:
        if role.workers > 1 and not keeps_windows(pack, other):
            return "several workers keep their features; start all of them again to change one"
        if signature_of(other) == signature:
            return None
        if job.state is not None:
            return (
                f"its features or detectors read what `{job.state}` does not keep; to change to it, start again with"
                " another empty directory: --state OTHER (its windows begin empty)"
            )
        return None

    return refuse


def _gone(role: Role, error: PeerGoneError) -> int:
    """A supervisor tells by itself who is gone."""
    if role.overseer is not None:
        return PEER_GONE_EXIT
    role.notify(f"error: {error}")
    return EXIT_FAILED


def _told(role: Role, tally: Tally, duration_s: float, code: int) -> int:
    """Tells what was done, if anything was."""
    if role.overseer is not None:
        role.overseer.report(tally, duration_s)
    elif code == EXIT_FINE or tally.events:
        click.echo(tally.summary(duration_s), err=True)
    return code


def _claimed(path: Path, pack: Pack, role: Role) -> StateDirectory:
    """The state directory; what this process writes of it, for this process alone. Raises FlowError."""
    identity = Identity(pack.name, signature_of(pack))
    try:
        return StateDirectory.open(path, identity, role.new_key, slots=(role.number,), workers=role.workers)
    except StateError as error:
        raise FlowError(str(error)) from error


def _resumed(
    state: StateDirectory, engine: Engine, role: Role, source: LastingSource, sink: LastingSink
) -> Keeper | None:
    """Brings all to where the last run stood, tells how that went, and gives what keeps this one. Raises FlowError."""
    started_s = time.monotonic()
    with recovering(f"reading {state.path}", role.is_first) as report:
        resumed = resume(state, role.number, engine, source, sink, clock_ms, report)
    for torn in state.torn:
        if state.is_claimed(torn.slot):
            role.notify(f"cut {torn.torn_bytes:,} bytes off `{torn.path}`, which a crash had left unfinished")
    if resumed.again or (resumed.again is not None and role.is_first):
        elapsed_s = time.monotonic() - started_s
        events, _ = engine.held
        role.notify(
            f"took up `{state.path}` in {elapsed_s:.1f} s: {events:,} events held,"
            f" {resumed.again:,} decisions given out again"
        )
    return None if isinstance(source, NoSource) else resumed.keeper


def _tell_demotions(engine: Engine, role: Role) -> None:
    """Tells which rules the state says are demoted, and which are not any more."""
    for demotion in engine.demotions:
        role.notify(f"rule {demotion.rule} is still demoted: it acts as {demotion.to} in the place of {demotion.was}")
    if engine.released:
        role.notify(told_of_release(engine.released))


class _Progress:
    """Shows in the state directory, if there is one, that the run goes on, and knows since when it does."""

    def __init__(self, state: Path | None, process: int, tally: Tally) -> None:
        self._state = state
        self._heartbeat = None if state is None else Heartbeat(state, process)
        self._tally = tally
        self._started_s: float | None = None
        self._watch: PackWatch | None = None
        self._engine: Engine | None = None

    def follow(self, watch: PackWatch, engine: Engine) -> None:
        """Changes the engine's pack, where that is called for, at each sign of progress from now on."""
        self._watch, self._engine = watch, engine

    def __call__(self) -> None:
        """To be called between two batches. Raises FlowError."""
        if self._started_s is None:
            self._started_s = time.monotonic()
        if self._watch is not None:
            self._watch.apply()
        if self._heartbeat is not None and self._heartbeat.is_due(clock_ms()):
            self._beat(self._heartbeat)

    def _beat(self, heartbeat: Heartbeat) -> None:
        if self._watch is None or self._engine is None:
            return
        demoted = tuple(f"{each.rule} acts as {each.to} in the place of {each.was}" for each in self._engine.demotions)
        try:
            heartbeat.beat(self._tally.events, clock_ms(), self._watch.pack, self._watch.refusal, demoted)
        except OSError as error:
            raise FlowError(
                f"expected a state directory that can be written, got `{self._state}`: {error.strerror}"
            ) from error

    @property
    def duration_s(self) -> float:
        return 0.0 if self._started_s is None else time.monotonic() - self._started_s


def _spare_collector() -> None:
    """Lets the collector pass over what is loaded and run seldom: batches are freed by their reference counts."""
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 50, 1_000)


def _opened(store_url: str | None) -> Store | None:
    try:
        return None if store_url is None else open_store(store_url)
    except StoreUrlError as error:
        raise click.UsageError(str(error)) from error
