"""When things happen: the rhythm of the day, waves of promotions, the launch of a game."""

from itertools import accumulate
from random import Random
from typing import NamedTuple

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

START_MS = 1_772_380_800_000
"""2026-03-02T00:00:00+08:00, a Monday."""

QUIET_DAYS = 3
"""No fraud is planted before: a gate needs some history to know who is who."""

_HOURS = tuple(accumulate((18, 10, 6, 4, 3, 3, 6, 14, 22, 26, 30, 36, 48, 40, 32, 32, 34, 38, 46, 58, 70, 74, 62, 38)))
_WEEKEND_MOOD = 1.3
_PROMOTION_EVERY_DAYS = 4
_PROMOTION_DAYS = 2
_PROMOTION_MOOD = 1.4


class Promotion(NamedTuple):
    """A discount on game points, from a first day until before an end day."""

    id: str
    first_day: int
    end_day: int


class Calendar:
    """The plan of a simulation of `days` days; days count from 0."""

    def __init__(self, rng: Random, days: int) -> None:
        self.days = days
        self.launch_day = rng.randrange(QUIET_DAYS, days)
        self._promotions = [
            Promotion(f"promo_{day:03}", day, min(day + _PROMOTION_DAYS, days))
            for day in range(1, days, _PROMOTION_EVERY_DAYS)
        ]

    def promotion(self, day: int) -> Promotion | None:
        """What runs on `day`, if anything."""
        for promotion in self._promotions:
            if promotion.first_day <= day < promotion.end_day:
                return promotion
        return None

    def latest_promotion(self, day: int) -> Promotion:
        """What runs on `day`, or ran last before it, or runs first."""
        return max((p for p in self._promotions if p.first_day <= day), default=self._promotions[0])

    def mood(self, day: int) -> float:
        """How much more than usual people play on `day`: 1 on a plain weekday."""
        weekend = _WEEKEND_MOOD if day % 7 in (5, 6) else 1.0
        return weekend * (_PROMOTION_MOOD if self.promotion(day) else 1.0)


def day_start(day: int) -> int:
    return START_MS + day * DAY_MS


def waking_moment(rng: Random, day: int) -> int:
    """A time of `day` in epoch milliseconds, likelier in the evening than at dawn."""
    hour = rng.choices(range(24), cum_weights=_HOURS)[0]
    return day_start(day) + hour * HOUR_MS + rng.randrange(HOUR_MS)
