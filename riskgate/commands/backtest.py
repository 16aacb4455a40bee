"""`riskgate backtest`: its arguments. `riskgate.backtesting` does the work."""

import re
from pathlib import Path
from typing import Any

import click

from rules.literals import UNITS_MS
from schemas import TimestampError, epoch_ms

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
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


@click.command(name="backtest")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--data", type=_FILE, required=True, help="Events in a .ndjson, .jsonl, .csv or .parquet file.")
@click.option("--overlay", metavar="NAME", help="Measure the rules as overlays/NAME.yml of the pack makes them.")
@click.option("--map", "map_file", type=_FILE, help="YAML that names foreign columns of a CSV or Parquet file.")
@click.option("--labels", type=_FILE, help="A file with transaction_id, fraud and labelled_at.")
@click.option(
    "--maturity",
    "maturity_ms",
    type=DurationType(),
    default="0s",
    show_default=True,
    help="How long a label may take to come: younger transactions count for no precision and no recall.",
)
@click.option("--from", "from_ms", type=MomentType(), help="Measure only events from here on.")
@click.option("--to", "to_ms", type=MomentType(), help="Measure only events before this.")
@click.option("--json", "json_file", type=_OUT, help="Write the whole report there as JSON.")
@click.option("--html", "html_file", type=_OUT, help="Write a page with plots there, which needs no network.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where computed features are kept.  [default: riskgate/features in the user's cache]",
)
def command(
    pack: Path,
    data: Path,
    overlay: str | None,
    map_file: Path | None,
    labels: Path | None,
    maturity_ms: int,
    from_ms: int | None,
    to_ms: int | None,
    json_file: Path | None,
    html_file: Path | None,
    cache: Path | None,
) -> None:
    """Show what each rule of the folder PACK, whatever its mode, would have done on past events.

    Windows begin empty at the start of the data and have all of it, also where --from and --to measure only a part.
    Chargebacks and feedback among the events are labels; those in --labels come on top. A label counts if it was known
    at the end of the data. Exits 0, or 3 where the pack has errors.
    """
    from riskgate.backtesting import Asked, backtest

    asked = Asked(pack, overlay, data, map_file, labels, maturity_ms, from_ms, to_ms, json_file, html_file, cache)
    click.get_current_context().exit(backtest(asked))
