"""Pruning: which live rules of a pack can go, and what each further one would cost, given those that stay.

A rule that hits much may decide nothing, since others hit the same; and of two that are alike, one can go but not both.
So rules are taken away one after the other, each looked at given those that are left, as in the greedy search of
D. Aparício, R. Barata, J. Bravo, J. T. Ascensão and P. Bizarro, ARMS: Automated rules management system for fraud
detection (2020), backwards from all rules.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import action_of
from schemas import ACTIONS
from workbench.measurement import View


class Loss(msgspec.Struct, frozen=True):
    """What is decided otherwise if rules go: mature transactions, with their money in minor units.

    `fraud_freed` is decided weaker, `good_stopped` stronger: that is the loss. `good_freed` is decided weaker, and
    `fraud_stopped` stronger: that is a gain. `unknown` ones are too young, or no transactions.
    """

    fraud_freed: int = 0
    fraud_freed_minor: int = 0
    good_stopped: int = 0
    good_stopped_minor: int = 0
    good_freed: int = 0
    good_freed_minor: int = 0
    fraud_stopped: int = 0
    fraud_stopped_minor: int = 0
    unknown: int = 0

    @property
    def is_none(self) -> bool:
        """Whether nothing is lost by it."""
        return self.fraud_freed == self.good_stopped == 0

    @property
    def net_minor(self) -> int:
        """The money lost less the money gained."""
        lost, gained = (
            self.fraud_freed_minor + self.good_stopped_minor,
            self.good_freed_minor + self.fraud_stopped_minor,
        )
        return lost - gained


_WEAKER, _STRONGER = 0, 1


class Remainder:
    """The live rules of a view while they go one after the other. Events that the same rules hit are counted together.

    Rules are numbers, places in `rules`.
    """

    def __init__(self, view: View) -> None:
        evaluation = view.evaluation
        self.rules = tuple(each.rule for each in evaluation.live)
        numbers, sets = evaluation.sets
        overridden = {named for rule in self.rules for named in rule.overrides}
        self._kinds = [r.id if r.overrides or r.id in overridden else r.then for r in self.rules]
        """Rules of one kind act alike: of those that hit, one decides as many do."""
        self._one_of = dict(zip(self._kinds, self.rules, strict=True))
        self._left = [set(each) for each in sets]
        self._counts = [Counter(self._kinds[number] for number in each) for each in sets]
        self._strengths: dict[frozenset[str], int] = {}
        self._all = np.array([self._strength(frozenset(each)) for each in self._counts], dtype=np.int64)
        self._now = self._all.copy()
        self._with = _places(sets, len(self.rules))
        self._figures = _figures(view, numbers, len(sets))
        self._losses: dict[int, Loss] = {}
        """What would be decided otherwise without some of the rules: it holds until one goes that hits the same."""

    @property
    def lost(self) -> Loss:
        """What is decided otherwise than with all rules."""
        return _loss(self._figures, self._all, self._now)

    def loss_without(self, number: int) -> Loss:
        """What would be decided otherwise than now if this rule went, too."""
        loss = self._losses.get(number)
        if loss is None:
            places = self._with[number]
            loss = _loss(self._figures[:, places], self._now[places], self._strengths_without(number))
            self._losses[number] = loss
        return loss

    def remove(self, number: int) -> None:
        """Lets a rule go."""
        places, kind = self._with[number], self._kinds[number]
        self._now[places] = self._strengths_without(number)
        for at in places.tolist():
            self._left[at].remove(number)
            counts = self._counts[at]
            counts[kind] -= 1
            if counts[kind] == 0:
                del counts[kind]
            if counts[kind] <= 1:
                for other in self._left[at]:
                    self._losses.pop(other, None)

    def _strengths_without(self, number: int) -> NDArray[np.int64]:
        """How strong the actions become where the rule hits, if it goes."""
        kind = self._kinds[number]
        left = [
            frozenset(each for each, count in self._counts[at].items() if each != kind or count > 1)
            for at in self._with[number].tolist()
        ]
        return np.array([self._strength(kinds) for kinds in left], dtype=np.int64)

    def _strength(self, kinds: frozenset[str]) -> int:
        """How strong the action is where rules of these kinds hit."""
        found = self._strengths.get(kinds)
        if found is None:
            action = action_of([self._one_of[kind] for kind in sorted(kinds)])
            found = self._strengths[kinds] = ACTIONS.index(action)
        return found


def _places(sets: Sequence[Sequence[int]], rules: int) -> list[NDArray[np.intp]]:
    """For each rule which of the sets it is in."""
    places: list[list[int]] = [[] for _ in range(rules)]
    for at, hit in enumerate(sets):
        for number in hit:
            places[number].append(at)
    return [np.array(each, dtype=np.intp) for each in places]


def _figures(view: View, numbers: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """What a Loss counts of the events of each set of rules, if they are decided weaker and if stronger.

    int64[2, sets, figures].
    """
    truth = view.truth
    columns = []
    for mask in (truth.fraud, truth.good):
        money = np.bincount(numbers[mask], weights=view.amount_minor[mask].astype(np.float64), minlength=count)
        columns += [np.bincount(numbers[mask], minlength=count), money.astype(np.int64)]
    unknown = np.bincount(numbers[~truth.fraud & ~truth.good], minlength=count)
    fraud, fraud_minor, good, good_minor = columns
    none = np.zeros(count, dtype=np.int64)
    weaker = [fraud, fraud_minor, none, none, good, good_minor, none, none, unknown]
    stronger = [none, none, good, good_minor, none, none, fraud, fraud_minor, unknown]
    return np.array([np.stack(weaker, axis=1), np.stack(stronger, axis=1)])


def _loss(figures: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]) -> Loss:
    """What is counted where actions become weaker or stronger; figures are int64[2, sets, figures]."""
    weaker, stronger = figures[_WEAKER, after < before].sum(axis=0), figures[_STRONGER, after > before].sum(axis=0)
    return Loss(*(weaker + stronger).tolist())


class Removal(NamedTuple):
    """A live rule by its number, and what is decided otherwise without it, in the first period and in the last."""

    number: int
    first: Loss
    last: Loss


class Pruned(NamedTuple):
    """Rules that are `going` one after the other, each with its loss given those that were left then.

    `staying` ones would each go at a loss in one of the periods, given that the others are gone. `first` and `last` are
    what all that are going change together.
    """

    going: list[Removal]
    staying: list[Removal]
    first: Loss
    last: Loss


def pruned(first: View, last: View, candidates: Sequence[int]) -> Pruned:
    """Which of the candidates, numbers of live rules, can go.

    Of those that can go without loss in the first period it is always the one that gains the most money there, then
    the one with the fewest hits, then the last one; it stays if something is lost in the last period.
    """
    remainders, left = (Remainder(first), Remainder(last)), list(candidates)
    hits = [len(each.hits) for each in first.evaluation.live]
    going, refused = list[Removal](), set[int]()

    def removal(number: int) -> Removal:
        return Removal(number, *(each.loss_without(number) for each in remainders))

    def order(number: int) -> tuple[int, int, int, int, int]:
        loss = remainders[0].loss_without(number)
        return loss.net_minor, loss.fraud_freed, loss.good_stopped, hits[number], -number

    while free := [each for each in left if each not in refused and remainders[0].loss_without(each).is_none]:
        chosen = removal(min(free, key=order))
        if chosen.last.is_none:
            for each in remainders:
                each.remove(chosen.number)
            left.remove(chosen.number)
            going.append(chosen)
        else:
            refused.add(chosen.number)
    staying = [removal(number) for number in sorted(left, key=order)]
    return Pruned(going, staying, *(each.lost for each in remainders))
