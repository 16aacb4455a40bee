"""Runs the tests inside the rules of a pack through the real engine, on a virtual clock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from engine import Decisions, Engine
from rules import Case, Input, Pack, Rule
from rules.literals import shown
from rules.models import otherwise
from rules.scopes import feature_input
from rules.syntax import inputs_of
from schemas import Event, Value
from schemas.batches import Batch, decode
from workbench.annotations import annotated
from workbench.coverage import Branch, Moment, branches_of

START_MS = 1_767_225_600_000
"""When the virtual clock of every test starts: 2026-01-01T00:00:00Z."""

MEMORY_BYTES = 256 << 20
"""Address space for the windows of one test; only what its few events need of it is used."""

Side = Literal["match", "not match"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one test ended. `problem` is empty when it passed, else lines that say what was expected and what came."""

    rule: str
    case: Case
    problem: tuple[str, ...]


class Gap(NamedTuple):
    """A live rule without a test on one side: none that must match, or none that must not."""

    rule: str
    side: Side


@dataclass(frozen=True, slots=True)
class Report:
    """The results in the pack's order, and what the tests leave out.

    `sides` has, for each rule of the pack, how many of its tests must match and how many must not; `branches` are those
    of all rules that have tests.
    """

    results: tuple[CaseResult, ...]
    live_rules: int
    gaps: tuple[Gap, ...]
    sides: Mapping[str, tuple[int, int]]
    branches: tuple[Branch, ...]

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        return tuple(result for result in self.results if result.problem)


def run_cases(pack: Pack) -> Report:
    """Runs every test of the pack. Each rule is tested as if it were live and alone, with the whole pack's features."""
    results: list[CaseResult] = []
    branches: list[Branch] = []
    for rule in pack.rules:
        played = [(case, *_run(pack, rule, case)) for case in rule.tests]
        results += [CaseResult(rule.id, case, problem) for case, problem, _ in played]
        if played:
            branches += branches_of(rule, pack, [moment for _, _, moments in played for moment in moments])
    live = [rule for rule in pack.rules if rule.mode == "live"]
    gaps = tuple(gap for rule in live for gap in _gaps(rule))
    return Report(tuple(results), len(live), gaps, {rule.id: _sides(rule) for rule in pack.rules}, tuple(branches))


def _sides(rule: Rule) -> tuple[int, int]:
    matching = sum(case.expect.then == rule.then for case in rule.tests)
    return matching, len(rule.tests) - matching


def _gaps(rule: Rule) -> list[Gap]:
    sides: dict[Side, bool] = {
        "match": any(case.expect.then == rule.then for case in rule.tests),
        "not match": any(case.expect.then != rule.then for case in rule.tests),
    }
    return [Gap(rule.id, side) for side, covered in sides.items() if not covered]


def _run(pack: Pack, rule: Rule, case: Case) -> tuple[tuple[str, ...], list[Moment]]:
    """The problem of a test, if it has one, and what was read of each event that was decided."""
    features = {name: feature_input(feature) for name, feature in pack.features.items()}
    read = tuple(dict.fromkeys((*inputs_of(rule.when.tree), *features.values())))
    alone = replace(pack, rules=(replace(rule, mode="live"),))
    engine = Engine(alone, memory_bytes=MEMORY_BYTES, watched=read)
    batch = decode([msgspec.json.encode(event) for event in case.events(pack.currency, START_MS)])
    if batch.rejections:
        return tuple(f"event {each.index + 1} cannot be read: {each.message}" for each in batch.rejections), []
    decided = _decided(engine, batch, pack.entries_by_list, case.profiles)
    if rule.absence is not None:
        encoded = [*(each for decisions in decided for each in decisions.encoded), *engine.elapse()]
        in_vain = any(rule.id in msgspec.json.decode(each)["rules"] for each in encoded)
        return tuple(_problem(pack, rule, case, in_vain, {}, {})), []
    moments = [
        Moment(dict(zip(read, values, strict=True)), timestamp_ms)
        for decisions, timestamp_ms in zip(decided, batch.timestamp_ms.tolist(), strict=True)
        for values in decisions.watched
    ]
    decisions = decided[-1]
    if not decisions.watched:
        return (f"expected a last event that gets a decision, got {_undecided(batch.events[-1], decisions)}",), moments
    matched = rule.id in msgspec.json.decode(decisions.encoded[-1])["rules"]
    return tuple(_problem(pack, rule, case, matched, features, moments[-1].values)), moments


def _decided(
    engine: Engine, batch: Batch, lists: Mapping[str, Mapping[str, int]], profiles: Mapping[str, Mapping[str, str]]
) -> list[Decisions]:
    """What becomes of each event; each comes at its own time, or at that of the one before if it is late."""
    arrivals_ms = accumulate(batch.timestamp_ms.tolist(), max)
    return [
        engine.decide(Batch([event], [raw], times, amounts, []), lists, (), arrived_ms, profiles)
        for event, raw, times, amounts, arrived_ms in zip(
            batch.events,
            batch.raws,
            np.split(batch.timestamp_ms, len(batch.events)),
            np.split(batch.amount_minor, len(batch.events)),
            arrivals_ms,
            strict=True,
        )
    ]


def _undecided(event: Event, decisions: Decisions) -> str:
    if decisions.repeated:
        return f"`{event.id}`, which had been decided before"
    if decisions.conflicting:
        return f"`{event.id}`, an id that another event of the test has"
    return f"a `{event.type}` that no rule judges"


def _problem(
    pack: Pack, rule: Rule, case: Case, matched: bool, features: Mapping[str, Input], values: Mapping[Input, Value]
) -> list[str]:
    lines: list[str] = []
    got = rule.then if matched else otherwise(rule.then)
    if got != case.expect.then:
        lines.append(f"expected then: {case.expect.then}, got {got}")
    for name, wanted in case.expect.features.items():
        kind, value = features[name].type, values[features[name]]
        expected_text, got_text = shown(wanted, kind, pack.currency), shown(value, kind, pack.currency)
        same = expected_text == got_text if isinstance(value, float) else value == wanted
        if not same:
            lines.append(f"expected {name}: {expected_text}, got {got_text}{_apart(expected_text, got_text, value)}")
    if lines:
        rows = annotated(rule.when, values, pack.currency)
        head = "when  " if rule.sequence is None and rule.absence is None else "sequence  "
        lines += [(head if number == 0 else " " * len(head)) + row for number, row in enumerate(rows)]
    return lines


def _apart(expected_text: str, got_text: str, value: Value) -> str:
    """What to add where two different values read the same, as durations may."""
    return f" ({value:,} exactly)" if expected_text == got_text and isinstance(value, int) else ""
