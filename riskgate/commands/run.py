"""`riskgate run`: its arguments and what is wrong with them. `riskgate.running` does the work."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import click

DEFAULT_GROUP = "riskgate"


@click.command(name="run")
@click.option(
    "--pack",
    required=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The pack of rules to decide by.",
)
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
    help="Where decisions are found again and analysts keep lists: redis://HOST:6379/0, or memory: for this process"
    " alone. Without it an event that comes again is decided again.",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RISKGATE_STATE",
    help="Keep everything there, so that the same command goes on after a crash or a restart: no event is skipped, none"
    " counted twice. Made where it is missing. Without it windows begin empty.",
)
def command(
    pack: Path,
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
    if input_path is not None and output_path is not None:
        _refuse_equal({**of_files, "--audit": audit})
        from riskgate.running import FileEnds, Job, run_files

        code = run_files(Job(pack, store, state), FileEnds(input_path, output_path, dead_letters, audit))
    elif kafka is not None and in_topic is not None and out_topic is not None and dead_topic is not None:
        _refuse_equal({"--in": in_topic, "--out": out_topic, "--dead": dead_topic, "--audit": audit})
        from riskgate.running import Job, KafkaEnds, run_kafka

        ends = KafkaEnds(
            kafka, in_topic, out_topic, dead_topic, audit, group or DEFAULT_GROUP, kafka_config, kafka_config_file
        )
        code = run_kafka(Job(pack, store, state), ends)
    elif any(value is not None for value in of_kafka.values()):
        raise click.UsageError(_missing(of_kafka, ("--kafka", "--in", "--out", "--dead")))
    else:
        raise click.UsageError(_missing(of_files, ("--input", "--output")))
    click.get_current_context().exit(code)


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
