"""What a detector is: river's contract of `score_one` and `learn_one`, score always before learn."""

from collections.abc import Mapping, Sequence
from typing import Protocol

Facts = Mapping[str, float | str | bool | None]
"""One event as a detector sees it: the fields it reads, absent or None where missing. Money is in minor units."""


class Detector(Protocol):
    """Scores an event by what it has learnt from earlier ones. Deterministic, picklable, bounded in memory.

    Its state is plain bytes, so that it can be kept where nobody would trust a pickle.
    """

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

    def state(self) -> bytes:
        """All that it has learnt."""
        ...

    def adopt(self, states: Sequence[bytes]) -> None:
        """Takes over, while it has learnt nothing itself, what others of its kind had; several shared one stream.

        Raises msgspec.MsgspecError where a state cannot be read.
        """
        ...
