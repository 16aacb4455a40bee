"""Promotion: what a rule needs before its mode may rise, and the pack in which it has.

A rule goes from off to shadow, and from shadow to live. It needs tests on both sides, all tests of the pack must pass,
and a backtest must have measured it as it is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from rules import Pack, Rule
from rules.contents import Contents, load_files
from rules.findings import did_you_mean, render
from rules.models import Mode, otherwise
from schemas import content_hash
from stores import Files, Measured
from workbench.cases import run_cases
from workbench.fingerprints import fingerprint
from workbench.modes import ModeError, with_mode
from workbench.reports import VERSION, Period, RuleReport

REPORT_BYTES_MAX = 256 << 20

BEFORE: dict[Mode, Mode] = {"shadow": "off", "live": "shadow"}
"""From which mode a rule rises to which."""

_AGAIN = "run `riskgate backtest` on the pack as it is now, with --json"


class RefusedError(Exception):
    """A change that is not made; the text says what was expected, what came, and what to do."""


class UnreadyError(RefusedError):
    """A rule that is not ready to rise, for want of tests or of a backtest."""


class _Report(msgspec.Struct, frozen=True):
    """What is read of a backtest's report."""

    version: int
    pack: str
    data: str
    currency: str
    period: Period
    rules: list[RuleReport]


class _Form(msgspec.Struct, frozen=True):
    version: int


@dataclass(frozen=True, slots=True)
class Promotion:
    """Files that may be put in force, and what that rests on.

    `rule` is the one whose mode rises, if one does, from `before` to `to`; `measured` is what the backtest said of it,
    and `along` what it said of other live rules that are not so in what is in force. `unmeasured` is what the rule
    reads and no event of the backtest had. `tests` of the pack passed.
    """

    files: Files
    tests: int
    along: dict[str, Measured]
    rule: Rule | None = None
    before: Mode | None = None
    to: Mode | None = None
    measured: Measured | None = None
    unmeasured: Sequence[str] = ()

    @property
    def version(self) -> str:
        return content_hash(self.files)


def promotion(draft: Contents, base: Contents, rule_id: str, to: Mode, report: bytes) -> Promotion:
    """What becomes of what is in force, `base`, if the rule rises in it, as the sound pack `draft` has it.

    `report` is the JSON of a backtest. Raises RefusedError.
    """
    pack = _pack(draft)
    rule = _rule(pack, rule_id)
    before = rule.mode if base is draft else _mode_in(base, rule_id)
    if before != BEFORE[to] or rule.mode not in (before, to):
        got = before if before != BEFORE[to] else rule.mode
        back = "; `riskgate rollback` takes a promotion back" if got == "live" else ""
        raise RefusedError(
            f"expected a rule that is {BEFORE[to]}, got `{rule_id}`, which is {got}: a rule goes from off to"
            f" shadow, and from shadow to live{back}"
        )
    read = _read(report)
    measured, unmeasured = _measured(pack, rule, read)
    _require_calm(rule, measured)
    along = _along(pack, base, rule, read)
    tests = _tested(pack, [rule, *(each for each in pack.rules if each.id in along)])
    return Promotion(_raised(draft, pack, rule, to), tests, along, rule, before, to, measured, unmeasured)


def publication(draft: Contents, base: Contents | None, report: bytes | None) -> Promotion:
    """What becomes of what is in force, if anything is, with a sound pack in its place. Raises RefusedError.

    No rule's mode rises to live by it, but in the first version.
    """
    pack = _pack(draft)
    along = {} if base is None else _along(pack, base, None, None if report is None else _read(report))
    return Promotion(draft.files, _tested(pack, [each for each in pack.rules if each.id in along]), along)


def _pack(contents: Contents) -> Pack:
    if contents.loaded.pack is None:
        raise RefusedError(f"expected a pack without errors, got\n{render(contents.loaded.findings)}")
    return contents.loaded.pack


def _mode_in(contents: Contents, rule_id: str) -> Mode:
    """The mode of a rule in a pack; one that it does not have is off there."""
    return next((each.mode for each in _pack(contents).rules if each.id == rule_id), "off")


def _along(pack: Pack, base: Contents, rule: Rule | None, report: _Report | None) -> dict[str, Measured]:
    """What the report says of each other rule that is live in the pack and is not so in `base`. Raises RefusedError."""
    known = _pack(base)
    if known is pack:
        return {}
    live = {each.id: fingerprint(known, each) for each in known.rules if each.mode == "live"}
    along: dict[str, Measured] = {}
    for each in pack.rules:
        if each.mode != "live" or each is rule or live.get(each.id) == fingerprint(pack, each):
            continue
        if each.id not in live:
            mode = _mode_in(base, each.id)
            raise RefusedError(
                f"expected no rule to go live but by its own promotion, got `{each.id}`, which is {mode} in what is in"
                f" force: set its mode back to {mode}, and promote it by itself"
            )
        if report is None:
            raise UnreadyError(f"expected a backtest, since the live rule `{each.id}` has changed: give --backtest")
        along[each.id] = _measured(pack, each, report)[0]
        _require_calm(each, along[each.id])
    return along


def _rule(pack: Pack, rule_id: str) -> Rule:
    for rule in pack.rules:
        if rule.id == rule_id:
            return rule
    hint = did_you_mean(rule_id, [rule.id for rule in pack.rules])
    raise RefusedError(f"expected a rule of the pack `{pack.name}`, got `{rule_id}`{f': {hint}' if hint else ''}")


