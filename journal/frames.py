"""The bytes of a segment: its header, and its frames one behind the other.

A segment begins with a header that holds its mark, 8 random bytes that also begin each of its frames. Nobody outside
can know them, so where bytes are damaged the frames behind are found by the mark, and nothing inside a payload is taken
for a frame. A header names its predecessor's length and mark, so that no segment is cut or exchanged unseen.

A frame says how far its segment had been synced when it was written: what lies before must be whole after any crash.
Frames begin at multiples of 8 bytes, so that columns in a payload can be used where they are.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from journal.files import Buffer

FORMAT = 1
"""The layout of directory, segments and frames."""

PAYLOAD_BYTES_MAX = 256 * 1024 * 1024
MARK_BYTES = 8
ALIGNMENT = 8

_MAGIC = b"riskgate"
_SEGMENT = struct.Struct(
    "<8sHHIIQ8s8s"
)  # magic, format, workers, slot, number, bytes and mark of the predecessor, mark
_CHECKSUM = struct.Struct("<I")
_FRAME = struct.Struct(
    "<8sIIIIq"
)  # mark, checksum of the rest, checksum of the next three, payload's bytes, synced, expiry
_FRAME_FIELDS = struct.Struct("<IIq")

_CHECKED_AT = 12
_FIELDS_AT = 16
HEADER_BYTES = _SEGMENT.size + _CHECKSUM.size
FRAME_BYTES = _FRAME.size

_PADDINGS = tuple(bytes(length) for length in range(ALIGNMENT))


class Frame(NamedTuple):
    """What was appended at once; `head` marks the first of a segment, which sums up all segments before it.

    The payload is a view into a megabyte that was read at once: copy what is kept for long.
    """

    slot: int
    head: bool
    payload: memoryview


class SegmentHeader(NamedTuple):
    """`workers` is how many the run had that began the segment."""

    workers: int
    slot: int
    number: int
    previous_bytes: int
    previous_mark: bytes
    mark: bytes


class FrameHeader(NamedTuple):
    payload_bytes: int
    synced: int
    expires_ms: int


def padded(payload_bytes: int) -> int:
    """How many bytes of the file a payload takes."""
    return -(-payload_bytes // ALIGNMENT) * ALIGNMENT


def encode_segment_header(header: SegmentHeader) -> bytes:
    body = _SEGMENT.pack(_MAGIC, FORMAT, *header)
    return body + _CHECKSUM.pack(zlib.crc32(body))


def decode_segment_header(raw: bytes) -> SegmentHeader | None:
    """None if it is too short, damaged, or of another format."""
    if len(raw) != HEADER_BYTES or zlib.crc32(raw[: _SEGMENT.size]) != _CHECKSUM.unpack_from(raw, _SEGMENT.size)[0]:
        return None
    magic, form, *fields = _SEGMENT.unpack_from(raw)
    return SegmentHeader(*fields) if magic == _MAGIC and form == FORMAT else None


def encode_frame(mark: bytes, parts: Sequence[Buffer], length: int, synced: int, expires_ms: int) -> list[Buffer]:
    """The buffers to write, `FRAME_BYTES + padded(length)` bytes; `length` is that of the parts together."""
    fields = _FRAME_FIELDS.pack(length, synced, expires_ms)
    checked = _CHECKSUM.pack(zlib.crc32(fields)) + fields
    checksum = zlib.crc32(checked)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    padding = _PADDINGS[-length % ALIGNMENT]
    return [mark + _CHECKSUM.pack(zlib.crc32(padding, checksum)) + checked, *parts, padding]


def decode_frame(view: memoryview, at: int, mark: bytes) -> FrameHeader | None:
    """The header of the frame that begins at `at`; None if there is none, it is damaged, or it is not all in `view`."""
    if len(view) - at < FRAME_BYTES:
        return None
    own_mark, checksum, _, payload_bytes, synced, expires_ms = _FRAME.unpack_from(view, at)
    end = at + FRAME_BYTES - (-payload_bytes // ALIGNMENT) * ALIGNMENT
    if end > len(view) or own_mark != mark or zlib.crc32(view[at + _CHECKED_AT : end]) != checksum:
        return None
    return FrameHeader(payload_bytes, synced, expires_ms)


def decode_frame_header(raw: bytes) -> FrameHeader | None:
    """The header of a frame whose payload may be damaged or missing; None if it is damaged or cut short itself."""
    if len(raw) < FRAME_BYTES:
        return None
    _, _, checksum, payload_bytes, synced, expires_ms = _FRAME.unpack_from(raw)
    if payload_bytes > PAYLOAD_BYTES_MAX or zlib.crc32(raw[_FIELDS_AT:FRAME_BYTES]) != checksum:
        return None
    return FrameHeader(payload_bytes, synced, expires_ms)
