"""Files and pipes: one JSON event a line in, one JSON decision a line out."""

import errno
import os
import select
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import msgspec

from flows.batches import Arrival, Reached, Verdicts
from flows.decider import ORIGINAL_BYTES_MAX
from flows.entries import Delivered, Entry
from flows.lifecycle import FlowError
from journal import sync_folder
from schemas import AuditEvent, DeadLetter, DemotionEvent, FilePlace, Place

STANDARD = "-"
"""The path that means standard input or standard output."""

BATCH_EVENTS_MAX = 1_024
READ_BYTES = 262_144

TOLD_MAX = 10
"""How many dead letters are told one by one when no file takes them."""


class _Line(NamedTuple):
    """A line that is not blank: its number, its bytes or the beginning of them, their number, where the next begins."""

    number: int
    raw: bytes
    length: int
    end: int


class LineSource:
    """The lines of a file, or of standard input for `-`; blank ones are skipped. Raises FlowError if it cannot be read.

    A line may end in LF or CRLF, the last one in neither. Of a line longer than `ORIGINAL_BYTES_MAX` only that much is
    kept while the rest is read past. A file can be gone on with where an earlier run left it; a pipe can not.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._fd = _standard(sys.stdin) if path == STANDARD else os.open(path, os.O_RDONLY)
            status = os.fstat(self._fd)
        except OSError as error:
            raise FlowError(f"expected an input that can be read, got `{path}`: {error.strerror}") from error
        if stat.S_ISDIR(status.st_mode):
            raise FlowError(f"expected an input file, got the directory `{path}`")
        self._waits = not stat.S_ISREG(status.st_mode)
        self._size = status.st_size
        whole = str(Path(path).absolute())
        self._position_name, self._number_name = f"bytes of {whole}", f"lines of {whole}"
        self._ended = False
        self._begun = b""
        self._begun_bytes = 0
        self._line = 1
        self._end = 0
        self._lines: list[_Line] = []

    def begin(self, reached: Reached) -> None:
        position = reached.get(self._position_name, 0)
        if self._waits or not position:
            return
        if position > self._size:
            raise FlowError(
                f"expected at least {position:,} bytes in `{self._path}`, which were read before, got {self._size:,};"
                " give the input that the state directory belongs to, or another --state"
            )
        os.lseek(self._fd, position, os.SEEK_SET)
        self._end, self._line = position, reached[self._number_name] + 1

    def take(self, patience_s: float) -> Arrival | None:
        if not self._lines:
            if self._ended:
                return None
            self._read(patience_s)
        taken, self._lines = self._lines[:BATCH_EVENTS_MAX], self._lines[BATCH_EVENTS_MAX:]
        raws = [line.raw for line in taken]
        cut_bytes = {at: line.length for at, line in enumerate(taken) if line.length > len(line.raw)}

        def place_of(index: int) -> Place:
            return FilePlace(self._path, taken[index].number)

        reached = {}
        if taken and not self._waits:
            reached = {self._position_name: taken[-1].end, self._number_name: taken[-1].number}
        return Arrival(raws, place_of, cut_bytes, reached)

    def _read(self, patience_s: float) -> None:
        """Takes what has come, at most `READ_BYTES`, and splits it into lines."""
        if self._waits and not select.select([self._fd], [], [], patience_s)[0]:
            return
        try:
            chunk = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            raise FlowError(f"`{self._path}` cannot be read any further: {error.strerror}") from error
        self._ended = not chunk
        first, *others = chunk.split(b"\n")
        self._extend(first)
        if others:
            self._complete(self._begun, self._begun_bytes)
            for whole in others[:-1]:
                self._complete(whole, len(whole))
            self._begun, self._begun_bytes = b"", 0
            self._extend(others[-1])
        if self._ended and self._begun_bytes:
            self._complete(self._begun, self._begun_bytes, 0)

    def _extend(self, piece: bytes) -> None:
        room = ORIGINAL_BYTES_MAX - len(self._begun)
        self._begun = self._begun + piece[:room] if self._begun else piece[:room]
        self._begun_bytes += len(piece)

    def _complete(self, raw: bytes, length: int, terminator_bytes: int = 1) -> None:
        self._end += length + terminator_bytes
        if raw.endswith(b"\r") and length == len(raw):
            raw, length = raw[:-1], length - 1
        if raw and not raw.isspace():
            self._lines.append(_Line(self._line, raw, length, self._end))
        self._line += 1

    def acknowledge(self, reached: Reached) -> None:
        """A file has no memory of who read it how far."""

    def close(self) -> None:
        if self._path != STANDARD:
            os.close(self._fd)


class OutputClosedError(FlowError):
    """Whoever read the output, such as `head`, has seen enough."""


class LineSink:
    """Decisions as lines of a file, or of standard output for `-`; dead letters and audit events as lines of others.

    Without a file for them the first ten of each are told by `notify`. A run that keeps its state goes on where the
    files end (`appending`); otherwise they are begun anew.
    """

    def __init__(
        self,
        path: str,
        dead_letters_path: str | None,
        notify: Callable[[str], None],
        audit_path: str | None = None,
        appending: bool = False,
    ) -> None:
        self._decisions = _LineFile(path, appending)
        self._others: list[tuple[_LineFile | None, _Teller]] = [
            (None if other is None else _LineFile(other, appending), _Teller(notify, kind, option))
            for other, kind, option in (
                (dead_letters_path, "dead letters", "--dead-letters"),
                (audit_path, "audit events", "--audit"),
            )
        ]

    def resume(self, delivered: Delivered | None, outbox: Sequence[Entry]) -> int:
        """What was written after the last mark is cut off and written again."""
        ends = {} if delivered is None else delivered.ends
        for file in self._files():
            file.cut(ends.get(file.name, 0))
        again = 0
        for entry in outbox:
            decisions = entry.decisions()
            self._decisions.write(decisions)
            for (other, _), events in zip(self._others, (entry.dead_letters, entry.audits), strict=True):
                if other is not None:
                    other.write(events)
            again += len(decisions)
        return again

    def write(self, verdicts: Verdicts) -> None:
        self._decisions.write(verdicts.decisions)
        events: tuple[Sequence[DeadLetter | AuditEvent | DemotionEvent], ...] = (verdicts.dead_letters, verdicts.audits)
        for (file, teller), others in zip(self._others, events, strict=True):
            if file is not None:
                file.write([msgspec.json.encode(event) for event in others])
            else:
                teller.tell([event for event in others if not isinstance(event, DemotionEvent)])  # the decider does

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return True

    def mark(self, at_ms: int) -> Delivered:
        return Delivered(at_ms, {file.name: file.lasting_size() for file in self._files()})

    def _files(self) -> "list[_LineFile]":
        others = [file for file, _ in self._others if file is not None]
        return [file for file in (self._decisions, *others) if file.size_counts]

    def close(self) -> None:
        for file in (self._decisions, *(other for other, _ in self._others if other is not None)):
            file.close()


class _Teller:
    """Tells the first few of a kind of events where no file takes them."""

    def __init__(self, notify: Callable[[str], None], kind: str, option: str) -> None:
        self._notify = notify
        self._kind, self._option = kind, option
        self._told = 0

    def tell(self, events: Sequence[DeadLetter | AuditEvent]) -> None:
        for event in events[: TOLD_MAX - self._told]:
            self._told += 1
            self._notify(_sentence(event))
            if self._told == TOLD_MAX:
                self._notify(f"further {self._kind} are only counted; {self._option} F keeps them all")


class _LineFile:
    """Unbuffered: a reader at the other end of a pipe sees each batch at once."""

    def __init__(self, path: str, appending: bool) -> None:
        self._path = path
        self.name = str(Path(path).absolute())
        flags = os.O_RDWR | os.O_CREAT if appending else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            self._fd = _standard(sys.stdout) if path == STANDARD else os.open(path, flags, mode=0o666)
            status = os.fstat(self._fd)
            if appending and path != STANDARD and stat.S_ISREG(status.st_mode):
                sync_folder(Path(path).absolute().parent)
        except OSError as error:
            raise FlowError(f"expected an output that can be written, got `{path}`: {error.strerror}") from error
        self.size_counts = path != STANDARD and stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.size_counts else 0

    def cut(self, size: int) -> None:
        """Goes back to where the file had so many bytes."""
        if size > self.size:
            raise FlowError(
                f"expected at least {size:,} bytes in `{self._path}`, which were written before, got {self.size:,};"
                " restore the output that the state directory belongs to, or give another --state"
            )
        os.ftruncate(self._fd, size)
        os.lseek(self._fd, size, os.SEEK_SET)
        self.size = size

    def write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        rest = memoryview(b"\n".join(lines) + b"\n")
        try:
            while rest:
                written = os.write(self._fd, rest)
                self.size += written
                rest = rest[written:]
        except BrokenPipeError as error:
            raise OutputClosedError(f"the reader of `{self._path}` closed it") from error
        except OSError as error:
            raise FlowError(f"`{self._path}` cannot be written any further: {error.strerror}") from error

    def lasting_size(self) -> int:
        """How many bytes it has, once these would survive a power failure."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise FlowError(f"`{self._path}` cannot be written any further: {error.strerror}") from error
        return self.size

    def close(self) -> None:
        if self._path != STANDARD:
            os.close(self._fd)


def _standard(stream: TextIO | None) -> int:
    """The descriptor of standard input or output. Python has None for one that was closed by whoever started it."""
    if stream is None:
        raise OSError(errno.EBADF, "it is closed")
    return stream.fileno()


def _sentence(event: DeadLetter | AuditEvent) -> str:
    place = event.place
    where = f"{place.path}:{place.line}" if isinstance(place, FilePlace) else str(place)
    if isinstance(event, DeadLetter):
        return f"dead letter {where}: {event.reason}: {event.message}"
    return f"audit event {where}: {event.audit}: {event.type} `{event.id}`"
