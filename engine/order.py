"""The order in which engines that share a stream take in what they read: each one's own order, and nobody far ahead.

Engines that catch up on a backlog would drift apart by hours: each reads as fast as it can, and what one of them reads
would be late for the windows of all. So what stands later in the stream waits for the others, until they have offered
what they have, or have nothing.
"""

from collections.abc import Mapping

from engine.core import Core
from engine.messages import Change, End, Offer, Rest, Turn

LEAD_MS = 1_000
"""So far ahead of an engine that has offered nothing new yet another may be, in the stream's time."""

_LONG_AGO = -(2**62)


class Order:
    """Gives turns to the offers of `count` engines."""

    def __init__(self, count: int) -> None:
        self._given = 0
        self._next = [0] * count
        self._stood_ms = [_LONG_AGO] * count
        self._resting = [-1] * count
        self._waiting: list[dict[int, int]] = [{} for _ in range(count)]
        self._ended = [False] * count

    def add(self, offer: Offer | End, core: Core) -> None:
        """An offer that has come; `core` tells where in the stream it stands."""
        pieces = offer.pieces if isinstance(offer, Offer) else ()
        stands_ms = core.stands_ms(pieces[0]) if pieces else _LONG_AGO
        self._waiting[offer.engine][offer.number] = stands_ms
        self._ended[offer.engine] |= isinstance(offer, End)

    def rest(self, rest: Rest) -> None:
        """An engine has nothing to offer at that number, as far as is known."""
        self._resting[rest.engine] = max(rest.number, self._resting[rest.engine])

    def give(self) -> Turn | None:
        """The next turn; None while it has to be waited for somebody."""
        heads = {
            engine: waiting[number]
            for engine, (waiting, number) in enumerate(zip(self._waiting, self._next, strict=True))
            if number in waiting
        }
        if not heads:
            return None
        engine = min(heads, key=heads.__getitem__)
        if any(self._is_behind(other, heads[engine]) for other in range(len(self._next)) if other not in heads):
            return None
        number = self._next[engine]
        del self._waiting[engine][number]
        self._stood_ms[engine] = max(self._stood_ms[engine], heads[engine])
        self._next[engine] += 1
        self._given += 1
        return Turn(self._given - 1, engine, number)

    def has_given(self, numbers: Mapping[int, int]) -> bool:
        """Whether each engine's offers before that number have had their turns, and none waits."""
        return not any(self._waiting) and all(self._next[engine] >= number for engine, number in numbers.items())

    def change(self, pack: str) -> Change:
        """The next turn is that of the change to a pack."""
        self._given += 1
        return Change(self._given - 1, pack)

    def _is_behind(self, engine: int, stands_ms: int) -> bool:
        """Whether an engine that has offered nothing new is to be waited for."""
        has_nothing = self._ended[engine] or self._resting[engine] == self._next[engine]
        return not has_nothing and stands_ms > self._stood_ms[engine] + LEAD_MS
