"""A slot: the segments of one writer, the lock that makes it the only one, and a record of what must be there."""

import fcntl
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from journal.errors import ELSEWHERE, RESTORE, StateError, unreadable, unwritable
from journal.files import OWNER_ONLY, sync_data, sync_folder
from journal.frames import Frame
from journal.manifest import SEGMENTS_FOLDER, SLOTS_FOLDER
from journal.segments import Segment, Torn

SLOTS_MAX = 4_096
SEGMENTS_MAX = 65_536
"""How many segments a slot may have at a time."""

_RECORD_BYTES = 512
_CHECKSUM_BYTES = 9  # in hex, and a line's end
_HOST_CHARACTERS_MAX = 255
CLAIM_S = 3.0
"""How long a claim waits for a killed process to go: its memory is taken apart before its locks."""
_CLAIM_POLL_S = 0.02
_NONE = -1


class Record(msgspec.Struct, frozen=True):
    """The numbers of a slot's oldest and newest segment, and who claimed it last. `first` is `last` + 1 without any."""

    first: int = 1
    last: int = 0
    pid: int = 0
    host: str = ""


class Slot:
    """The files of one slot, claimed or only looked at."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.folder = folder / SEGMENTS_FOLDER
        self.path = folder / SLOTS_FOLDER / str(number)
        self.segments: list[Segment] = []
        self.record = Record()
        self.is_read = False
        self._lock = _NONE

    @property
    def unfinished(self) -> Path:
        """Where a segment is made before it gets its name."""
        return self.folder / f"{self.number}.tmp"

    def segment_path(self, number: int) -> Path:
        return self.folder / f"{self.number}-{number:08}.log"

    def claim(self) -> None:
        """Makes this process the only writer. Raises StateError if another one is, or if the disk cannot be written."""
        try:
            self._lock = os.open(self.path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
            is_alone = _locked(self._lock)
            self.record = read_record(self.path)
            if is_alone:
                self._write_record(pid=os.getpid(), host=os.uname().nodename[:_HOST_CHARACTERS_MAX])
                for folder in (self.path.parent, self.folder):  # a killed process may have left names that do not last
                    sync_folder(folder)
                self.unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if not is_alone:
            raise StateError(
                f"expected a state directory that no other run writes to, got `{self.path}` in use by process"
                f" {self.record.pid} on `{self.record.host}`; end that run, or {ELSEWHERE}"
            )

    def release(self) -> None:
        if self.is_claimed:
            os.close(self._lock)
            self._lock = _NONE

    @property
    def is_claimed(self) -> bool:
        return self._lock != _NONE

    @property
    def workers(self) -> int:
        """How many the run had that began the last segment, 0 where there is none."""
        return self.segments[-1].workers if self.segments else 0

    def list_segments(self, sizes: dict[int, int]) -> None:
        """Takes over what is there, bytes by number, once it is what the record says."""
        if not self.is_claimed:
            self.record = read_record(self.path)
        first, last = self.record.first, self.record.last
        numbers = sorted(number for number in sizes if number >= first)
        if numbers and numbers[-1] == last + 1:  # a segment gets its name before the record hears of it
            last += 1
        for number in range(first, last + 1):
            if number not in sizes:
                raise StateError(
                    f"expected the segments {first} to {last} of slot {self.number}, got no"
                    f" `{self.segment_path(number)}`; {RESTORE}"
                )
        if numbers and numbers[-1] > last:
            raise StateError(
                f"expected no segment of slot {self.number} behind number {last}, got"
                f" `{self.segment_path(numbers[-1])}`; {RESTORE}"
            )
        if self.is_claimed:
            self._delete(sizes.keys() - numbers)  # left by a forgetting that was interrupted
        self.segments = [Segment(self.segment_path(number), self.number, number, sizes[number]) for number in numbers]

    def frames(self, torn: list[Torn], progress: Callable[[int], None]) -> Iterator[Frame]:
        """All frames in order; what is torn is added to `torn`, and cut off if the slot is claimed."""
        previous = None
        for segment in self.segments:
            yield from segment.frames(previous, segment is self.segments[-1], progress)
            previous = segment
        if previous and previous.end < previous.size:
            torn.append(Torn(self.number, previous.path, previous.end, previous.size - previous.end))
            if self.is_claimed:
                self._cut(previous)
        self.is_read = True

    def _cut(self, segment: Segment) -> None:
        try:
            descriptor = os.open(segment.path, os.O_WRONLY)
            try:
                os.ftruncate(descriptor, segment.end)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unwritable(segment.path, error) from error
        segment.size = segment.end

    def add(self, segment: Segment) -> None:
        """A segment that got its name just now. Raises OSError."""
        self._write_record(last=segment.number)
        self.segments.append(segment)

    def forget(self, clock_ms: int, keep: int) -> int:
        """Deletes the oldest segments of which nothing is needed at `clock_ms`, and returns how many; `keep` stay."""
        count, forgettable = 0, len(self.segments) - keep
        while count < forgettable and self.segments[count].expires_ms <= clock_ms:
            count += 1
        if not count:
            return 0
        old, self.segments = self.segments[:count], self.segments[count:]
        try:
            self._write_record(first=old[-1].number + 1)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._delete(segment.number for segment in old)
        return count

    def _delete(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            path = self.segment_path(number)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(path, error) from error

    def _write_record(self, **changes: int | str) -> None:
        """In place and within a sector, so that it is whole at any time; on the disk when this returns."""
        self.record = msgspec.structs.replace(self.record, **changes)
        os.pwrite(self._lock, _encoded(self.record), 0)
        sync_data(self._lock)


def read_record(path: Path) -> Record:
    """Raises StateError if there is none or it is damaged; an empty one is of a slot that was claimed just now."""
    try:
        with path.open("rb") as file:
            raw = file.read(_RECORD_BYTES + 1)
    except OSError as error:
        raise unreadable("the record of a slot", path, error) from error
    if not raw:
        return Record()
    try:
        record = msgspec.json.decode(raw[:-_CHECKSUM_BYTES], type=Record)
    except ValueError:  # msgspec's are such
        record = None
    if record is None or raw != _encoded(record):
        raise StateError(f"expected the record of a slot in `{path}`, got bytes that are damaged; {RESTORE}")
    return record


def _encoded(record: Record) -> bytes:
    text = msgspec.json.encode(record).ljust(_RECORD_BYTES - _CHECKSUM_BYTES)
    return text + b"%08x\n" % zlib.crc32(text)


def _locked(descriptor: int) -> bool:
    deadline_s = time.monotonic() + CLAIM_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_CLAIM_POLL_S)
        else:
            return True
