"""`riskgate tune`: its arguments. `riskgate.tuning` does the work."""

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from riskgate.commands.options import OUT, PACK, DurationType, past_events

if TYPE_CHECKING:
    from riskgate.past import Past

OBJECTIVES = ("net-money", "added-net-money", "fraud")
VARIANTS_MAX = 10_000
_RATE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(/day)?", re.ASCII)


class AlertsType(click.ParamType[float]):
    """Alerts a day, such as `10/day`."""

    name = "n/day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _RATE.fullmatch(str(value))
        if found is None or found[2] is None:
            self.fail(f"expected alerts a day such as `10/day` or `0.5/day`, got `{value}`", param, ctx)
        return float(found[1])


class MoneyLimitType(click.ParamType[tuple[Decimal, bool]]):
    """An amount in the pack's currency, such as `500.00`, and whether it is by day, as in `500.00/day`."""

    name = "amount[/day]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Decimal, bool]:
        found = _RATE.fullmatch(str(value))
        if found is None:
            self.fail(f"expected an amount such as `500.00`, or by day `500.00/day`, got `{value}`", param, ctx)
        return Decimal(found[1]), found[2] is not None


@click.command(name="tune")
@click.argument("pack", type=PACK)
@click.argument("rule")
@click.option(
    "--param",
    "specs",
    metavar="NAME=VALUES",
    multiple=True,
    required=True,
    help="A param and what to try: `max_n=3..8`, `wait=10m..2h/10m`, `q=0.9,0.99`. Several make a grid.",
)
@click.option("--random", "count", type=click.IntRange(1, VARIANTS_MAX), help="Try so many of the grid, at random.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of --random.")
@click.option("--objective", type=click.Choice(OBJECTIVES), default=OBJECTIVES[0], show_default=True)
@click.option("--max-alerts", "alerts", type=AlertsType(), help="Hits a day at most, such as `10/day`.")
@click.option(
    "--max-good-money",
    "good_money",
    type=MoneyLimitType(),
    help="Money of good transactions hit at most, in the first period or by day: `500.00`, `20.00/day`.",
)
@click.option(
    "--holdout",
    "holdout_ms",
    type=DurationType(),
    required=True,
    help="How much at the end has no say in the choice, and is what it is reported on.",
)
@click.option("--overlay", metavar="NAME", help="Tune the rule as overlays/NAME.yml of the pack makes it, and there.")
@past_events
@click.option("--json", "json_file", type=OUT, help="Write all variants and the choice there as JSON.")
@click.option("--html", "html_file", type=OUT, help="Write a page with the frontier there, which needs no network.")
def command(
    pack: Path,
    rule: str,
    specs: tuple[str, ...],
    count: int | None,
    seed: int,
    objective: str,
    alerts: float | None,
    good_money: tuple[Decimal, bool] | None,
    holdout_ms: int,
    overlay: str | None,
    past: "Past",
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Choose params of the RULE in the folder PACK by what they cost on past events.

    Each variant is measured on all but the end of the data. The best one within the limits is chosen there, and
    reported on the time held out. The last lines are a diff of the pack's file, which `git -C PACK apply` takes.
    Objectives:

    \b
    net-money        money of fraud that the rule hits, less money of good transactions
    added-net-money  the same where the rule changes what the other live rules decide
    fraud            fraud hit; needs --max-alerts or --max-good-money

    Exits 0, 1 where no variant is within the limits, or 3 where the pack has errors.
    """
    if objective == "fraud" and alerts is None and good_money is None:
        raise click.UsageError("`fraud` alone is best where all is hit: give --max-alerts or --max-good-money")
    from riskgate.tuning import Asked, tune

    asked = Asked(rule, specs, count, seed, objective, alerts, good_money, holdout_ms)
    click.get_current_context().exit(tune(pack, overlay, past, asked, json_file, html_file))
