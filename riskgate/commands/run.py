"""`riskgate run`: its arguments and what is wrong with them. `riskgate.running` does the work."""

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskgate.commands.places import PackType

if TYPE_CHECKING:
    from riskgate.running import Job

DEFAULT_GROUP = "riskgate"

WORKERS_MAX = 128

_ADDRESS = re.compile(r"[^\s,]+:[1-9]\d{0,4}", re.ASCII)


@click.command(name="run")
@click.option(
    "--pack",
    required=True,
    metavar="DIR|store:NAME",
    type=PackType(),
    help="The pack of rules to decide by: a folder, or the version that is in force in the store. It may change while"
    " the run goes on.",
)
@click.option("--overlay", metavar="NAME", help="Decide as overlays/NAME.yml of the pack makes its rules.")
@click.option("--input", "input_path", metavar="F|-", help="Events, one JSON object a line; - is standard input.")
@click.option("--output", "output_path", metavar="F|-", help="Decisions, one a line; - is standard output.")
@click.option(
    "--dead-letters",
    metavar="F",
    help="What could not be read, one a line. Without it the first ten are told on standard error; the summary counts"
    " all by reason.",
)
@click.option(
    "--audit",
    metavar="F|TOPIC",
    help="Where audit events go, such as an id that comes again with other content: a file, or with --kafka a topic."
    " Without it they are told on standard error.",
)
@click.option("--kafka", metavar="HOST:PORT,...", help="Brokers to start from; needs --in, --out and --dead.")
@click.option("--in", "in_topic", metavar="TOPIC", help="Topic of events; it must exist.")
@click.option("--out", "out_topic", metavar="TOPIC", help="Topic of decisions; created where it is missing.")
@click.option(
    "--dead", "dead_topic", metavar="TOPIC", help="Topic of what could not be read; created where it is missing."
)
@click.option(
    "--group", metavar="NAME", help=f"Consumer group; its members share the partitions. [default: {DEFAULT_GROUP}]"
)
@click.option(
    "--kafka-config",
    metavar="KEY=VALUE",
    multiple=True,
    help="A librdkafka setting, such as security.protocol=SASL_SSL; may be repeated. A key that starts with"
    " consumer. or producer. is for that side only.",
)
@click.option(
    "--kafka-config-file",
    metavar="F",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="librdkafka settings, one KEY=VALUE a line; the place for secrets.",
)
@click.option(
    "--store",
    metavar="URL",
    envvar="RISKGATE_STORE",
    help="Where decisions of other processes are found and analysts keep lists: redis://HOST:6379/0, or memory: for"
    " this process alone.",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RISKGATE_STATE",
    help="Keep everything there, so that the same command goes on after a crash or a restart: no event is skipped, none"
    " counted twice. Made where it is missing. Without it windows begin empty.",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, WORKERS_MAX),
    help="Decide in N processes on this machine. Windows stay exact whichever process reads an event. [default: 1]",
)
@click.option(
    "--process",
    metavar="I",
    type=click.IntRange(0, WORKERS_MAX - 1),
    help="Be number I, from 0, of the processes at --addresses, which may be on several machines and share --state.",
)
@click.option(
    "--addresses",
    metavar="HOST:PORT,...",
    help="Where each of these processes listens to the others; all give the same.",
)
def command(
    pack: Path | str,
    overlay: str | None,
    input_path: str | None,
    output_path: str | None,
    dead_letters: str | None,
    audit: str | None,
    kafka: str | None,
    in_topic: str | None,
    out_topic: str | None,
    dead_topic: str | None,
    group: str | None,
    kafka_config: tuple[str, ...],
    kafka_config_file: Path | None,
    store: str | None,
    state: Path | None,
    workers: int | None,
    process: int | None,
    addresses: str | None,
) -> None:
    """Decide a stream of events, from a file or pipe or from Kafka, until it ends or is stopped.

    \b
    riskgate run --pack DIR --input events.ndjson --output decisions.ndjson
    riskgate run --pack DIR --kafka HOST:9092 --in transactions --out decisions --dead dead-letters

    Ctrl-C and SIGTERM finish the batch, deliver, commit and exit 0. A summary goes to standard error.
    """
    of_files = {"--input": input_path, "--output": output_path, "--dead-letters": dead_letters}
    of_kafka = {
        "--kafka": kafka,
        "--in": in_topic,
        "--out": out_topic,
        "--dead": dead_topic,
        "--group": group,
        "--kafka-config": kafka_config or None,
        "--kafka-config-file": kafka_config_file,
    }
    _refuse_mixture(of_files, of_kafka)
    listening = _addresses(workers, process, addresses)
    _end_if_stopped_now()
    if input_path is not None and output_path is not None:
        _refuse_equal({**of_files, "--audit": audit})
        from riskgate.running import FileEnds, run_files

        ends = FileEnds(input_path, output_path, dead_letters, audit)
        code = _run(pack, overlay, store, state, workers, process, listening, lambda job: run_files(job, ends))
    elif kafka is not None and in_topic is not None and out_topic is not None and dead_topic is not None:
        _refuse_equal({"--in": in_topic, "--out": out_topic, "--dead": dead_topic, "--audit": audit})
        from riskgate.running import KafkaEnds, run_kafka

        topics = KafkaEnds(
            kafka, in_topic, out_topic, dead_topic, audit, group or DEFAULT_GROUP, kafka_config, kafka_config_file
        )
        code = _run(pack, overlay, store, state, workers, process, listening, lambda job: run_kafka(job, topics))
    elif any(value is not None for value in of_kafka.values()):
        raise click.UsageError(_missing(of_kafka, ("--kafka", "--in", "--out", "--dead")))
    else:
        raise click.UsageError(_missing(of_files, ("--input", "--output")))
    click.get_current_context().exit(code)


