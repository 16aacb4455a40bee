"""Choices: of many variants of a rule, which are best within what is allowed, and which of them is the best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbench.variants import Counts


@dataclass(frozen=True, slots=True)
class Objective:
    """What is wanted of a variant, `gain`, and what it takes, `cost`.

    They are `money` in minor units, and the best has the most gain less cost; or they are counts, and the best has the
    most gain. `of` says what is counted, `names` what gain and cost are.
    """

    of: str
    gain: Callable[[Counts], int]
    cost: Callable[[Counts], int]
    money: bool
    names: tuple[str, str]

    def score(self, counts: Counts) -> int:
        return self.gain(counts) - (self.cost(counts) if self.money else 0)


OBJECTIVES: Mapping[str, Objective] = {
    "net-money": Objective(
        "money of the fraud that the rule hits, less money of the good transactions that it hits",
        lambda counts: counts.fraud_minor,
        lambda counts: counts.good_minor,
        True,
        ("money caught", "good money stopped"),
    ),
    "added-net-money": Objective(
        "the same where the rule changes what the other live rules decide",
        lambda counts: counts.deciding_fraud_minor,
        lambda counts: counts.deciding_good_minor,
        True,
        ("money caught by it alone", "good money stopped by it alone"),
    ),
    "fraud": Objective(
        "fraudulent transactions that the rule hits",
        lambda counts: counts.fraud,
        lambda counts: counts.hits,
        False,
        ("fraud caught", "hits"),
    ),
}
"""What can be wanted, by the names that the command line has for it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a variant may do at most, None for anything: hits a day, and good money, in minor units, in so many days."""

    alerts_a_day: float | None = None
    good_minor: int | None = None
    good_days: float = 1.0

    def keeps(self, counts: Counts, days: float) -> bool:
        """Whether a variant that did this in so many days keeps within them."""
        alerts, good = self.alerts_a_day, self.good_minor
        return (alerts is None or counts.hits <= alerts * days) and (
            good is None or counts.good_minor * self.good_days <= good * days
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Variants by their places: which are `within` the limits, and of these the `frontier` and the `best`.

    On the frontier are those of which none has more gain for the same cost or less; by rising cost, one of those that
    are alike. The best one is among them; it is None where none is within the limits.
    """

    within: tuple[bool, ...]
    frontier: tuple[int, ...]
    best: int | None


def choice_of(variants: Sequence[Counts], now: int, days: float, objective: Objective, limits: Limits) -> Choice:
    """What to choose of variants that did this in so many days.

    Of those that are equally good it is the one with the fewest hits; of these `now`, the place of the rule as it is,
    else the first.
    """
    within = tuple(limits.keeps(counts, days) for counts in variants)
    places = [at for at, allowed in enumerate(within) if allowed]
    best = max(places, key=lambda at: (objective.score(variants[at]), -variants[at].hits, at == now, -at), default=None)
    frontier: list[int] = []
    gains, costs = (list(map(each, variants)) for each in (objective.gain, objective.cost))
    for at in sorted(places, key=lambda at: (costs[at], -gains[at], variants[at].hits, at != now, at)):
        if not frontier or gains[at] > gains[frontier[-1]]:
            frontier.append(at)
    return Choice(within, tuple(frontier), best)
