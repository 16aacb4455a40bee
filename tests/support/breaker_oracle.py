"""What breakers mean, computed from plain lists: slow and obviously right."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from schemas import Demotion
from support.pack_texts import RuleText

PARTS = 60


class NaiveBreakers:
    """Counts one event after the other."""

    def __init__(self) -> None:
        self.seen: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        self.levels: dict[str, int] = {}
        self.since: dict[str, int] = {}

    def count(self, time_ms: int, reached_ms: int | None, rules: Sequence[RuleText], hits: Sequence[RuleText]) -> None:
        """An event at that time, neither late nor from the future, which these rules judge and those match."""
        for rule in rules:
            breaker = rule.breaker
            if breaker is None or rule.mode != "live":
                continue
            if reached_ms is not None and time_ms <= reached_ms - breaker.over_ms:
                continue
            slot = time_ms // -(-breaker.over_ms // PARTS)
            self.seen[rule.id].append((slot, rule in hits))
            window = [is_hit for at, is_hit in self.seen[rule.id] if slot - PARTS < at <= slot]
            level = self.levels.get(rule.id, 0)
            if (
                rule in hits
                and level + 1 < len(breaker.steps)
                and (level == 0 or slot >= self.since[rule.id] + PARTS)
                and sum(window) >= breaker.min_hits
                and Fraction(sum(window), len(window)) > breaker.limit
            ):
                self.levels[rule.id], self.since[rule.id] = level + 1, slot

    def demotion(self, rule: RuleText) -> Demotion | None:
        level = self.levels.get(rule.id, 0)
        if rule.breaker is None or level == 0:
            return None
        return Demotion(rule.id, rule.breaker.steps[0], rule.breaker.steps[level])

    def worn(self, rule: RuleText) -> RuleText:
        """The rule as it acts now."""
        demotion = self.demotion(rule)
        return rule if demotion is None else replace(rule, then=demotion.to)
