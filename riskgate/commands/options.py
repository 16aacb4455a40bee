"""Options that several commands share: the events that an analyst measures on, with their labels."""

import getpass
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rules.literals import UNITS_MS
from schemas import TimestampError, epoch_ms

PACK = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
_DURATION = re.compile(rf"(\d{{1,9}})({'|'.join(UNITS_MS)})", re.ASCII)
_OFFSET = re.compile(r"\d{1,18}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class DurationType(click.ParamType[int]):
    """Milliseconds of a duration such as `30d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _DURATION.fullmatch(str(value))
        if found is None:
            self.fail(f"expected a duration such as `30d` or `12h`, got `{value}`", param, ctx)
        return int(found[1]) * UNITS_MS[found[2]]


class MomentType(click.ParamType[int]):
    """Epoch milliseconds of an RFC 3339 time; a day alone means its beginning in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        try:
            return epoch_ms(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)
        except TimestampError:
            self.fail(f"expected a day or a time such as `2026-01-31T12:00:00Z`, got `{value}`", param, ctx)


class OffsetType(click.ParamType[int | None]):
    """An offset in a topic; None where it is `earliest`."""

    name = "offset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        text = str(value)
        if text != "earliest" and not _OFFSET.fullmatch(text):
            self.fail(f"expected an offset such as `1200`, or `earliest`, got `{value}`", param, ctx)
        return None if text == "earliest" else int(text)


_FILE_OF_EVENTS = "Events in a .ndjson, .jsonl, .csv or .parquet file."
DATA = click.option("--data", type=FILE, required=True, help=_FILE_OF_EVENTS)
MAP = click.option("--map", "map_file", type=FILE, help="YAML that names foreign columns of a CSV or Parquet file.")

_PAST_EVENTS = (
    click.option("--data", type=FILE, help=_FILE_OF_EVENTS),
    click.option("--kafka", metavar="HOST:PORT,...", help="Brokers to start from, in place of --data; needs --topic."),
    click.option("--topic", metavar="TOPIC", help="Topic of events, which is read up to where it ends now."),
    click.option(
        "--from-offset",
        type=OffsetType(),
        metavar="N|earliest",
        help="Read each partition of the topic from here on.  [default: earliest]",
    ),
    click.option("--kafka-config", metavar="KEY=VALUE", multiple=True, help="A librdkafka setting; may be repeated."),
    click.option(
        "--kafka-config-file", type=FILE, help="librdkafka settings, one KEY=VALUE a line; the place for secrets."
    ),
    MAP,
    click.option("--labels", type=FILE, help="A file with transaction_id, fraud and labelled_at."),
    click.option(
        "--maturity",
        "maturity_ms",
        type=DurationType(),
        default="0s",
        show_default=True,
        help="How long a label may take to come: younger transactions count for no precision and no recall.",
    ),
    click.option("--from", "from_ms", type=MomentType(), help="Measure only events from here on."),
    click.option("--to", "to_ms", type=MomentType(), help="Measure only events before this."),
    click.option(
        "--cache",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where computed features are kept.  [default: riskgate/features in the user's cache]",
    ),
)


def past_events(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that name past events; it gets them as `past`, a `riskgate.past.Past`."""

    @wraps(command)
    def taking(
        *args: Any,
        data: Path | None,
        kafka: str | None,
        topic: str | None,
        from_offset: int | None,
        kafka_config: tuple[str, ...],
        kafka_config_file: Path | None,
        map_file: Path | None,
        labels: Path | None,
        maturity_ms: int,
        from_ms: int | None,
        to_ms: int | None,
        cache: Path | None,
        **others: Any,
    ) -> None:
        from riskgate.past import Past, Topic

        only_kafka = {
            "--topic": topic,
            "--from-offset": from_offset,
            "--kafka-config": kafka_config or None,
            "--kafka-config-file": kafka_config_file,
        }
        source: Path | Topic
        if kafka is None:
            given = [name for name, value in only_kafka.items() if value is not None]
            if data is None or given:
                raise click.UsageError(
                    f"expected --kafka with {given[0]}" if given else "expected --data, or --kafka and --topic"
                )
            source = data
        else:
            if data is not None or topic is None:
                raise click.UsageError(
                    "expected --topic with --kafka" if data is None else "expected either --data or --kafka, got both"
                )
            source = Topic(kafka, topic, from_offset, kafka_config, kafka_config_file)
        command(*args, past=Past(source, map_file, labels, maturity_ms, from_ms, to_ms, cache), **others)

    for option in reversed(_PAST_EVENTS):
        taking = option(taking)
    return taking


class LineType(click.ParamType[str]):
    """A text of one line, of at most so many characters."""

    name = "text"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.strip() or len(text) > self._most or not text.isprintable():
            self.fail(f"expected 1 to {self._most:,} printable characters, got {len(text):,}", param, ctx)
        return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise click.UsageError("expected --who: nobody is logged in here") from error


WHO = click.option(
    "--who",
    metavar="NAME",
    type=LineType(128),
    envvar="RISKGATE_USER",
    default=_user,
    show_default="RISKGATE_USER, or who is logged in",
    help="Who does it.",
)
WHY = click.option("--why", metavar="TEXT", type=LineType(2_000), required=True, help="Why; it is recorded.")
