"""The work of `riskgate shadow-report`: read decisions that were given, print what the rules hit by them."""

from collections.abc import Iterator
from pathlib import Path

import click

from riskgate.backtesting import account_lines, label_lines, print_report
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import Past, PastError, Topic, progress, topic_blocks
from riskgate.printing import write_json
from riskgate.revisions import RevisionError, pack_at
from workbench.decisions import DECISION_BYTES_MAX, Decisions
from workbench.history import some_lines
from workbench.pages import trial_page
from workbench.trials import Given, Trial

VERSIONS_SHOWN = 5


def report_trial(
    place: str, overlay: str | None, source: Path | str, past: Past, json_file: Path | None, html_file: Path | None
) -> int:
    """Returns the exit code. Decisions are of the file `source`, or of the topic of that name where the events are."""
    try:
        pack = pack_at(place, overlay)
        if pack is None:
            return EXIT_FINDINGS
        trial, view = past.trial(pack, read_decisions(source, past), str(source))
    except (PastError, RevisionError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    write_json(trial, json_file)
    notes = note_lines(trial)
    if html_file is not None:
        with progress("drawing the page") as step:
            html_file.write_text(trial_page(trial.report, view, notes, step), encoding="utf-8")
    print_report(trial.report, notes)
    return EXIT_FINE


def read_decisions(source: Path | str, past: Past) -> Decisions:
    """The decisions of a file, or of a topic at the brokers that the events come from. Raises PastError."""
    decisions = Decisions()
    with progress("reading decisions") as step:
        if isinstance(past.data, Topic) and isinstance(source, str):
            for block in topic_blocks(past.data._replace(topic=source, from_offset=None)):
                decisions.add(block.values)
                step(block.share)
            return decisions
        try:
            with Path(source).open("rb") as file:
                while lines := some_lines(file, DECISION_BYTES_MAX):
                    decisions.add(lines)
        except OSError as error:
            raise PastError(f"`{source}` cannot be read: {error.strerror}") from error
    return decisions


def note_lines(trial: Trial) -> list[str]:
    """What became of the decisions, of the events, and what precision and recall rest on."""
    report = trial.report
    return [*given_lines(trial.given), *account_lines(report.account), *label_lines(report.labels)]


def given_lines(given: Given) -> Iterator[str]:
    """What became of the decisions: each line for people who look after them."""
    shown = list(given.versions.items())[:VERSIONS_SHOWN]
    more = len(given.versions) - len(shown)
    said = ", ".join(f"{version} {count:,}" for version, count in shown) + (f" and {more:,} more" if more else "")
    yield f"{given.used:,} decisions are measured; all that were read, by pack: {said or 'none'}"
    told = (
        (given.repeated, "are repeated answers to events that came again: left out"),
        (given.twice, "decisions are there another time: left out"),
        (given.unread, f"lines are no decisions: {given.problem}"),
        (given.lost, "decisions are on no event of the data that the pack judges: left out"),
        (given.undecided, "events have no decision"),
        (given.waited, "decisions are on what did not come"),
        (
            given.unexplained,
            "decisions have another action than the pack's rules give for their hits: nothing is told to change there",
        ),
    )
    yield from (f"{count:,} {what}" for count, what in told if count)
    for each in given.strange:
        yield f"{each.rule} is not in the pack: {each.live:,} live hits, {each.shadow:,} in shadow"
    for each in given.elsewhere:
        yield f"{each.rule} had another mode for a while: {each.live:,} live hits, {each.shadow:,} in shadow"
    if given.unnamed:
        yield f"no decision is by this very pack, and none names {', '.join(given.unnamed)}: they may be newer"
