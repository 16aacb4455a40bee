"""Renewal: a run watches the source of its pack and changes to what is in it, between two batches.

Reading, checking and compiling is the work of another thread. The stream only exchanges the one for the other.
"""

import sys
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import Event, Thread
from typing import NamedTuple, Protocol

from engine import Member, Outfit, Renewal, obstacle
from flows.pack_sources import PackAwayError, PackSource
from flows.tally import Tally
from rules import Finding, Pack
from rules.findings import render

LOOK_EVERY_S = 0.5
"""What has changed is read once it was the same in two looks, so that nobody reads what is half written."""

SWITCH_S = 0.0005
"""While a pack is read, so long at most the stream waits for its turn with the interpreter."""

GROW_S = 0.002
"""New windows grow for about so long between two batches."""

GAIN = 1.25
"""They grow by so many times what came meanwhile at least: a stream at full speed must be caught up with."""

NAMED_MAX = 5

Lists = Mapping[str, Mapping[str, int]]


class Renewable(Protocol):
    """What a watch asks of `engine.Engine`."""

    @property
    def pack(self) -> Pack: ...

    def renewal(self, pack: Pack) -> Renewal: ...

    def grow(self, renewal: Renewal) -> int: ...

    def is_current(self, renewal: Renewal) -> bool: ...

    def change(self, renewal: Renewal) -> Outfit: ...

    @property
    def released(self) -> tuple[str, ...]: ...


class _Found(NamedTuple):
    """What a look has found: a renewal to change to, or why there is none, in a line and at length.

    Without either it is the pack that is in force. `changes` says what is new against the pack that was in force then.
    """

    renewal: Renewal | None
    refusal: str = ""
    findings: str = ""
    worn: Pack | None = None
    changes: str = ""


class PackWatch:
    """Watches the source of the pack that `engine` decides with.

    It had the marks `seen` when it was read. `look` is called by a thread, `apply` between two batches.
    `refuse` says why this run cannot change to a pack, if it cannot; `renew_lists` hears what the pack's lists hold
    from then on. An engine that is a `member` of several changes when all of them can, and by that.
    """

    def __init__(
        self,
        source: PackSource,
        seen: Hashable,
        engine: Renewable,
        refuse: Callable[[Pack], str | None],
        renew_lists: Callable[[Lists], None],
        notify: Callable[[str], None],
        tally: Tally,
        member: Member | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._member = member
        self._in_force = engine.pack
        self._seen = self._last = seen
        self._engine = engine
        self._refuse = refuse
        self._renew_lists = renew_lists
        self._notify = notify
        self._tally = tally
        self._monotonic = monotonic
        self.refusal = ""
        """Why what the source holds now is not in force, if it is not."""
        self._found: _Found | None = None
        self._growing: _Found | None = None
        self._events = 0
        self._worn: tuple[Outfit, Renewal] | None = None
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="pack", daemon=True)

    @property
    def pack(self) -> str:
        """The version of the pack that is in force."""
        return self._engine.pack.version

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the watch; a pack that is being read is not waited for."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        """Reads the pack if it has changed, and is the same as at the last look."""
        self._worn = None  # what was exchanged is let go of here, where the stream does not wait for it
        marks = self._source.marks()
        settled, self._last = marks == self._last, marks
        if marks == self._seen or not settled:
            return
        self._seen = marks
        usual_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            self._found = self._read()
        finally:
            sys.setswitchinterval(usual_s)

    def _read(self) -> _Found:
        try:
            loaded = self._source.read()
        except PackAwayError as error:
            return _Found(None, str(error))
        if loaded.pack is None:
            return _refused(loaded.findings)
        worn = self._engine.pack
        if loaded.pack.hash == worn.hash:
            return _Found(None)
        reason = obstacle(worn, loaded.pack) or self._refuse(loaded.pack)
        if reason is not None:
            return _Found(None, reason)
        return _Found(self._engine.renewal(loaded.pack), worn=worn, changes=_changes(worn, loaded.pack))

    def apply(self) -> None:
        """Changes to what was found, if anything was, and tells of it. To be called between two batches.

        Windows that must grow first do so a little at each call; what comes meanwhile is decided as before.
        """
        if self._member is not None:
            self._apply_together(self._member)
            return
        if self._found is not None:
            self._take_note(self._found)
            self._found = None
        if self._growing is None or self._growing.renewal is None:
            return
        found, renewal = self._growing, self._growing.renewal
        until_s, least = self._monotonic() + GROW_S, GAIN * (self._tally.events - self._events)
        self._events = self._tally.events
        while taken := self._engine.grow(renewal):
            least -= taken
            if least <= 0 and self._monotonic() >= until_s:
                return
        self._growing = None
        self._worn = self._engine.change(renewal), renewal
        self._tell_change(found.changes if found.worn is self._in_force else None)

    def _apply_together(self, member: Member) -> None:
        """Tells of a change if all have made one, and proposes what was found."""
        if self._engine.pack is not self._in_force:
            self._tell_change(None)
        if self._found is not None and not member.is_holding:
            self._take_note(self._found)
            member.propose(self._found.renewal)
            self._found = self._growing = None

    def _take_note(self, found: _Found) -> None:
        version, source = self._engine.pack.version, self._source.name
        if found.renewal is not None:
            if self._engine.is_current(found.renewal):
                self._growing, self._events = found, self._tally.events
            else:  # it was made for windows that have been changed since
                self._seen = object()
            return
        self._growing = None
        if found.refusal:
            self._tally.packs_refused += 1
            told = f"refused what `{source}` holds now, {version} stays in force: {found.refusal}"
            self._notify(f"{told}\n{found.findings}" if found.findings else told)
        elif self.refusal:
            self._notify(f"{version} is what `{source}` holds again")
        self.refusal = found.refusal

    def _tell_change(self, changes: str | None) -> None:
        """Another pack is in force; what is new in it is found out here where that is not known."""
        worn, pack = self._in_force, self._engine.pack
        self._in_force = pack
        self._renew_lists(pack.entries_by_list)
        self._tally.packs_taken += 1
        self.refusal = ""
        self._notify(
            f"{pack.version} is in force from here on, after {worn.version}: {changes or _changes(worn, pack)}"
        )
        if self._engine.released:
            self._notify(told_of_release(self._engine.released))


def told_of_release(rules: Sequence[str]) -> str:
    """That rules which had been demoted act as they say again."""
    return f"no longer demoted, since they were changed: {_listing(list(rules))}"


def _refused(findings: Sequence[Finding]) -> _Found:
    errors = [finding for finding in findings if finding.severity == "error"]
    place = errors[0].place
    first = f"{errors[0].message} ({place.file}:{place.line}:{place.column})"
    return _Found(None, first if len(errors) == 1 else f"{len(errors)} errors, first {first}", render(findings))


def _changes(before: Pack, after: Pack) -> str:
    """Which rules are new, gone or others."""
    old, new = ({rule.id: rule for rule in pack.rules} for pack in (before, after))
    parts = {
        "new": [each for each in new if each not in old],
        "gone": [each for each in old if each not in new],
        "changed": [each for each in new if each in old and new[each].untested != old[each].untested],
    }
    told = [f"{_listing(ids)} {what}" for what, ids in parts.items() if ids]
    return "; ".join(told) or "no rule changed"


def _listing(ids: list[str]) -> str:
    more = len(ids) - NAMED_MAX
    return ", ".join(ids[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
