"""Where a score lies among the recent ones, so that thresholds outlive a drift of the scores."""

from math import fsum

BINS = 1024
GROUP = 32
"""So many bins have a common sum."""

LIFETIME = 200_000
"""After so many scores each older one counts half."""

SETTLED = 500
"""There is no quantile before so many scores."""


class ScoreRanks:
    """A decaying histogram of scores between `low` and `high`, with sums over groups of bins.

    A score is learnt in two additions; a quantile sums at most two short lists, without rounding errors.
    """

    def __init__(self, low: float, high: float) -> None:
        self._low = low
        self._scale = BINS / (high - low)
        self._bins = [0.0] * BINS
        self._groups = [0.0] * (BINS // GROUP)
        self._total = 0.0
        self._since_halving = 0

    def quantile(self, score: float) -> float | None:
        """The share of recent scores below this one, those in its own bin counted half; None until settled."""
        if self._total < SETTLED:
            return None
        at = self._bin(score)
        group = at // GROUP
        below = fsum(self._groups[:group]) + fsum(self._bins[group * GROUP : at])
        return (below + self._bins[at] / 2) / self._total

    def learn(self, score: float) -> None:
        at = self._bin(score)
        self._bins[at] += 1
        self._groups[at // GROUP] += 1
        self._total += 1
        self._since_halving += 1
        if self._since_halving == LIFETIME:
            self._bins = [count / 2 for count in self._bins]
            self._groups = [count / 2 for count in self._groups]
            self._total /= 2
            self._since_halving = 0

    def _bin(self, score: float) -> int:
        at = int((score - self._low) * self._scale)
        return 0 if at < 0 else BINS - 1 if at >= BINS else at
