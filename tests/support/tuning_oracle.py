"""What a tuning has to find, worked out the long way: packs with other params, backtested one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rules import Literal, Pack
from workbench.variants import varied


def with_params(pack: Pack, rule_id: str, params: Mapping[str, Literal]) -> Pack:
    """The pack with the rule live and with other params."""
    rules = [
        replace(rule, mode="live", when=varied(rule, params, pack.currency), params={**rule.params, **params})
        if rule.id == rule_id
        else rule
        for rule in pack.rules
    ]
    return replace(pack, rules=tuple(rules))


def best_of(scores: Sequence[tuple[int, int, bool]]) -> int | None:
    """The place of the best variant by the score and hits of each and whether it is allowed; the first of equals."""
    best = None
    for at, (score, hits, allowed) in enumerate(scores):
        if allowed and (best is None or (score, -hits) > (scores[best][0], -scores[best][1])):
            best = at
    return best


def undominated(points: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs of gain and cost to which no other one is as good in both and better in one."""
    return {
        (gain, cost)
        for gain, cost in points
        if not any(g >= gain and c <= cost and (g, c) != (gain, cost) for g, c in points)
    }
