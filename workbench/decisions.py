"""Decisions that were given, as they are read back: from a file, or from the topic they went to."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import polars as pl

from schemas import Action

DECISION_BYTES_MAX = 1 << 20
"""A longer one is refused unread."""

_MESSAGE_CHARS_MAX = 200


class Kind(NamedTuple):
    """What decisions have in common: the action, the live and the shadow rules that hit, those that failed, the pack.

    `waited`: it is on something that did not come.
    """

    action: Action
    rules: tuple[str, ...]
    shadow: tuple[str, ...]
    errors: tuple[str, ...]
    pack: str
    waited: bool


class _Line(msgspec.Struct):
    transaction_id: str
    timestamp: int
    action: Action
    pack: str
    rules: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    duplicate: bool = False
    timer: int | None = None


class Decisions:
    """All decisions that were read. Repeated answers to what came again are counted in `repeated`, and left out.

    `unread` counts lines that are no decisions, `problem` says what is wrong with the first of them.
    """

    def __init__(self) -> None:
        self.kinds: dict[Kind, int] = {}
        """Their numbers, by kind."""
        self.repeated = self.unread = 0
        self.problem = ""
        self._decode = msgspec.json.Decoder(_Line).decode
        self._rows: tuple[list[str], list[int], list[int]] = ([], [], [])

    def add(self, lines: Iterable[bytes]) -> None:
        """Reads decisions, each a JSON object; blank lines are none."""
        ids, times, numbers = self._rows
        for line in lines:
            if not line or line.isspace():
                continue
            try:
                if len(line) > DECISION_BYTES_MAX:
                    raise msgspec.ValidationError(f"expected at most {DECISION_BYTES_MAX:,} bytes, got more")
                said = self._decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                self.unread += 1
                self.problem = self.problem or str(error)[:_MESSAGE_CHARS_MAX]
                continue
            if said.duplicate:
                self.repeated += 1
                continue
            kind = Kind(said.action, said.rules, said.shadow, said.errors, said.pack, said.timer is not None)
            ids.append(said.transaction_id)
            times.append(said.timestamp)
            numbers.append(self.kinds.setdefault(kind, len(self.kinds)))

    def frame(self) -> pl.DataFrame:
        """A row for each decision: `id`, `timestamp_ms`, and `kind`, its number in `kinds`."""
        schema = {"id": pl.String, "timestamp_ms": pl.Int64, "kind": pl.Int64}
        return pl.DataFrame(dict(zip(schema, self._rows, strict=True)), schema=schema)

    def versions(self) -> Counter[str]:
        """How many decisions each version of a pack has given."""
        kinds = list(self.kinds)
        found: Counter[str] = Counter()
        for number, count in Counter(self._rows[2]).items():
            found[kinds[number].pack] += count
        return found
