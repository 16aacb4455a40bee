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


def _else(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


@dataclass
class NaiveAdmission:
    """Judges one event after the other; `arrival_ms` is 0 where unknown."""

    lateness_ms: int
    skew_ms: int
    dedupe_ms: int
    keep_ms: int
    entries_max: int
    aheads: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
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
        ahead, agreed = self._agreed(self.aheads[-64:]), self._agreed(self.times[-64:])
        clock_ms = None if ahead is None else ahead + arrival_ms
        base_ms = sure_ms = None
        if len(self.times) > 1:
            bases = [sorted(last)[-2] for last in (self.aheads[-64:], self.times[-64:])]
            base_ms = min(_else(ahead, bases[0]) + arrival_ms, _else(agreed, bases[1]))
        if len(self.times) >= 16:
            middles = [sorted(last)[(len(last) - 1) // 2] for last in (self.aheads[-64:], self.times[-64:])]
            sure_ms = min(_else(ahead, middles[0]) + arrival_ms, _else(agreed, middles[1]))
        reached = [t for t in (self.clock_ms, sure_ms) if t is not None]
        came_ms = max([timestamp_ms, *reached]) if clock_ms is None else max(reached)
        entry = next((entry for entry in reversed(self.held) if entry.key == key), None)
        if entry is not None and came_ms - entry.came_ms <= self.dedupe_ms:
            return DUPLICATE if entry.content == content else CONFLICT, entry.serial, _else(clock_ms, timestamp_ms)
        self.clock_ms = max(reached, default=None)
        self._expire()
        if len(self.held) == self.entries_max:
            del self.held[0]
            self.forgotten_early += 1
            self.repeatable = max(self.repeatable, self.oldest)
        self.held.append(Entry(key, content, self.next_serial, came_ms))
        self.aheads.append(timestamp_ms - arrival_ms)
        self.times.append(timestamp_ms)
        self.next_serial += 1
        kind = FRESH
        if clock_ms is not None and timestamp_ms > clock_ms + self.skew_ms:
            kind = FUTURE
        elif base_ms is not None and timestamp_ms < base_ms - self.lateness_ms:
            kind = LATE
        return kind, self.next_serial - 1, _else(clock_ms, timestamp_ms)

    def _agreed(self, last: list[int]) -> int | None:
        """The latest that 16 of the last agree on, if there is any."""
        return max((u for u in last if sum(u - 2 * self.skew_ms < v <= u for v in last) >= 16), default=None)

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
