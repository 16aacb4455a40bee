"""Where a score lies among the recent ones, so that thresholds outlive a drift of the scores."""

BINS = 1024
LIFETIME = 200_000
"""After so many scores each older one counts half."""

SETTLED = 500
"""There is no quantile before so many scores."""


class ScoreRanks:
    """A decaying histogram of scores between `low` and `high`, as a Fenwick tree.

    Source: Fenwick, A new data structure for cumulative frequency tables, 1994.
    """

    def __init__(self, low: float, high: float) -> None:
        self._low = low
        self._scale = BINS / (high - low)
        self._tree = [0.0] * (BINS + 1)
        self._total = 0.0
        self._since_halving = 0

    def quantile(self, score: float) -> float | None:
        """The share of recent scores below this one, those in its own bin counted half; None until settled."""
        if self._total < SETTLED:
            return None
        at = self._bin(score)
        return (self._below(at) + self._below(at + 1)) / (2 * self._total)

    def learn(self, score: float) -> None:
        at = self._bin(score) + 1
        while at <= BINS:
            self._tree[at] += 1
            at += at & -at
        self._total += 1
        self._since_halving += 1
        if self._since_halving == LIFETIME:
            self._tree = [count / 2 for count in self._tree]
            self._total /= 2
            self._since_halving = 0

    def _bin(self, score: float) -> int:
        return max(0, min(BINS - 1, int((score - self._low) * self._scale)))

    def _below(self, at: int) -> float:
        total = 0.0
        while at > 0:
            total += self._tree[at]
            at &= at - 1
        return total
