"""What every store promises."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

DECISION_EXPIRY_MS = 24 * 60 * 60 * 1000
"""How long a decision is found again, unless the store is told otherwise."""


class ListEntry(NamedTuple):
    """One value of a list: until when it counts (epoch milliseconds), who added it and why."""

    value: str
    expires_ms: int
    added_by: str
    reason: str


LIST_CHANGES_MAX = 100_000
"""So many of the latest changes of lists are kept."""


class ListChange(NamedTuple):
    """Who changed a list, when (epoch milliseconds), how and why. `expires_ms` is the added entry's, None for one that
    was removed.
    """

    at_ms: int
    name: str
    value: str
    did: Literal["added", "removed"]
    who: str
    why: str
    expires_ms: int | None


class Answer(NamedTuple):
    """What a store knew when it was asked.

    `decisions` are those recorded for the asked ids. `lists` maps each list to its values and the epoch milliseconds at
    which they end; when the store is out of reach they are the last known ones. `problem` says why it is out of reach.
    `profiles` has the asked facts of the asked users, as texts; what is not there, or out of reach, is left out.
    """

    decisions: Mapping[str, bytes]
    lists: Mapping[str, Mapping[str, int]]
    problem: str | None = None
    profiles: Mapping[str, Mapping[str, str]] = {}

    @property
    def reachable(self) -> bool:
        return self.problem is None


class Lists(Protocol):
    """Lists that analysts change, with a record of all changes. All methods raise OSError where it is out of reach."""

    @property
    def name(self) -> str:
        """Where the lists are, for messages; never holds a secret."""

    def list_names(self) -> tuple[str, ...]:
        """The lists that have an entry, or may have one, by name."""

    def list_entries(self, name: str) -> tuple[ListEntry, ...]:
        """The entries by value, those that have expired as well."""

    def add_to_list(self, name: str, entry: ListEntry, at_ms: int) -> None:
        """Adds the entry, or replaces the one with the same value, at a time in epoch milliseconds."""

    def remove_from_list(self, name: str, value: str, who: str, why: str, at_ms: int) -> bool:
        """Whether the value was in the list."""

    def list_changes(self) -> tuple[ListChange, ...]:
        """The latest changes, at most LIST_CHANGES_MAX, in the order in which they were made."""


class Store(Lists, Protocol):
    """Decisions by id, kept for a fixed time after they were recorded, lists, and facts about users.

    Used by one thread.
    """

    def exchange(
        self,
        asked: Sequence[str],
        decided: Sequence[tuple[str, bytes]],
        now_ms: int,
        users: Sequence[str] = (),
        facts: Sequence[str] = (),
    ) -> Answer:
        """Records `decided` and then looks up `asked`, and these facts of these users, in one round trip.

        Never raises when the store is out of reach.

        The first decision recorded for an id stands until it expires.
        """

    def set_profile(self, user: str, facts: Mapping[str, str]) -> None:
        """Adds facts about a user, or replaces those there are. Raises OSError when the store is out of reach."""

    def close(self) -> None:
        """Lets go of connections."""
