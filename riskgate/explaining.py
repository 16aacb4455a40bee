"""The work of `riskgate explain`: find the event, explain it, print that for somebody who is asked about it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from flows import FlowError
from journal import StateError
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE, EXIT_USAGE
from riskgate.past import PastError, history_of, pack_of, progress
from riskgate.printing import write_json
from riskgate.remembering import records_in
from riskgate.waiting import load_kernels
from schemas import Decision
from workbench.explanation import Counted, Explained, Explanation, How, Listed, RuleStory, explain
from workbench.kept import explain_kept
from workbench.tabular import HistoryError

EVENTS_MAX = 5
"""So many events of a window are printed, the latest; the JSON has more."""

CHANGES_MAX = 6
"""So many of the smallest changes are printed, one for each other decision among them."""

_Made = tuple[int | tuple[int, str | None], ...]

_COLORS = {"allow": "green", "review": "yellow", "step_up": "yellow", "block": "red"}
_LEFT_OUT = {
    "late": "came too late to be counted",
    "future": "was too far ahead of the stream to be counted",
    "repeated": "came again, and is not counted twice",
    "conflicting": "refused: its id had come with other content",
}


def explain_past(
    name: str, folder: Path, overlay: str | None, data: Path, map_file: Path | None, json_file: Path | None
) -> int:
    """Returns the exit code."""
    pack = pack_of(folder, overlay)
    if pack is None:
        return EXIT_FINDINGS
    try:
        history = history_of(data, map_file)
        load_kernels(pack)
        with progress("deciding") as step:
            explained = explain(pack, history, name, step)
    except (HistoryError, PastError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    return _told(explained, json_file)


def explain_state(name: str, folder: Path, overlay: str | None, state: Path, json_file: Path | None) -> int:
    """Returns the exit code."""
    pack = pack_of(folder, overlay)
    if pack is None:
        return EXIT_FINDINGS
    try:
        load_kernels(pack)
        explained = explain_kept(pack, lambda: records_in(state, pack), name, str(state))
    except (StateError, FlowError) as error:
        click.echo(f"riskgate: error: {error}", err=True)
        return EXIT_USAGE
    return _told(explained, json_file)


def _told(explained: Explained, json_file: Path | None) -> int:
    """Writes and prints it; returns the exit code."""
    write_json(explained, json_file)
    problem = _problem(explained)
    if problem is not None:
        click.echo(f"riskgate: error: {problem}", err=True)
        return EXIT_USAGE
    click.echo("\n".join(_lines(explained)))
    return EXIT_FINE


def _problem(explained: Explained) -> str | None:
    """Why there is nothing to explain, if there is not."""
    if explained.explanations or explained.timers:
        return None
    if explained.unjudged is not None:
        what = f"a `{explained.unjudged}` that no rule judges"
        return f"expected an event that gets a decision, got `{explained.id}`, {what}"
    unread = f"; {explained.unread:,} others could not be read" if explained.unread else ""
    return f"expected an event with the id `{explained.id}` in `{explained.data}`, got none{unread}"


def _lines(explained: Explained) -> Iterator[str]:
    for number, each in enumerate(explained.explanations):
        if number:
            yield ""
        yield from _decision_lines(each)
    for timer in explained.timers:
        yield from _timer_lines(timer)
    yield from _notes(explained)


def _notes(explained: Explained) -> Iterator[str]:
    told = (
        (explained.more, f"later decisions on `{explained.id}` that are not explained here"),
        (explained.repeated, "times that it came again and got the decision it had got"),
        (explained.conflicting, "times that its id came with other content, which was refused"),
        (explained.unread, f"rows of `{explained.data}` that could not be read, and count nowhere"),
    )
    lines = [f"{what}: {count:,}" for count, what in told if count]
    if lines:
        yield ""
        yield from lines


def _decision_lines(each: Explanation) -> Iterator[str]:
    decision, event = each.decision, each.event
    yield f"{decision.transaction_id}  {_action(decision.action)}  {_time(decision.timestamp)}  by {decision.pack}"
    yield f"  {_event_line(event)}"
    for note in each.notes:
        yield f"  note: {note}"
    if decision.challenge is not msgspec.UNSET:
        yield f"  asked for: {decision.challenge}"
    yield from _rule_lines(each.rules)
    shown = {name for rule in each.rules if rule.how in ("hit", "missing", "spared") for name in rule.features}
    counts = [count for count in each.counts if count.name in shown]
    if counts:
        yield from _heading("What they counted")
        before: dict[_Made, str] = {}
        for count in counts:
            yield from _count_lines(count, before)
    others = [f"{name} = {text}" for name, text in each.values.items() if name not in shown]
    if others:
        yield from _heading(f"What {'else ' if counts else ''}the rules looked at")
        yield from _wrapped(others)
    yield from _change_lines(each)


def _event_line(event: dict[str, object]) -> str:
    first = f"{event['type']}"
    if "amount" in event:
        first += f" of {event['amount']} {event['currency']}"
    said = ("type", "amount", "currency", "timestamp", "transaction_id", "event_id", "attributes")
    rest = [f"{name} {value}" for name, value in event.items() if name not in said]
    attributes = event.get("attributes")
    if isinstance(attributes, dict):
        rest += [f"{name} {value}" for name, value in attributes.items()]
    return f"{first}: {', '.join(rest)}" if rest else first


_SECTIONS: Sequence[tuple[str, How, tuple[str, ...]]] = (
    ("Rules that hit", "hit", ("live",)),
    ("Rules that would have hit, but are not live", "hit", ("shadow", "off")),
    ("Rules that lacked a value", "missing", ("live", "shadow", "off")),
    ("Rules kept from hitting by an exception, or that have ended", "spared", ("live", "shadow", "off")),
    ("Rules that failed", "failed", ("live", "shadow", "off")),
)


def _rule_lines(rules: Sequence[RuleStory]) -> Iterator[str]:
    if not any(rule.how == "hit" and rule.mode == "live" for rule in rules):
        yield from _heading("No live rule hit")
    for title, how, modes in _SECTIONS:
        stories = [rule for rule in rules if rule.how == how and rule.mode in modes]
        if stories:
            yield from _heading(title)
        for rule in stories:
            yield from _story_lines(rule)


def _story_lines(rule: RuleStory) -> Iterator[str]:
    mode = "" if rule.mode == "live" else f"  ({rule.mode})"
    overridden = "  (overridden: does not count)" if rule.overridden else ""
    title = f"  {rule.title}" if rule.title else ""
    yield f"  {click.style(f'{rule.then:<8}', bold=True)} {rule.rule}{mode}{overridden}{title}"
    if rule.how == "hit":
        yield f"           {rule.sentence}"
    if rule.missing:
        yield f"           without a value: {', '.join(rule.missing)}"
    for line in rule.condition:
        yield f"           {line}"
    if rule.runbook and rule.how == "hit":
        yield f"           runbook: {rule.runbook}"


def _count_lines(count: Counted, before: dict[_Made, str]) -> Iterator[str]:
    """`before` has the features whose events were printed, by these."""
    key = ", ".join(f"{name} {value or 'missing'}" for name, value in count.key.items())
    yield f"  {click.style(f'{count.name} = {count.text}', bold=True)}  {count.what}; {key}"
    if not count.agrees:
        yield f"    but the events below give {count.recounted_text}: the engine did not know all of them any more"
    made = count.made_by[-EVENTS_MAX:]
    earlier = len(count.made_by) - len(made) + count.more
    events: _Made = (count.more, *((each.timestamp, each.id) for each in count.made_by))
    if len(made) > 1 and events in before:
        yield f"    the same events as of {before[events]}"
    else:
        before[events] = count.name
        if earlier:
            yield f"    {earlier:,} earlier ones, and"
        width = _Widths(made)
        for each in made:
            yield f"    {width.line(each)}"
    others = count.in_window - len(count.made_by) - count.more
    if others > 0:
        yield f"    and {others:,} more in the same time, which do not change the value"
    if count.against:
        yield f"    against {count.against:,} before that"
    left_out = len(count.left_out) + count.left_out_more
    for each in count.left_out[-EVENTS_MAX:]:
        yield f"    not counted: {each.id}  {_time(each.timestamp)}  {_LEFT_OUT[each.fate]}"
    if left_out > EVENTS_MAX:
        yield f"    and {left_out - EVENTS_MAX:,} more that are not counted"


class _Widths:
    """Lines events up below each other."""

    def __init__(self, events: Sequence[Listed]) -> None:
        rows = [self._cells(each) for each in events]
        self._widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(self, each: Listed) -> str:
        cells = (cell.ljust(width) for cell, width in zip(self._cells(each), self._widths, strict=True) if width)
        return "  ".join(cells).rstrip() + ("  <- this one" if each.itself else "")

    def _cells(self, each: Listed) -> tuple[str, ...]:
        return (
            _time(each.timestamp),
            each.type or "",
            each.amount or "",
            each.value or "",
            each.user_id or "",
            each.id or "",
        )


def _change_lines(each: Explanation) -> Iterator[str]:
    if each.alternatives is None:
        yield from _heading("What would have changed the decision, only the event itself can tell: give --data")
        return
    every, given_up = each.alternatives.found, each.alternatives.given_up
    first = {change.action: change for change in reversed(every)}
    found = sorted(
        [*first.values(), *(change for change in every if change not in first.values())][:CHANGES_MAX], key=every.index
    )
    if not found and not given_up:
        yield from _heading("No single change of a value or of a param leads to another decision")
        return
    yield from _heading("What alone would have changed the decision, all else as it was, the smallest first")
    width = max((len(change.name) for change in found), default=0)
    words = max((len(change.text) for change in found), default=0)
    for change in found:
        yield f"  {change.name:<{width}}  {change.text:<{words}}  -> {_action(change.action)}"
    if len(every) > len(found):
        yield f"  and {len(every) - len(found):,} more, which --json lists"
    if given_up:
        yield f"  not searched to the end: {', '.join(given_up)}"


def _timer_lines(timer: Decision) -> Iterator[str]:
    until = "" if timer.timer is msgspec.UNSET else f" by {_time(timer.timer)}"
    why = f"since what was to follow had not come{until}"
    yield f"{timer.transaction_id}  {_action(timer.action)}  {why}, by {timer.pack}"
    for reason in timer.reasons:
        yield f"  {reason.rule}: {reason.text}"
    for rule in (*timer.rules, *timer.shadow):
        if rule not in {reason.rule for reason in timer.reasons}:
            yield f"  {rule}{'' if rule in timer.rules else '  (shadow)'}"


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield click.style(text, bold=True)


def _wrapped(parts: Sequence[str], width: int = 100) -> Iterator[str]:
    line = ""
    for part in parts:
        if line and len(line) + len(part) + 2 > width:
            yield f"  {line},"
            line = part
        else:
            line = f"{line}, {part}" if line else part
    yield f"  {line}"


def _action(action: str) -> str:
    return click.style(action, fg=_COLORS[action], bold=True)


def _time(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{moment}.{time_ms % 1_000:03}" if time_ms % 1_000 else moment
