"""The journal that one worker writes: frames at the end of its slot, new segments, syncing, forgetting."""

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from journal.errors import ELSEWHERE, StateError, unwritable
from journal.files import OWNER_ONLY, Buffer, sync_data, sync_folder, write_at
from journal.frames import (
    FRAME_BYTES,
    HEADER_BYTES,
    MARK_BYTES,
    PAYLOAD_BYTES_MAX,
    SegmentHeader,
    encode_frame,
    encode_segment_header,
    padded,
)
from journal.segments import NEVER_MS, Segment
from journal.slots import SEGMENTS_MAX, Slot

SEGMENT_BYTES = 64 * 1024 * 1024
HEAD_SHARE = 8
"""A segment is at least this many times as large as its head."""


class Journal:
    """Appends to one slot. `StateDirectory.writer` makes it, once the slot has been read.

    What is appended survives the end of the process at once, and a power failure from the next `sync` on. `sync` may be
    called by another thread; nothing else may. When one of them has raised, what was appended before stands.
    """

    def __init__(
        self, slot: Slot, workers: int, orphans: Sequence[Slot], head: Callable[[], Sequence[Buffer]], begin: bool
    ) -> None:
        self._slot = slot
        self._workers = workers
        self._orphans = orphans
        self._head = head
        self._descriptor = -1
        self._end = self._synced = self._limit = 0
        self._is_marked = True
        self._broken: StateError | None = None
        self._switching = threading.Lock()
        if slot.segments:
            self._resume(slot.segments[-1])
        if begin or not slot.segments:
            self._begin()

    def append(self, parts: Sequence[Buffer], expires_ms: int) -> None:
        """Writes one frame with `parts` one behind the other as its payload; not needed from the clock `expires_ms` on.

        Raises StateError if the disk refuses, and ValueError for an empty payload.
        """
        if self._broken:
            raise self._broken
        segment = self._slot.segments[-1]
        length = _measured(parts, segment.path)
        if not length:
            raise ValueError("expected a payload, got no bytes")
        self._write(segment, encode_frame(segment.mark, parts, length, self._synced, expires_ms), length)
        if expires_ms > segment.expires_ms:
            segment.expires_ms = expires_ms
        self._is_marked = False

    def turn(self) -> None:
        """Begins a new segment if the last one is full. Raises StateError.

        That is left to the owner, who knows when a head can speak for what was appended and for nothing else.
        """
        if self._broken:
            raise self._broken
        if self._end >= self._limit:
            self._begin()

    def sync(self) -> None:
        """Makes what was appended survive a power failure. Raises StateError, and so do all later calls then."""
        with self._switching:
            if self._broken:
                raise self._broken
            self._sync()

    def forget(self, clock_ms: int) -> int:
        """Deletes the oldest segments without a frame that is needed after `clock_ms`, and returns how many.

        The last segment stays. Slot 0 also deletes those of slots that the run has no workers for, all of them.
        """
        return self._slot.forget(clock_ms, keep=1) + sum(orphan.forget(clock_ms, keep=0) for orphan in self._orphans)

    def close(self) -> None:
        """Syncs. Raises StateError if that fails, but the file is closed then too."""
        with self._switching:
            if self._descriptor < 0:
                return
            try:
                if not self._broken:
                    self._sync()
                    if not self._is_marked:
                        self._mark_synced()
            finally:
                with contextlib.suppress(OSError):  # what matters was synced
                    os.close(self._descriptor)
                self._descriptor = -1

    def _mark_synced(self) -> None:
        """A frame without payload says that all before it was synced, so that damage cannot pass for a torn tail."""
        segment = self._slot.segments[-1]
        with contextlib.suppress(StateError):  # on a full disk the claim is dispensable
            self._write(segment, encode_frame(segment.mark, (), 0, self._synced, NEVER_MS), 0)

    def _write(self, segment: Segment, buffers: Sequence[Buffer], length: int) -> None:
        size = FRAME_BYTES + padded(length)
        try:
            write_at(self._descriptor, buffers, size, self._end)
        except OSError as error:
            refusal = unwritable(segment.path, error)
            try:
                os.ftruncate(self._descriptor, self._end)
            except OSError:
                self._broken = refusal
            raise refusal from error
        self._end += size
        segment.size = segment.end = self._end

    def _sync(self) -> None:
        end = self._end
        try:
            sync_data(self._descriptor)
        except OSError as error:  # the system has forgotten what it could not write: a second try would prove nothing
            self._broken = unwritable(self._slot.segments[-1].path, error)
            raise self._broken from error
        self._synced = end

    def _resume(self, segment: Segment) -> None:
        try:
            self._descriptor = os.open(segment.path, os.O_WRONLY)
        except OSError as error:
            raise unwritable(segment.path, error) from error
        self._end = segment.end
        self._limit = max(SEGMENT_BYTES, HEAD_SHARE * segment.head_bytes)
        self._sync()

    def _begin(self) -> None:
        """Begins a segment whose head speaks for all before it, whole on the disk before it gets its name."""
        slot = self._slot
        if len(slot.segments) >= SEGMENTS_MAX:
            raise StateError(
                f"expected at most {SEGMENTS_MAX} segments of slot {slot.number} in `{slot.folder}`; {ELSEWHERE}"
            )
        previous = slot.segments[-1] if slot.segments else None
        number = 1 + (previous.number if previous else slot.record.last)
        head, mark = self._head(), secrets.token_bytes(MARK_BYTES)
        length = _measured(head, slot.segment_path(number))
        size = HEADER_BYTES + FRAME_BYTES + padded(length)
        follows = (previous.size, previous.mark) if previous else (0, bytes(MARK_BYTES))
        header = SegmentHeader(self._workers, slot.number, number, *follows, mark)
        buffers = [encode_segment_header(header), *encode_frame(mark, head, length, HEADER_BYTES, NEVER_MS)]
        with self._switching:
            if previous:
                self._sync()  # only the last segment may have a torn tail
            descriptor = self._unfinished(buffers, size)
            if previous:
                os.close(self._descriptor)
            self._descriptor = descriptor
            head_bytes = size - HEADER_BYTES
            self._name(Segment(slot.segment_path(number), slot.number, number, size, self._workers, mark, head_bytes))
            self._end = self._synced = size
            self._limit = max(SEGMENT_BYTES, HEAD_SHARE * size)

    def _unfinished(self, buffers: Sequence[Buffer], size: int) -> int:
        """The descriptor of a synced file that has no lasting name yet."""
        path = self._slot.unfinished
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
            try:
                write_at(descriptor, buffers, size, 0)
                os.fsync(descriptor)
            except OSError:
                os.close(descriptor)
                path.unlink()
                raise
        except OSError as error:
            raise unwritable(path, error) from error
        return descriptor

    def _name(self, segment: Segment) -> None:
        try:
            self._slot.unfinished.rename(segment.path)
            sync_folder(segment.path.parent)
            self._slot.add(segment)
        except OSError as error:  # nobody knows now which segment is the last
            self._broken = unwritable(segment.path, error)
            raise self._broken from error


def _measured(parts: Sequence[Buffer], path: Path) -> int:
    length = sum(memoryview(part).nbytes for part in parts)
    if length > PAYLOAD_BYTES_MAX:
        raise StateError(
            f"expected at most {PAYLOAD_BYTES_MAX} bytes in a frame of `{path}`, got {length};"
            " let the pack's detectors keep less, or run without --state"
        )
    return length
