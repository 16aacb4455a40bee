"""Answers that were given, for events that come again."""

from collections.abc import Sequence
from typing import cast

_PACK = '"pack":'
"""Begins the last field of a decision."""


class Answers:
    """The tail of each admitted event's decision by its serial, None where none was due.

    Tails without values are the composer's own texts and shared by all events that have them. Where several engines
    share a stream, each keeps the tails of its own events, and of the others' who has them.
    """

    def __init__(self) -> None:
        self._first = 0
        self._tails: list[str | int | None] = []

    def expect(self, engine: int, count: int) -> None:
        """Of the next serials the engine of that number will have the tails."""
        self._tails.extend([engine] * count)

    def keep(self, first: int, tails: Sequence[str | None]) -> None:
        """Those of the serials from `first` on, which are the next ones or were expected."""
        at = first - self._first
        self._tails[at : at + len(tails)] = tails

    def holder(self, serial: int) -> int | None:
        """The engine that has the tail, or will have it; None where it is here."""
        tail = self._tails[serial - self._first]
        return tail if isinstance(tail, int) else None

    def of(self, serial: int) -> str | None:
        """The tail of the event `serial`, which must be here."""
        return cast("str | None", self._tails[serial - self._first])

    def forget(self, repeatable: int) -> None:
        """Nobody will ask for a serial below `repeatable` any more."""
        passed = repeatable - self._first
        if 2 * passed > len(self._tails):
            del self._tails[:passed]
            self._first = repeatable


def repeated(tail: str) -> str:
    """The tail marked as the answer to a repetition."""
    at = tail.rindex(_PACK)
    return f'{tail[:at]}"duplicate":true,{tail[at:]}'
