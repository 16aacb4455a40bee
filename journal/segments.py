"""Reads one segment and tells a torn tail from damage.

A torn tail is what a crash can leave: the file ends within a frame (the process was killed while it wrote), or a sector
was never written, zeros, and no frame behind it says that it had been synced (the power failed). Everything else is
damage, and so is anything in what was synced.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from journal.errors import RESTORE, StateError, unreadable
from journal.frames import (
    FRAME_BYTES,
    HEADER_BYTES,
    MARK_BYTES,
    Frame,
    SegmentHeader,
    decode_frame,
    decode_frame_header,
    decode_segment_header,
    padded,
)

NEVER_MS = -(1 << 63)
"""The expiry of what needs not be kept."""

_CHUNK_BYTES = 1 << 20
_SECTOR_BYTES = 512


class Torn(NamedTuple):
    """What a crash left behind the last whole frame of a slot: `torn_bytes` from position `at` on."""

    slot: int
    path: Path
    at: int
    torn_bytes: int


@dataclass
class Segment:
    """One segment on the disk; what follows its size is known once its frames are read.

    `workers` is how many the run had that began it, `end` where the last whole frame ends, `expires_ms` until when a
    frame other than the head is needed.
    """

    path: Path
    slot: int
    number: int
    size: int
    workers: int = 0
    mark: bytes = bytes(MARK_BYTES)
    head_bytes: int = 0
    end: int = HEADER_BYTES
    expires_ms: int = NEVER_MS

    def frames(self, previous: "Segment | None", is_last: bool, progress: Callable[[int], None]) -> Iterator[Frame]:
        """The whole frames in order; `progress` hears of each piece of bytes. Raises StateError at damage.

        Only the last segment of a slot may have a torn tail: `end` is less than `size` then.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                header = decode_segment_header(os.pread(descriptor, HEADER_BYTES, 0))
                self._accept(header, previous)
                yield from self._whole_frames(descriptor, is_last, progress)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unreadable("a segment that can be read", self.path, error) from error

    def _accept(self, header: SegmentHeader | None, previous: "Segment | None") -> None:
        if header is None:
            raise self._damaged(0, "a header that is damaged")
        if (header.slot, header.number) != (self.slot, self.number):
            raise self._damaged(0, f"the header of slot {header.slot}, number {header.number}")
        if previous is not None and header.previous_mark != previous.mark:
            raise self._damaged(0, f"the header of one that did not follow on `{previous.path.name}`")
        if previous is not None and header.previous_bytes != previous.size:
            raise StateError(
                f"expected {header.previous_bytes} bytes in `{previous.path}`, got {previous.size}; {RESTORE}"
            )
        self.workers, self.mark = header.workers, header.mark

    def _whole_frames(self, descriptor: int, is_last: bool, progress: Callable[[int], None]) -> Iterator[Frame]:
        view, begin, told = memoryview(b""), 0, 0
        while self.end < self.size:
            at = self.end - begin
            header = decode_frame(view, at, self.mark)
            if header is None:  # the view has come to its end, unless there is damage
                view, begin, at = self._read(descriptor), self.end, 0
                header = decode_frame(view, at, self.mark)
                progress(self.end - told)
                told = self.end
            if header is None:
                if is_last and self._was_cut(descriptor):
                    continue
                if not is_last or not self._is_torn(descriptor):
                    raise self._damaged(self.end, "bytes that are damaged")
                break
            payload_begin = at + FRAME_BYTES
            is_head = self.end == HEADER_BYTES
            self.end += FRAME_BYTES + padded(header.payload_bytes)
            if is_head:
                self.head_bytes = self.end - HEADER_BYTES
            elif header.expires_ms > self.expires_ms:
                self.expires_ms = header.expires_ms
            if is_head or header.payload_bytes:
                yield Frame(self.slot, is_head, view[payload_begin : payload_begin + header.payload_bytes])
        if self.end == HEADER_BYTES:  # the head was synced before the file got its name
            raise self._damaged(self.end, "none")
        progress(self.size - told)

    def _read(self, descriptor: int) -> memoryview:
        """A megabyte from `end` on, or the whole frame there if it is larger."""
        rest = self.size - self.end
        raw = os.pread(descriptor, min(_CHUNK_BYTES, rest), self.end)
        header = decode_frame_header(raw[:FRAME_BYTES])
        if header and len(raw) < FRAME_BYTES + padded(header.payload_bytes) <= rest:
            raw = os.pread(descriptor, FRAME_BYTES + padded(header.payload_bytes), self.end)
        return memoryview(raw)

    def _was_cut(self, descriptor: int) -> bool:
        """Whether the slot's owner has cut off meanwhile what a crash had left."""
        size = os.fstat(descriptor).st_size
        if not self.end <= size < self.size:
            return False
        self.size = size
        return True

    def _is_torn(self, descriptor: int) -> bool:
        """Whether a crash can have left what begins at `end`, where no whole frame is."""
        rest = self.size - self.end
        header = decode_frame_header(os.pread(descriptor, FRAME_BYTES, self.end))
        if rest < FRAME_BYTES or (header and rest < FRAME_BYTES + padded(header.payload_bytes)):
            return True
        behind = list(self._synced_behind(descriptor))
        hole_end = behind[0][0] if behind else self.size
        return all(synced <= self.end for _, synced in behind) and self._has_hole(descriptor, hole_end)

    def _synced_behind(self, descriptor: int) -> Iterator[tuple[int, int]]:
        """The position of each frame header behind `end`, and how far its frame says it was synced."""
        begin = self.end + 1
        while len(chunk := os.pread(descriptor, _CHUNK_BYTES, begin)) >= FRAME_BYTES:
            last = len(chunk) - FRAME_BYTES
            found = chunk.find(self.mark)
            while 0 <= found <= last:
                if header := decode_frame_header(chunk[found : found + FRAME_BYTES]):
                    yield begin + found, header.synced
                found = chunk.find(self.mark, found + 1)
            begin += last + 1

    def _has_hole(self, descriptor: int, end: int) -> bool:
        """Whether a sector between `self.end` and `end`, or what the file has of it, holds only zeros."""
        for begin in range(-(-self.end // _SECTOR_BYTES) * _SECTOR_BYTES, end, _CHUNK_BYTES):
            chunk = os.pread(descriptor, min(_CHUNK_BYTES, end - begin), begin)
            for at in range(0, len(chunk), _SECTOR_BYTES):
                sector = chunk[at : at + _SECTOR_BYTES]
                is_whole = len(sector) == _SECTOR_BYTES or begin + at + len(sector) == self.size
                if is_whole and not any(sector):
                    return True
        return False

    def _damaged(self, at: int, got: str) -> StateError:
        expected = "a segment's header" if at == 0 else "a whole frame"
        return StateError(f"expected {expected} at byte {at} of `{self.path}`, got {got}; {RESTORE}")
