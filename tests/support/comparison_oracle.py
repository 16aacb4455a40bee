"""What a comparison of two packs has to say, counted event by event from decisions of live engines: slow and plain."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rules import Pack
from support.backtest_oracle import Event, Judged

Act = tuple[str, str]
"""A rule that counts for an action, and what it asks for."""

Why = tuple[frozenset[Act], frozenset[Act]]
"""Which of them are lost, and which are gained."""


class Turned(NamedTuple):
    """An event with another decision."""

    at: int
    event: Event
    before: str
    after: str
    why: Why


def acts(pack: Pack, judged: Judged | None) -> frozenset[Act]:
    """The rules that count for a decision's action: none that tags, is overridden, or allows and overrides none."""
    if judged is None:
        return frozenset()
    thens = {rule.id: rule for rule in pack.rules}
    hit = judged.decision.rules
    overridden = {other for name in hit for other in thens[name].overrides}
    return frozenset(
        (name, thens[name].then)
        for name in hit
        if name not in overridden
        and thens[name].then != "tag"
        and (thens[name].then != "allow" or overridden.intersection(hit, thens[name].overrides))
    )


def turns(packs: tuple[Pack, Pack], before: Sequence[Judged], after: Sequence[Judged]) -> list[Turned]:
    """All events with another decision, in order; `none` where there is no decision."""
    old, new = ({each.at: each for each in side} for side in (before, after))
    found = []
    for at in sorted(old | new):
        one, other = old.get(at), new.get(at)
        actions = [str(side.decision.action) if side else "none" for side in (one, other)]
        if actions[0] != actions[1]:
            lost, gained = acts(packs[0], one), acts(packs[1], other)
            event = next(side.event for side in (one, other) if side)
            found.append(Turned(at, event, actions[0], actions[1], (lost - gained, gained - lost)))
    return found


def by_turn(found: Sequence[Turned]) -> Counter[tuple[str, str]]:
    return Counter((each.before, each.after) for each in found)
