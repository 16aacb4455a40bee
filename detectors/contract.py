"""What a detector is: river's contract of `score_one` and `learn_one`, score always before learn."""

from collections.abc import Mapping
from typing import Protocol

Facts = Mapping[str, float | str | bool | None]
"""One event as a detector sees it: the fields it reads, absent or None where missing. Money is in minor units."""


class Detector(Protocol):
    """Scores an event by what it has learnt from earlier ones. Deterministic, picklable, bounded in memory."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields it looks at."""
        ...

    def score_one(self, x: Facts) -> float | None:
        """How odd the event is, more is odder; None while too little has been learnt or a field is missing."""
        ...

    def learn_one(self, x: Facts) -> None:
        """Takes the event for normal."""
        ...
