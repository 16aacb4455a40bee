"""Files and pipes: one JSON event a line in, one JSON decision a line out."""

import errno
import os
import select
import stat
import sys
from collections.abc import Callable
from typing import TextIO

import msgspec

from flows.batches import Arrival, Verdicts
from flows.decider import ORIGINAL_BYTES_MAX
from flows.lifecycle import FlowError
from schemas import DeadLetter, FilePlace, Place

STANDARD = "-"
"""The path that means standard input or standard output."""

BATCH_EVENTS_MAX = 1_024
READ_BYTES = 262_144
IDLE_S = 0.1

TOLD_MAX = 10
"""How many dead letters are told one by one when no file takes them."""


class LineSource:
    """The lines of a file, or of standard input for `-`; blank ones are skipped. Raises FlowError if it cannot be read.

    A line may end in LF or CRLF, the last one in neither. Of a line longer than `ORIGINAL_BYTES_MAX` only that much is
    kept while the rest is read past.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._fd = _standard(sys.stdin) if path == STANDARD else os.open(path, os.O_RDONLY)
            mode = os.fstat(self._fd).st_mode
        except OSError as error:
            raise FlowError(f"expected an input that can be read, got `{path}`: {error.strerror}") from error
        if stat.S_ISDIR(mode):
            raise FlowError(f"expected an input file, got the directory `{path}`")
        self._waits = not stat.S_ISREG(mode)
        self._ended = False
        self._begun = b""
        self._begun_bytes = 0
        self._line = 1
        self._lines: list[tuple[int, bytes, int]] = []

    def take(self) -> Arrival | None:
        if not self._lines:
            if self._ended:
                return None
            self._read()
        taken, self._lines = self._lines[:BATCH_EVENTS_MAX], self._lines[BATCH_EVENTS_MAX:]
        raws = [raw for _, raw, _ in taken]
        cut_bytes = {at: length for at, (_, raw, length) in enumerate(taken) if length > len(raw)}

        def place_of(index: int) -> Place:
            return FilePlace(self._path, taken[index][0])

        return Arrival(raws, place_of, cut_bytes)

    def _read(self) -> None:
        """Takes what has come, at most `READ_BYTES`, and splits it into lines."""
        if self._waits and not select.select([self._fd], [], [], IDLE_S)[0]:
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
            self._complete(self._begun, self._begun_bytes)

    def _extend(self, piece: bytes) -> None:
        room = ORIGINAL_BYTES_MAX - len(self._begun)
        self._begun = self._begun + piece[:room] if self._begun else piece[:room]
        self._begun_bytes += len(piece)

    def _complete(self, raw: bytes, length: int) -> None:
        if raw.endswith(b"\r") and length == len(raw):
            raw, length = raw[:-1], length - 1
        if raw and not raw.isspace():
            self._lines.append((self._line, raw, length))
        self._line += 1

    def acknowledge(self) -> None:
        """A file has no memory of who read it how far."""

    def close(self) -> None:
        if self._path != STANDARD:
            os.close(self._fd)


class OutputClosedError(FlowError):
    """Whoever read the output, such as `head`, has seen enough."""


class LineSink:
    """Decisions as lines of a file, or of standard output for `-`; dead letters as lines of another.

    Without a file for dead letters the first ten are told by `notify`.
    """

    def __init__(self, path: str, dead_letters_path: str | None, notify: Callable[[str], None]) -> None:
        self._decisions = _LineFile(path)
        self._dead_letters = None if dead_letters_path is None else _LineFile(dead_letters_path)
        self._notify = notify
        self._told = 0

    def write(self, verdicts: Verdicts) -> None:
        self._decisions.write(verdicts.decisions)
        if self._dead_letters is not None:
            self._dead_letters.write([msgspec.json.encode(letter) for letter in verdicts.dead_letters])
        else:
            for letter in verdicts.dead_letters[: TOLD_MAX - self._told]:
                self._told += 1
                self._notify(_sentence(letter))
                if self._told == TOLD_MAX:
                    self._notify("further dead letters are only counted; --dead-letters F keeps them all")

    def settle(self, timeout_s: float) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        self._decisions.close()
        if self._dead_letters is not None:
            self._dead_letters.close()


class _LineFile:
    """Unbuffered: a reader at the other end of a pipe sees each batch at once."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._fd = (
                _standard(sys.stdout)
                if path == STANDARD
                else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o666)
            )
        except OSError as error:
            raise FlowError(f"expected an output that can be written, got `{path}`: {error.strerror}") from error

    def write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        rest = memoryview(b"\n".join(lines) + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except BrokenPipeError as error:
            raise OutputClosedError(f"the reader of `{self._path}` closed it") from error
        except OSError as error:
            raise FlowError(f"`{self._path}` cannot be written any further: {error.strerror}") from error

    def close(self) -> None:
        if self._path != STANDARD:
            os.close(self._fd)


def _standard(stream: TextIO | None) -> int:
    """The descriptor of standard input or output. Python has None for one that was closed by whoever started it."""
    if stream is None:
        raise OSError(errno.EBADF, "it is closed")
    return stream.fileno()


def _sentence(letter: DeadLetter) -> str:
    place = letter.place
    where = f"{place.path}:{place.line}" if isinstance(place, FilePlace) else str(place)
    return f"dead letter {where}: {letter.reason}: {letter.message}"
