"""Where a score lies among the recent ones, so that thresholds outlive a drift of the scores."""

from collections.abc import Sequence
from math import fsum
from operator import add

import msgspec

BINS = 1024
GROUP = 32
"""So many bins have a common sum."""

LIFETIME = 200_000
"""After so many scores each older one counts half."""

SETTLED = 500
"""There is no quantile before so many scores."""


_decode_state = msgspec.msgpack.Decoder(tuple[int, float, list[float], list[float]]).decode


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

    def state(self) -> bytes:
        """All that was learnt."""
        return msgspec.msgpack.encode((self._since_halving, self._total, self._groups, self._bins))

    def adopt(self, states: Sequence[bytes]) -> None:
        """Takes over what was learnt in one place or in several. Raises msgspec.MsgspecError."""
        for since_halving, total, groups, bins in map(_decode_state, states):
            if (len(groups), len(bins)) != (BINS // GROUP, BINS):
                raise msgspec.ValidationError(f"expected {BINS} bins in groups of {GROUP}")
            self._since_halving = max(self._since_halving, since_halving)
            self._total += total
            self._groups = list(map(add, self._groups, groups))
            self._bins = list(map(add, self._bins, bins))

    def _bin(self, score: float) -> int:
        at = int((score - self._low) * self._scale)
        return 0 if at < 0 else BINS - 1 if at >= BINS else at
