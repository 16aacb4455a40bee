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


DATA = click.option("--data", type=FILE, required=True, help="Events in a .ndjson, .jsonl, .csv or .parquet file.")
MAP = click.option("--map", "map_file", type=FILE, help="YAML that names foreign columns of a CSV or Parquet file.")

_PAST_EVENTS = (
    DATA,
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
        data: Path,
        map_file: Path | None,
        labels: Path | None,
        maturity_ms: int,
        from_ms: int | None,
        to_ms: int | None,
        cache: Path | None,
        **others: Any,
    ) -> None:
        from riskgate.past import Past

        command(*args, past=Past(data, map_file, labels, maturity_ms, from_ms, to_ms, cache), **others)

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
