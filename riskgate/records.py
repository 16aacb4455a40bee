"""Records of changes, in lines for people."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rules.findings import printable
from stores import Measured, Record


def line_of(record: Record) -> str:
    """What was done, from which version to which."""
    versions = f"{record.before or 'nothing'} to {record.after}"
    what = f"{record.rule} from {record.from_mode} to {record.to_mode}: {versions}"
    match record.action:
        case "promote":
            return f"{record.number}. promoted {what}"
        case "propose":
            return f"{record.number}. proposed {what if record.rule else versions}"
        case "publish":
            return f"{record.number}. published: {versions}"
        case "approve":
            return f"{record.number}. approved {record.proposal}, {what if record.rule else versions}"
    return f"{record.number}. rolled back: {versions}"


def waiting_in(records: Sequence[Record], now: str | None) -> list[Record]:
    """The proposals that can be approved: nobody has, and the version that they are to change is in force."""
    approved = {record.proposal for record in records}
    return [each for each in records if not each.changes and each.number not in approved and each.before == now]


def measured_lines(record: Record, indent: str) -> list[str]:
    """What the backtest said of the rule that was promoted, and of other live rules that changed with it."""
    own = [] if record.backtest is None else [_measured(record.backtest)]
    return [indent + line for line in (*own, *(f"{rule}: {_measured(each)}" for rule, each in record.along.items()))]


def _measured(measured: Measured) -> str:
    hits = f"{measured.hits:,} hits of {measured.judged:,} judged events ({measured.hits_per_judged:.3%})"
    parts = [f"{hits}, {measured.alerts_a_day:,.1f} a day, {measured.users:,} users"]
    if measured.precision is not None:
        parts.append(f"precision {measured.precision:.1%}")
    if measured.recall is not None:
        parts.append(f"recall {measured.recall:.1%}")
    if measured.money_caught is not None and measured.good_money_stopped is not None:
        parts.append(
            f"{measured.money_caught} {measured.currency} caught, {measured.good_money_stopped} of good ones stopped"
        )
    period = f"{_day(measured.from_ms)} to {_day(measured.to_ms)}"
    return f"backtest on {printable(measured.data)}, {period}: {'; '.join(parts)}"


def when(at_ms: int) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()
