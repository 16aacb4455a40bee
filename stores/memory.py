"""A store inside the process, gone with it."""

from collections import deque
from collections.abc import Mapping, Sequence

from stores.protocol import DECISION_EXPIRY_MS, LIST_CHANGES_MAX, Answer, ListChange, ListEntry

DECISIONS_MAX = 1_000_000
"""How many decisions are kept unless told otherwise; the oldest make room."""


class MemoryStore:
    """Keeps at most `decisions_max` decisions, each for `expiry_ms` on the clock that `exchange` is told."""

    def __init__(self, expiry_ms: int = DECISION_EXPIRY_MS, decisions_max: int = DECISIONS_MAX) -> None:
        self._expiry_ms = expiry_ms
        self._decisions_max = decisions_max
        self._decisions: dict[str, tuple[int, bytes]] = {}
        self._entries: dict[str, dict[str, ListEntry]] = {}
        self._lists: dict[str, dict[str, int]] = {}
        self._profiles: dict[str, dict[str, str]] = {}
        self._changes: deque[ListChange] = deque(maxlen=LIST_CHANGES_MAX)

    @property
    def name(self) -> str:
        return "memory:"

    def exchange(
        self,
        asked: Sequence[str],
        decided: Sequence[tuple[str, bytes]],
        now_ms: int,
        users: Sequence[str] = (),
        facts: Sequence[str] = (),
    ) -> Answer:
        self._expire(now_ms)
        kept = self._decisions
        for id_, decision in decided:
            kept.setdefault(id_, (now_ms + self._expiry_ms, decision))
        while len(kept) > self._decisions_max:
            del kept[next(iter(kept))]
        profiles = {
            user: {fact: self._profiles[user][fact] for fact in facts if fact in self._profiles[user]}
            for user in users
            if user in self._profiles
        }
        return Answer({id_: kept[id_][1] for id_ in asked if id_ in kept}, self._lists, profiles=profiles)

    def _expire(self, now_ms: int) -> None:
        """Decisions lie in the order in which they were recorded, which is the order in which they expire."""
        kept = self._decisions
        while kept:
            oldest = next(iter(kept))
            if kept[oldest][0] > now_ms:
                return
            del kept[oldest]

    def list_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._lists))

    def add_to_list(self, name: str, entry: ListEntry, at_ms: int) -> None:
        self._entries.setdefault(name, {})[entry.value] = entry
        self._note(ListChange(at_ms, name, entry.value, "added", entry.added_by, entry.reason, entry.expires_ms))

    def remove_from_list(self, name: str, value: str, who: str, why: str, at_ms: int) -> bool:
        found = self._entries.get(name, {}).pop(value, None) is not None
        if found:
            self._note(ListChange(at_ms, name, value, "removed", who, why, None))
        return found

    def _note(self, change: ListChange) -> None:
        self._changes.append(change)
        self._publish()

    def list_changes(self) -> tuple[ListChange, ...]:
        return tuple(self._changes)

    def _publish(self) -> None:
        """Answers that were given keep the lists as they were."""
        self._lists = {
            name: {entry.value: entry.expires_ms for entry in entries.values()}
            for name, entries in self._entries.items()
            if entries
        }

    def list_entries(self, name: str) -> tuple[ListEntry, ...]:
        return tuple(sorted(self._entries.get(name, {}).values()))

    def set_profile(self, user: str, facts: Mapping[str, str]) -> None:
        self._profiles.setdefault(user, {}).update(facts)

    def close(self) -> None:
        self._decisions.clear()
