"""What admission means, computed from plain lists: slow and obviously right."""

from dataclasses import dataclass, field

from windows import CONFLICT, DUPLICATE, FRESH, FUTURE, LATE


@dataclass
class Entry:
    """An id that the ledger knows."""

    key: int
    content: int
    serial: int
    came_ms: int


@dataclass
class NaiveAdmission:
    """Judges one event after the other; `arrival_ms` is 0 where unknown."""

    lateness_ms: int
    skew_ms: int
    dedupe_ms: int
    keep_ms: int
    entries_max: int
    aheads: list[int] = field(default_factory=list)
    held: list[Entry] = field(default_factory=list)
    next_serial: int = 0
    repeatable: int = 0
    forgotten_early: int = 0
    clock_ms: int | None = None

    @property
    def oldest(self) -> int:
        return self.held[0].serial if self.held else self.next_serial

    def admit(self, key: int, content: int, timestamp_ms: int, arrival_ms: int) -> tuple[int, int, int]:
        """Kind, serial and the stream's clock."""
        last, ahead = self.aheads[-64:], timestamp_ms - arrival_ms
        agreed = [u for u in last if sum(u - 2 * self.skew_ms < other <= u for other in last) >= 16]
        base = max(agreed) if agreed else sorted(last)[-2] if len(last) > 1 else None
        clock_ms = max(agreed) + arrival_ms if agreed else timestamp_ms
        sure = max(agreed) if agreed else sorted(last)[(len(last) - 1) // 2] if len(last) >= 16 else None
        reached = [t for t in (self.clock_ms, None if sure is None else sure + arrival_ms) if t is not None]
        came_ms = max([clock_ms, *reached])
        entry = next((entry for entry in reversed(self.held) if entry.key == key), None)
        if entry is not None and came_ms - entry.came_ms <= self.dedupe_ms:
            return DUPLICATE if entry.content == content else CONFLICT, entry.serial, clock_ms
        self.clock_ms = max(reached, default=None)
        self._expire()
        if len(self.held) == self.entries_max:
            del self.held[0]
            self.forgotten_early += 1
            self.repeatable = max(self.repeatable, self.oldest)
        self.held.append(Entry(key, content, self.next_serial, came_ms))
        self.aheads.append(ahead)
        self.next_serial += 1
        kind = FRESH
        if agreed and ahead > max(agreed) + self.skew_ms:
            kind = FUTURE
        elif base is not None and ahead < base - self.lateness_ms:
            kind = LATE
        return kind, self.next_serial - 1, clock_ms

    def find(self, key: int) -> int:
        """The serial of the last event with the id that is held, or -1."""
        return max((entry.serial for entry in self.held if entry.key == key), default=-1)

    def _expire(self) -> None:
        if self.clock_ms is None:
            return
        for entry in self.held:
            if entry.serial >= self.repeatable:
                entry.came_ms = min(entry.came_ms, self.clock_ms)
                if self.clock_ms - entry.came_ms <= self.dedupe_ms:
                    break
                self.repeatable = entry.serial + 1
        while self.held:
            self.held[0].came_ms = min(self.held[0].came_ms, self.clock_ms)
            if self.clock_ms - self.held[0].came_ms <= self.keep_ms:
                break
            del self.held[0]
