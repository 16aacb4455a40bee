"""What a store remembers of events that came before, asked once a batch."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import msgspec

from flows.tally import Tally
from schemas import Decision
from stores import Store

UNRECORDED_MAX = 100_000
"""How many decisions wait while the store is away; then the oldest are given up, and counted."""

RECORDED_MAX = 2_048
"""How many of them one exchange records, so that it stays short after a long absence."""

Lists = Mapping[str, Mapping[str, int]]
Profiles = Mapping[str, Mapping[str, str]]

_decode_decision = msgspec.json.Decoder(Decision).decode


def as_duplicate(decision: bytes) -> bytes:
    """The recorded decision, marked as the answer to an event that came again. Raises MsgspecError."""
    return msgspec.json.encode(msgspec.structs.replace(_decode_decision(decision), duplicate=True))


class Recall:
    """Decisions made earlier and lists changed since, by way of a store that may be away.

    Each call asks for the ids of one batch and records the decisions of those before it. `lists` are the pack's own
    with the store's entries added; where both have a value, the store's expiry counts.
    """

    def __init__(
        self, store: Store, lists: Lists, now_ms: Callable[[], int], notify: Callable[[str], None], tally: Tally
    ) -> None:
        self.lists = lists
        self.profiles: Profiles = {}
        self._store = store
        self._pack_lists = lists
        self._store_lists: Lists = {}
        self._now_ms = now_ms
        self._notify = notify
        self._tally = tally
        self._unrecorded: dict[str, bytes] = {}
        self._problem: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether the store answered the last call."""
        return self._problem is None

    def ask(self, ids: Sequence[str], users: Sequence[str] = (), facts: Sequence[str] = ()) -> dict[str, bytes]:
        """What was decided for those ids before, marked as duplicates: empty bytes where no decision was due.

        `profiles` then has these facts of these users.
        """
        waiting = list(islice(self._unrecorded.items(), RECORDED_MAX))
        answer = self._store.exchange(ids, waiting, self._now_ms(), users, facts)
        self.profiles = answer.profiles
        known = {id_: self._unrecorded[id_] for id_ in ids if id_ in self._unrecorded}
        known.update(answer.decisions)
        if answer.reachable:
            for id_, _ in waiting:
                del self._unrecorded[id_]
        else:
            self._tally.judged_without_store += len(ids)
        if answer.lists is not self._store_lists:
            self._store_lists = answer.lists
            self._join_lists()
        self._note(answer.problem)
        return self._readable(known)

    def renew_lists(self, lists: Lists) -> None:
        """The pack's own lists are these from now on."""
        self._pack_lists = lists
        self._join_lists()

    def _join_lists(self) -> None:
        own, others = self._pack_lists, self._store_lists
        self.lists = {name: {**own.get(name, {}), **others.get(name, {})} for name in own.keys() | others.keys()}

    def record(self, decisions: Iterable[tuple[str, bytes]]) -> None:
        """Decisions to be found again, from the next call on."""
        self._unrecorded.update(decisions)
        while len(self._unrecorded) > UNRECORDED_MAX:
            del self._unrecorded[next(iter(self._unrecorded))]
            self._tally.unrecorded += 1

    def catch_up(self) -> None:
        """Records what waits, as far as the store takes it."""
        while self._unrecorded:
            self.ask(())
            if not self.reachable:
                return

    def close(self) -> None:
        """Records what waits and counts what cannot be."""
        self.catch_up()
        self._tally.unrecorded += len(self._unrecorded)
        self._store.close()

    def _readable(self, known: dict[str, bytes]) -> dict[str, bytes]:
        marked: dict[str, bytes] = {}
        for id_, decision in known.items():
            try:
                marked[id_] = as_duplicate(decision) if decision else b""
            except msgspec.MsgspecError as error:
                self._notify(f"decision `{id_}` in {self._store.name} cannot be read and is made anew: {error}")
        return marked

    def _note(self, problem: str | None) -> None:
        if problem is not None and self._problem is None:
            self._notify(f"store away: {problem}; decisions are degraded until it is back")
        elif problem is None and self._problem is not None:
            self._notify(f"store back: {self._store.name}")
        self._problem = problem
