"""Own baseline: how far an amount lies from what the same key usually spends."""

from collections.abc import Sequence
from math import log1p, sqrt
from sys import float_info

import msgspec

from detectors.contract import Facts

Z_MAX = 10.0
"""Scores are cut to this at both ends."""

STEP_MAX = 4.0
"""A value moves the baseline by so many of its deviations at the most, so that one event teaches little."""

DEVIATION_MIN = 0.1
"""The least deviation: who always pays the same is not alarmed by a tenth more."""

KEYS_MAX = 1_000_000
"""Beyond so many keys, the one that learnt longest ago is forgotten."""

VALUE_MAX = float_info.max
"""The largest value that is looked at; an integer can be larger."""

_UNKNOWN = (0, 0.0, 0.0)

_decode_known = msgspec.msgpack.Decoder(dict[str, tuple[int, float, float]]).decode


class OwnBaseline:
    """The z-score of log(1 + value) against the key's exponentially weighted mean and deviation.

    `half_life` and `warm_up` are numbers of events; there is no score before `warm_up` events of the key. The weighted
    mean and variance are updated incrementally (Finch, Incremental calculation of weighted mean and variance, 2009,
    section 9), with plain averages until the weights reach their half-life.

    >>> own = OwnBaseline("user_id", "amount", half_life=30, warm_up=2)
    >>> for amount in (600, 680, 600, 640):
    ...     own.learn_one({"user_id": "u1", "amount": amount})
    >>> own.score_one({"user_id": "u1", "amount": 64_800})
    10.0
    """

    def __init__(self, by: str, of: str, half_life: int, warm_up: int = 10) -> None:
        self.reads = (by, of)
        self._by = by
        self._of = of
        self._weight = 1 - 2 ** (-1 / half_life)
        self._warm_up = warm_up
        self._known: dict[str, tuple[int, float, float]] = {}

    def score_one(self, x: Facts) -> float | None:
        seen = self._read(x)
        if seen is None:
            return None
        key, height = seen
        count, mean, variance = self._known.get(key, _UNKNOWN)
        if count < self._warm_up:
            return None
        z = (height - mean) / _deviation(variance)
        return Z_MAX if z > Z_MAX else -Z_MAX if z < -Z_MAX else z

    def learn_one(self, x: Facts) -> None:
        seen = self._read(x)
        if seen is None:
            return
        key, height = seen
        count, mean, variance = self._known.pop(key, _UNKNOWN)
        step = height - mean
        if count >= self._warm_up:
            most = STEP_MAX * _deviation(variance)
            step = most if step > most else -most if step < -most else step
        weight = max(self._weight, 1 / (count + 1))
        self._known[key] = count + 1, mean + weight * step, (1 - weight) * (variance + weight * step * step)
        if len(self._known) > KEYS_MAX:
            del self._known[next(iter(self._known))]

    def state(self) -> bytes:
        return msgspec.msgpack.encode(self._known)

    def adopt(self, states: Sequence[bytes]) -> None:
        """Where several have a key, whoever learnt more of it is right."""
        for state in states:
            for key, learnt in _decode_known(state).items():
                if learnt[0] > self._known.get(key, _UNKNOWN)[0]:
                    self._known.pop(key, None)
                    self._known[key] = learnt
        while len(self._known) > KEYS_MAX:
            del self._known[next(iter(self._known))]

    def _read(self, x: Facts) -> tuple[str, float] | None:
        """The key and log(1 + value); None where one is missing, or the value is negative or not finite."""
        key, value = x.get(self._by), x.get(self._of)
        if not isinstance(key, str) or not isinstance(value, (int, float)) or not 0 <= value <= VALUE_MAX:
            return None
        return key, log1p(value)


def _deviation(variance: float) -> float:
    deviation = sqrt(variance)
    return deviation if deviation > DEVIATION_MIN else DEVIATION_MIN
