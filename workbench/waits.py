"""Waits: what became of those of a history, for rules that are decided when something has not come.

Each that was over is a row with the fields of the event that began it, so that all that is measured of hits can be
measured of waits that were in vain.
"""

import numpy as np
from numpy.typing import NDArray

from rules import Pack
from workbench.evaluation import Evaluation, Outcome, Places
from workbench.feature_table import FeatureTable
from workbench.measurement import View


def evaluate_waits(pack: Pack, table: FeatureTable) -> Evaluation:
    """What the rules of the pack that wait hit of a table of waits."""
    rules, in_vain = table.events["rule"], table.events["in_vain"].to_numpy()
    nowhere: Places = np.empty(0, dtype=np.intp)
    outcomes = []
    decided = np.zeros(len(table), dtype=np.bool_)
    for rule in pack.rules:
        own = (rules == rule.id).to_numpy() if rule.absence else np.zeros(len(table), dtype=np.bool_)
        outcomes.append(Outcome(rule, np.flatnonzero(own & in_vain), nowhere, nowhere, int(own.sum()), ()))
        if rule.mode != "off":
            decided |= own & in_vain
    return Evaluation(pack, len(table), tuple(outcomes), decided)


class WaitView(View):
    """A history's waits under one pack: each that was in vain is a decision of its own rule alone."""

    def judged_by(self, outcome: Outcome) -> NDArray[np.bool_]:
        """The rule's own waits, bool[n]."""
        return (self.table.events["rule"] == outcome.rule.id).to_numpy()

    def decided_if_turned(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Which waits are decided if a live rule is off, or another one live, bool[n]."""
        decided = self.evaluation.decided.copy()
        decided[outcome.hits] = outcome.rule.mode != "live"
        return decided
