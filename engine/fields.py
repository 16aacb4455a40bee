"""Fields: what events have, read event by event."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from schemas import Event


class Fields:
    """Reads the same fields of event after event."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._of: Callable[[Event], tuple[Any, ...]] = attrgetter(*names) if len(names) > 1 else self._if_there

    def of(self, events: Sequence[Event]) -> list[tuple[Any, ...]]:
        """For each event the value of each field; None where its type has no such field."""
        try:
            return list(map(self._of, events))
        except AttributeError:
            return list(map(self._if_there, events))

    def _if_there(self, event: Event) -> tuple[Any, ...]:
        return tuple([getattr(event, name, None) for name in self.names])
