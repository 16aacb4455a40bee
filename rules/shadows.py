"""Rules that never decide, since a stronger one matches whatever they match."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.findings import Ledger
from rules.models import Rule
from rules.proofs import Outcome, Prover
from rules.sources import Spot
from rules.syntax import Input, inputs_of
from schemas import ACTIONS

PAIRS_MAX = 20_000
"""So many pairs of rules that read the same are held against each other."""


class Written(NamedTuple):
    """A rule, the place of its id, and what proves for the events that it judges."""

    rule: Rule
    spot: Spot
    prover: Prover


def check_shadows(written: Sequence[Written], ledger: Ledger) -> None:
    """Reports the live rules whose every match another live rule matches too, with an action at least as strong."""
    acting = [each for each in written if each.rule.mode == "live" and each.rule.then in ACTIONS[1:]]
    numbers = {each.rule.id: number for number, each in enumerate(acting)}
    readers: defaultdict[Input | None, list[Written]] = defaultdict(list)
    reads = {each.rule.id: frozenset(inputs_of(each.rule.when.tree)) for each in acting}
    shares: defaultdict[Input, int] = defaultdict(int)
    for read in (read for found in reads.values() for read in found):
        shares[read] += 1
    for each in acting:
        rarest = min(reads[each.rule.id], key=lambda read: shares[read], default=None)
        readers[rarest].append(each)
    left = PAIRS_MAX
    shadowed: set[str] = set()
    for weak in acting:
        for strong in _candidates(weak, readers, reads):
            if strong.rule.id in shadowed or not _outranks(strong.rule, weak.rule):
                continue
            left -= 1
            if left < 0:
                return
            if not _implies(weak, strong):
                continue
            is_equal = strong.rule.then == weak.rule.then and _implies(strong, weak)
            if is_equal and numbers[strong.rule.id] > numbers[weak.rule.id]:
                continue
            shadowed.add(weak.rule.id)
            _report(weak, strong, ledger)
            break


def _candidates(
    weak: Written, readers: dict[Input | None, list[Written]], reads: dict[str, frozenset[Input]]
) -> Iterator[Written]:
    """Rules that read nothing that `weak` does not: what reads more is not implied."""
    own = reads[weak.rule.id]
    for read in sorted(own, key=repr):
        for each in readers.get(read, ()):
            if each is not weak and reads[each.rule.id] <= own:
                yield each


def _outranks(strong: Rule, weak: Rule) -> bool:
    """Whether `strong` leaves nothing to decide where both match."""
    if weak.on_missing == "degraded" or not weak.events <= strong.events:
        return False
    if strong.then == weak.then == "step_up":
        return strong.challenge == weak.challenge
    return ACTIONS.index(strong.then) >= ACTIONS.index(weak.then)


def _implies(weak: Written, strong: Written) -> bool:
    """Whether `strong` is proven to match whatever `weak` matches."""
    hits: list[Outcome] = ["true", "missing"] if weak.rule.on_missing == "match" else ["true"]
    passes: list[Outcome] = ["false"] if strong.rule.on_missing == "match" else ["false", "missing"]
    trees = weak.rule.when.tree, strong.rule.when.tree
    return not any(weak.prover.possible([(trees[0], hit), (trees[1], miss)]) for hit in hits for miss in passes)


def _report(weak: Written, strong: Written, ledger: Ledger) -> None:
    ledger.rule = weak.rule.id
    message = f"`{weak.rule.id}` never decides: `{strong.rule.id}` matches whatever it matches"
    verb = {"block": "blocks", "step_up": "asks for a step-up", "review": "has it reviewed"}
    place = f"{strong.spot.source.name}:{strong.spot.source.position(strong.spot.index)[0]}"
    ledger.report("shadowed-rule", weak.spot, f"{message}, and {verb[strong.rule.then]}", f"it is at {place}")
    ledger.rule = None
