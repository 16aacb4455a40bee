"""Answers that were given, for events that come again."""

from collections.abc import Iterable

_PACK = '"pack":'
"""Begins the last field of a decision."""


class Answers:
    """The tail of each admitted event's decision by its serial, None where none was due.

    Tails without values are the composer's own texts and shared by all events that have them.
    """

    def __init__(self) -> None:
        self._first = 0
        self._tails: list[str | None] = []

    def keep(self, tails: Iterable[str | None]) -> None:
        """Those of the next serials."""
        self._tails.extend(tails)

    def of(self, serial: int) -> str | None:
        """The tail of the event `serial`, marked as the answer to a repetition."""
        tail = self._tails[serial - self._first]
        if tail is None:
            return None
        at = tail.rindex(_PACK)
        return f'{tail[:at]}"duplicate":true,{tail[at:]}'

    def forget(self, repeatable: int) -> None:
        """Nobody will ask for a serial below `repeatable` any more."""
        passed = repeatable - self._first
        if 2 * passed > len(self._tails):
            del self._tails[:passed]
            self._first = repeatable