def _end_if_stopped_now() -> None:
    """Until the run takes over, a signal ends the process at once: there is nothing to finish yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


def _run(
    pack: Path | str,
    overlay: str | None,
    store: str | None,
    state: Path | None,
    workers: int | None,
    process: int | None,
    addresses: tuple[str, ...],
    run: Callable[["Job"], int],
) -> int:
    """Runs alone, as one of several, or as the one who watches over several. Returns the exit code."""
    from riskgate.running import Job

    if len(addresses) > 1 and process is not None:
        from flows import Place
        from riskgate.overseen import is_overseen

        if state is None and not is_overseen():
            raise click.UsageError("expected --state with --addresses: what the processes need in common is there")
        return run(Job(pack, overlay, store, state, Place(process, addresses)))
    if workers is not None and workers > 1 and process is None:
        from riskgate.supervisor import Supervisor

        return Supervisor(sys.argv[1:], workers).run()
    return run(Job(pack, overlay, store, state))


def _addresses(workers: int | None, process: int | None, addresses: str | None) -> tuple[str, ...]:
    """The addresses of a cluster, none without one."""
    if addresses is None and process is None:
        return ()
    if addresses is None or process is None:
        raise click.UsageError("expected --process and --addresses together")
    each = tuple(addresses.split(","))
    wrong = [address for address in each if not _ADDRESS.fullmatch(address)]
    if wrong or len(set(each)) < len(each):
        raise click.UsageError(f"expected different HOST:PORT,... in --addresses, got `{addresses}`")
    if workers not in (None, len(each)):
        raise click.UsageError(f"expected as many --addresses as --workers, got {len(each)} and {workers}")
    if process >= len(each):
        raise click.UsageError(f"expected --process from 0 to {len(each) - 1}, got {process}")
    return each


def _refuse_mixture(of_files: Mapping[str, object], of_kafka: Mapping[str, object]) -> None:
    file = [name for name, value in of_files.items() if value is not None]
    kafka = [name for name, value in of_kafka.items() if value is not None]
    if file and kafka:
        raise click.UsageError(
            f"expected either files or Kafka, got {', '.join(file)} together with {', '.join(kafka)}"
        )


def _missing(options: Mapping[str, object], needed: Sequence[str]) -> str:
    missing = [name for name in needed if options[name] is None]
    if len(missing) == len(needed):
        return "expected --input and --output, or --kafka, --in, --out and --dead"
    return f"expected {' and '.join(missing)} as well"


def _refuse_equal(options: Mapping[str, str | None]) -> None:
    """Two ends on one file would destroy the input, on one topic they would feed each other."""
    for (one, first), (other, second) in combinations(options.items(), 2):
        both_standard = first == second == "-" and {one, other} == {"--input", "--output"}
        if first is None or second is None or both_standard:
            continue
        if first == second or (Path(first).exists() and Path(second).exists() and Path(first).samefile(second)):
            raise click.UsageError(f"expected {one} and {other} to differ, got `{first}` for both")
