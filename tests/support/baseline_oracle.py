"""Naive counterparts of the detectors' arithmetic: all values are kept, and everything is computed from them anew."""

from math import log1p, sqrt


class BaselineOracle:
    """One key's weighted mean and deviation by their definition, from every value it has learnt."""

    def __init__(self, half_life: int, warm_up: int) -> None:
        self.least_weight = 1 - 0.5 ** (1 / half_life)
        self.warm_up = warm_up
        self.heights: list[float] = []

    def moments(self) -> tuple[float, float]:
        """Mean and deviation: each value has its share, and every later one shrinks it."""
        shares: list[float] = []
        for number in range(1, len(self.heights) + 1):
            own = max(self.least_weight, 1 / number)
            shares = [share * (1 - own) for share in shares] + [own]
        mean = sum(share * height for share, height in zip(shares, self.heights, strict=True))
        variance = sum(share * (height - mean) ** 2 for share, height in zip(shares, self.heights, strict=True))
        return mean, max(sqrt(variance), 0.1)

    def score(self, value: float) -> float | None:
        if len(self.heights) < self.warm_up:
            return None
        mean, deviation = self.moments()
        return max(-10.0, min(10.0, (log1p(value) - mean) / deviation))

    def learn(self, value: float) -> None:
        height = log1p(value)
        if len(self.heights) >= self.warm_up:
            mean, deviation = self.moments()
            height = max(mean - 4 * deviation, min(mean + 4 * deviation, height))
        self.heights.append(height)


class RankOracle:
    """Every score with its weight; `lifetime` scores later it weighs half."""

    def __init__(self, low: float, high: float, bins: int, settled: float, lifetime: int) -> None:
        self.low, self.high, self.bins = low, high, bins
        self.settled, self.lifetime = settled, lifetime
        self.learnt: list[int] = []

    def learn(self, score: float) -> None:
        self.learnt.append(self.bin_of(score))

    def quantile(self, score: float) -> float | None:
        halvings = len(self.learnt) // self.lifetime
        weights = [0.5 ** (halvings - number // self.lifetime) for number in range(len(self.learnt))]
        if sum(weights) < self.settled:
            return None
        at = self.bin_of(score)
        below = sum(weight for each, weight in zip(self.learnt, weights, strict=True) if each < at)
        beside = sum(weight for each, weight in zip(self.learnt, weights, strict=True) if each == at)
        return (below + beside / 2) / sum(weights)

    def bin_of(self, score: float) -> int:
        width = (self.high - self.low) / self.bins
        return max(0, min(self.bins - 1, int((score - self.low) / width)))
