"""What the journal holds: an entry for each batch that was decided, marks of delivery, and heads of segments."""

import msgspec

from engine import Group, Record


class Entry(msgspec.Struct, array_like=True, frozen=True, tag="entry", gc=False):
    """One batch: how far the input was read with it, what became of the engine, and what goes out.

    `recalled` are the decisions that go out where not all of them are the records' own. All that goes out is encoded.
    """

    reached: dict[str, int]
    records: list[Record]
    recalled: list[bytes] | None
    dead_letters: list[bytes]
    audits: list[bytes]

    def decisions(self) -> list[bytes]:
        """The encoded decisions that go out."""
        if self.recalled is not None:
            return self.recalled
        return [decision for record in self.records for decision in record.decisions()]


class Delivered(msgspec.Struct, array_like=True, frozen=True, tag="delivered", gc=False):
    """All entries before this one were delivered at `at_ms`; `ends` says how much each output held then."""

    at_ms: int
    ends: dict[str, int]


class Head(msgspec.Struct, array_like=True, frozen=True, tag="head", gc=False):
    """What a segment knows of those before it, so that these can go: how far the input was read, what detectors had
    learnt, what breakers had counted.
    """

    reached: dict[str, int]
    learnt: bytes
    delivered: Delivered
    rates: list[Group] = []


Content = Entry | Delivered | Head

encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Content] = msgspec.msgpack.Decoder(Content)


def decode(payload: bytes | memoryview) -> Content:
    """Raises msgspec.MsgspecError."""
    return _decoder.decode(payload)
