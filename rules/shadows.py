"""Rules that never decide, since a stronger one matches whatever they match."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from rules.findings import Ledger
from rules.models import Rule
from rules.proofs import Case, Outcome, Prover
from rules.sources import Spot
from rules.syntax import Input, inputs_of
from schemas import ACTIONS

PROOFS_MAX = 4_000
"""So many pairs of rules that could shadow each other are looked at in full."""


class Written(NamedTuple):
    """A rule, the place of its id, and what proves for the events that it judges."""

    rule: Rule
    spot: Spot
    prover: Prover


class _Acting(NamedTuple):
    """A live rule that acts: its number, what it reads, and what is known for each way in which it matches."""

    number: int
    written: Written
    reads: frozenset[Input]
    hits: tuple[Case, ...]

    @property
    def rule(self) -> Rule:
        return self.written.rule


def check_shadows(written: Sequence[Written], overriders: Mapping[str, Set[str]], ledger: Ledger) -> None:
    """Reports the live rules whose every match another live rule matches too, with an action at least as strong.

    `overriders` has the ids of the rules that override a rule: one that is overridden where the other is not leaves the
    other to decide. Raises OutOfEffort.
    """
    live = [each for each in written if each.rule.mode == "live" and each.rule.then in ACTIONS[1:]]
    acting = [_acting(number, each) for number, each in enumerate(live)]
    readers = _readers(acting)
    shadowed: set[int] = set()
    left = PROOFS_MAX
    for weak in acting:
        for strong in _candidates(weak, readers):
            if strong.number in shadowed or not _outranks(strong.rule, weak.rule) or not _spans(strong, weak):
                continue
            if not overriders.get(strong.rule.id, frozenset()) <= overriders.get(weak.rule.id, frozenset()):
                continue
            left -= 1
            if left < 0:
                return
            if not _implies(weak, strong):
                continue
            is_equal = strong.rule.then == weak.rule.then and _implies(strong, weak)
            if not is_equal or strong.number < weak.number:
                shadowed.add(weak.number)
                _report(weak.written, strong.written, ledger)
                break


def _acting(number: int, written: Written) -> _Acting:
    tree = written.rule.when.tree
    outcomes: list[Outcome] = ["true", "missing"] if written.rule.on_missing == "match" else ["true"]
    cases = [written.prover.case((tree, outcome)) for outcome in outcomes]
    return _Acting(number, written, frozenset(inputs_of(tree)), tuple(case for case in cases if case is not None))


def _readers(acting: Sequence[_Acting]) -> dict[Input, list[_Acting]]:
    """The rules by the one of their inputs that the fewest rules read."""
    shares = Counter(read for each in acting for read in each.reads)
    readers: defaultdict[Input, list[_Acting]] = defaultdict(list)
    for each in acting:
        if each.reads:
            readers[min(each.reads, key=lambda read: (shares[read], read.kind, read.name))].append(each)
    return readers


def _candidates(weak: _Acting, readers: dict[Input, list[_Acting]]) -> Iterator[_Acting]:
    """Rules that read nothing that `weak` does not: what reads more is not implied."""
    for read in sorted(weak.reads, key=lambda read: (read.kind, read.name)):
        for each in readers.get(read, ()):
            if each is not weak and each.reads <= weak.reads:
                yield each


def _spans(strong: _Acting, weak: _Acting) -> bool:
    """Whether `weak` could imply `strong`, as far as the values tell that they allow."""
    if len(strong.hits) != 1:
        return True
    return all(strong.hits[0].facts.spans(case.facts) for case in weak.hits)


def _outranks(strong: Rule, weak: Rule) -> bool:
    """Whether `strong` leaves nothing to decide where both match, also where its breaker has demoted it."""
    if weak.on_missing == "degraded" or not weak.events <= strong.events:
        return False
    if strong.weakest == weak.then == "step_up":
        return strong.challenge == weak.challenge
    return ACTIONS.index(strong.weakest) >= ACTIONS.index(weak.then)


def _implies(weak: _Acting, strong: _Acting) -> bool:
    """Whether `strong` is proven to match whatever `weak` matches."""
    passes: Outcome = "false" if strong.rule.on_missing == "match" else "untrue"
    return not any(weak.written.prover.possible([(strong.rule.when.tree, passes)], case) for case in weak.hits)


def _report(weak: Written, strong: Written, ledger: Ledger) -> None:
    ledger.rule = weak.rule.id
    message = f"`{weak.rule.id}` never decides: `{strong.rule.id}` matches whatever it matches"
    verb = {"block": "blocks", "step_up": "asks for a step-up", "review": "has it reviewed"}
    place = f"{strong.spot.source.name}:{strong.spot.source.position(strong.spot.index)[0]}"
    ledger.report("shadowed-rule", weak.spot, f"{message}, and {verb[strong.rule.then]}", f"it is at {place}")
    ledger.rule = None
