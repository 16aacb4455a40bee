"""The account of a run: which planted fraud was stopped, and which honest transactions were stopped by mistake."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas import Action, Decision, Event, Transaction
from simulator.labels import KINDS, Kind, Label

STOPPING: frozenset[Action] = frozenset(("block", "step_up"))
"""The actions that keep a fraudster from the goods: a thief does not pass the second proof of identity."""


@dataclass(slots=True)
class Outcome:
    """What was decided about the transactions of one kind of fraud, or of honest people; money in minor units."""

    transactions: Counter[Action] = field(default_factory=Counter)
    money_minor: Counter[Action] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.transactions.total()

    @property
    def stopped(self) -> int:
        return sum(self.transactions[action] for action in STOPPING)

    @property
    def total_minor(self) -> int:
        return self.money_minor.total()

    @property
    def stopped_minor(self) -> int:
        return sum(self.money_minor[action] for action in STOPPING)


class Scores:
    """Compares decisions with the truth about `entries`, the events of a simulation with their labels.

    What gets no decision at all counts as allowed: nobody stopped it.
    """

    def __init__(self, entries: Iterable[tuple[Event, Label | None]]) -> None:
        self.honest = Outcome()
        self.fraud: dict[Kind, Outcome] = {kind: Outcome() for kind in KINDS}
        self.mistakes: Counter[str] = Counter()
        """Honest transactions stopped, by the rules that hit them."""
        self._cases: dict[Kind, set[str]] = defaultdict(set)
        self._stopped_cases: dict[Kind, set[str]] = defaultdict(set)
        self._truth: dict[str, tuple[Label | None, int]] = {}
        for event, label in entries:
            if isinstance(event, Transaction):
                self._truth[event.transaction_id] = label, event.amount_minor
                self._outcome(label).transactions["allow"] += 1
                self._outcome(label).money_minor["allow"] += event.amount_minor
                if label is not None:
                    self._cases[label.kind].add(label.case)

    def cases(self, kind: Kind) -> tuple[int, int]:
        """How many cases of a kind were planted, and in how many a transaction was stopped."""
        return len(self._cases[kind]), len(self._stopped_cases[kind])

    def record(self, decision: Decision) -> None:
        """Takes in one decision; one about an event that moves no money is not counted."""
        if decision.action == "allow" or decision.transaction_id not in self._truth:
            return
        label, amount_minor = self._truth[decision.transaction_id]
        outcome = self._outcome(label)
        outcome.transactions["allow"] -= 1
        outcome.transactions[decision.action] += 1
        outcome.money_minor["allow"] -= amount_minor
        outcome.money_minor[decision.action] += amount_minor
        if decision.action not in STOPPING:
            return
        if label is None:
            self.mistakes.update(decision.rules)
        else:
            self._stopped_cases[label.kind].add(label.case)

    def _outcome(self, label: Label | None) -> Outcome:
        return self.honest if label is None else self.fraud[label.kind]
