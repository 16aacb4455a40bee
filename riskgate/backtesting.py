"""The work of `riskgate backtest`: measure a pack on past events, print what its rules did."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import Past, PastError, pack_of, progress
from riskgate.printing import Printer, write_json
from rules.literals import duration_text
from workbench.documents import grouped
from workbench.feature_table import Account
from workbench.measurement import Proportion
from workbench.pages import UNMEASURED, page_of
from workbench.reports import Labels, Report, RuleReport, report_of


def backtest(folder: Path, overlay: str | None, past: Past, json_file: Path | None, html_file: Path | None) -> int:
    """Returns the exit code."""
    pack = pack_of(folder, overlay)
    if pack is None:
        return EXIT_FINDINGS
    try:
        view = past.view(pack)
    except PastError as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    report = report_of(view, past.name, past.maturity_ms)
    write_json(report, json_file)
    notes = [*account_lines(report.account), *label_lines(report.labels)]
    if html_file is not None:
        with progress("drawing the page") as step:
            html_file.write_text(page_of(report, view, notes, step), encoding="utf-8")
    print_report(report, notes)
    return EXIT_FINE


def print_report(report: Report, notes: Sequence[str]) -> None:
    """Prints the report on standard output; `notes` are lines on the data and the labels."""
    out, period = Printer(), report.period
    out.say(f"{report.pack} on {report.data}: {period.events:,} judged events in {period.days:,} days")
    for line in notes:
        out.say(f"  {line}")
    out.table(_decisions(report))
    out.table(_rules(report))
    if report.unmeasured_features:
        out.say(f"{UNMEASURED}, without a value in any event: {', '.join(report.unmeasured_features)}")
    for rule in report.rules:
        if rule.errors:
            out.say(f"{rule.rule} failed on {rule.errors:,} events, and neither hits nor misses there")
        if rule.unmeasured:
            hits = "" if rule.hits is None else f"; it hits by what else it reads: {rule.hits:,}"
            out.say(f"{rule.rule} reads what no event has: {', '.join(rule.unmeasured)}{hits}")


def account_lines(account: Account) -> list[str]:
    """What did not go as the rest: each line for people who look after the data."""
    unread = sum(account.unread.values())
    lines = [
        f"{unread:,} rows could not be read: "
        + ", ".join(f"{reason} {count:,}" for reason, count in sorted(account.unread.items()))
    ] * bool(unread)
    lines += [f"{each.place}: {each.reason}: {each.message}" for each in account.examples]
    told = (
        (account.repeated, "events came again: not counted twice"),
        (account.conflicting, "events had the id of another: not judged"),
        (account.unmatched, "reversals or corrections mean no known transaction"),
        (account.late, "events were later than `lateness`, and in no window: is the data in order of time?"),
        (
            account.future,
            "events were further ahead of the stream than `skew`: judged as of where it stood, and in no window",
        ),
        (account.foreign, "events move another currency than the pack's: their amounts are missing"),
    )
    lines += [f"{count:,} {what}" for count, what in told if count]
    if account.rounded:
        lines.append(f"{account.rounded:,} amounts were rounded as the map asks, by {account.rounded_by:.1e} at most")
    if account.left_out:
        lines.append(f"columns left out by the map: {', '.join(account.left_out)}")
    return lines


def label_lines(labels: Labels) -> list[str]:
    """What precision and recall rest on."""
    if labels.given == labels.not_yet_known:
        return ["no labels: no precision, no recall"] + [
            f"{labels.not_yet_known:,} labels were not known yet at the end of the data"
        ] * bool(labels.not_yet_known)
    mature = f"{labels.fraud:,} fraud and {labels.good:,} good transactions are mature"
    maturity = duration_text(labels.maturity_ms)
    lines = [f"{mature} (maturity {maturity}); {labels.young:,} are too young and left out"]
    told = (
        (labels.not_yet_known, "labels were not known yet at the end of the data"),
        (labels.of_unknown_transactions, "labels are of transactions that are not among the measured ones"),
        (labels.overtaken, "labels were overtaken by a later one on the same transaction"),
    )
    lines += [f"{count:,} {what}" for count, what in told if count]
    if labels.delay_ms is not None and labels.delay_ms > labels.maturity_ms:
        lines.append(
            f"95% of the frauds were known within {days(labels.delay_ms)}, which is longer than the maturity: "
            "some that count as good are not known yet"
        )
    return lines


def days(milliseconds: int) -> str:
    return f"{milliseconds / 86_400_000:.1f} days"


def _decisions(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, title="decisions", title_justify="left", title_style="bold")
    for name in ("action", "events", "fraud", "good", f"fraud {report.currency}", f"good {report.currency}"):
        table.add_column(name, justify="left" if name == "action" else "right")
    for each in report.decisions:
        table.add_row(
            each.action, f"{each.events:,}", f"{each.fraud:,}", f"{each.good:,}", grouped(each.fraud_money),
            grouped(each.good_money),
        )  # fmt: skip
    if report.precision is not None or report.recall is not None:
        table.caption = f"stopped: precision {share(report.precision)}, recall {share(report.recall)}"
        table.caption_justify = "left"
    return table


_HEADS = (
    "rule", "mode", "then", "hits", "users", "only", "a day", "precision", "recall", "caught", "good stopped",
    "decisions that change",
)  # fmt: skip


def _rules(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, title="rules, each with intervals of 95%", title_justify="left", title_style="bold")
    for name in _HEADS:
        table.add_column(name, justify="left" if name in ("rule", "mode", "then", _HEADS[-1]) else "right")
    for each in report.rules:
        table.add_row(*_row(each))
    return table


def _row(rule: RuleReport) -> tuple[str, ...]:
    if rule.hits is None or rule.users is None or rule.only is None or rule.alerts_a_day is None:
        return rule.rule, rule.mode, rule.then, UNMEASURED, *("-",) * 7, ""
    return (
        rule.rule,
        rule.mode,
        rule.then,
        f"{rule.hits:,}",
        f"{rule.users:,}",
        f"{rule.only:,}",
        f"{rule.alerts_a_day:,.1f}",
        share(rule.precision),
        share(rule.recall),
        grouped(rule.money_caught),
        grouped(rule.good_money_stopped),
        effect_text(rule),
    )


def effect_text(rule: RuleReport) -> str:
    """What changes in the decisions if the rule were off, or live."""
    if rule.effect is None or not rule.effect.events:
        return "none"
    changes = ", ".join(f"{each.before} to {each.after} {each.events:,}" for each in rule.effect.changes)
    return f"{rule.effect.if_}: {changes}"


def share(proportion: Proportion | None) -> str:
    """A share with its interval, in percent; a dash where nothing is known."""
    if proportion is None:
        return "-"
    return f"{proportion.value:.1%} ({proportion.low:.1%}-{proportion.high:.1%})"