def _tested(pack: Pack, rules: Sequence[Rule]) -> int:
    """How many tests passed, once all did, and each of these rules has both kinds. Raises UnreadyError."""
    for rule in rules:
        answers = {case.expect.then for case in rule.tests}
        sides = ((rule.then, "must match"), (otherwise(rule.then), "must not match"))
        lacking = [side for answer, side in sides if answer not in answers]
        if lacking:
            raise UnreadyError(
                f"expected tests of `{rule.id}` on both sides, got none that {' and none that '.join(lacking)}"
            )
    report = run_cases(pack)
    if report.failures:
        first = report.failures[0]
        told = "\n".join([f"{first.case.file}:{first.case.line}: {first.rule}: {first.case.name}", *first.problem])
        raise UnreadyError(
            f"expected all {len(report.results)} tests of the pack to pass, got {len(report.failures)} that failed; see"
            f" `riskgate test`. The first:\n{told}"
        )
    return len(report.results)


def _read(raw: bytes) -> _Report:
    """Raises UnreadyError."""
    try:
        version = msgspec.json.decode(raw, type=_Form).version
        report = msgspec.json.decode(raw, type=_Report) if version == VERSION else None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadyError(
            f"expected a report that `riskgate backtest --json` wrote, got one that cannot be read: {error}; {_AGAIN}"
        ) from error
    if report is None:
        raise UnreadyError(f"expected a report of version {VERSION}, got {version}; {_AGAIN}")
    return report


def _measured(pack: Pack, rule: Rule, report: _Report) -> tuple[Measured, list[str]]:
    """What the report says of the rule, if it is of this rule as it is now. Raises UnreadyError."""
    found = next((each for each in report.rules if each.rule == rule.id), None)
    name = report.pack.partition("@")[0]
    if name != pack.name or found is None:
        raise UnreadyError(
            f"expected a backtest of `{rule.id}` in the pack `{pack.name}`, got one of `{report.pack}`"
            f"{'' if found else ' without this rule'}; {_AGAIN}"
        )
    content = fingerprint(pack, rule)
    if found.content != content:
        raise UnreadyError(
            f"expected a backtest of `{rule.id}` as it is now ({content}), got one of it as it was in"
            f" `{report.pack}` ({found.content}): its condition, or what it reads, has changed since; {_AGAIN}"
        )
    if found.hits is None or found.hits_per_judged is None or found.users is None or found.alerts_a_day is None:
        why = f"no event has {', '.join(found.unmeasured)}" if found.unmeasured else "it judged no event"
        raise UnreadyError(
            f"expected a backtest that measures `{rule.id}`, got UNMEASURED on `{report.data}`: {why}; run it on data"
            " that has what the rule reads"
        )
    measured = Measured(
        pack=report.pack,
        content=found.content,
        data=report.data,
        from_ms=report.period.from_ms,
        to_ms=report.period.to_ms,
        judged=found.judged,
        hits=found.hits,
        hits_per_judged=found.hits_per_judged,
        users=found.users,
        alerts_a_day=found.alerts_a_day,
        currency=report.currency,
        precision=None if found.precision is None else found.precision.value,
        recall=None if found.recall is None else found.recall.value,
        money_caught=found.money_caught,
        good_money_stopped=found.good_money_stopped,
    )
    return measured, found.unmeasured


def _require_calm(rule: Rule, measured: Measured) -> None:
    """Raises UnreadyError where what was measured is already more than the rule's breaker lets pass."""
    breaker = rule.breaker
    if breaker is None or measured.hits_per_judged <= breaker.limit:
        return
    limit, share = share_text(float(breaker.limit)), share_text(measured.hits_per_judged)
    raise UnreadyError(
        f"expected a breaker of `{rule.id}` that leaves it alone where it matches as in its backtest, got one that"
        f" demotes it beyond {limit}, where {share} of the events matched: write `expected: {share}`"
    )


def breaker_advice(rule: Rule, measured: Measured) -> str | None:
    """What a breaker of the rule should expect by what was measured, in a line; None where nothing is to be said."""
    share = share_text(measured.hits_per_judged)
    if rule.breaker is not None:
        return f"its breaker expects {share_text(float(rule.breaker.expected))}, the backtest had {share}"
    if rule.then not in ("block", "step_up") or not measured.hits:
        return None
    return f"it has no breaker: with `breaker: {{expected: {share}}}` it would do less where it matches far more often"


def share_text(share: float) -> str:
    """A share in percent, as breakers are written, of which nothing but 0 becomes 0."""
    percent = max(100 * share, 1e-6 if share else 0.0)
    return f"{percent:.6f}".rstrip("0").rstrip(".") + "%"


def _raised(contents: Contents, pack: Pack, rule: Rule, to: Mode) -> Files:
    """The files with the rule's other mode, once they make a pack that is the same in all else. Raises RefusedError."""
    if rule.mode == to:
        return contents.files
    try:
        files = with_mode(contents.files, rule.id, to)
    except ModeError as error:
        raise RefusedError(str(error)) from error
    loaded = load_files(files, str(pack.path))
    if loaded.pack is None:
        raise RefusedError(f"expected a pack without errors once `{rule.id}` is {to}, got\n{render(loaded.findings)}")
    wanted = [replace(each, mode=to) if each.id == rule.id else each for each in pack.rules]
    if [each.untested for each in loaded.pack.rules] != [each.untested for each in wanted]:
        raise RefusedError(
            f"expected to change the mode of `{rule.id}` and nothing else, which cannot be done where it is written as"
            f" it is: write a line `mode: {rule.mode}` into the rule, and give the command again"
        )
    return files
