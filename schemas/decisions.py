"""What goes back: one decision for each judged event, one dead letter for each event that could not be read."""

from typing import Literal

import msgspec

Action = Literal["allow", "review", "step_up", "block"]
Origin = Literal["scored", "degraded", "fallback"]
Value = int | float | str | bool | None

ACTIONS: tuple[Action, ...] = ("allow", "review", "step_up", "block")
"""From the weakest to the strongest."""


class Reason(msgspec.Struct, gc=False, frozen=True):
    """Why a live rule acted: its id, its reason code, and a sentence with the values it saw."""

    rule: str
    reason: str
    text: str


class Decision(msgspec.Struct, kw_only=True, frozen=True):
    """The answer for one event.

    `rules` are the live rules that matched, `shadow` the shadow rules that would have, in the pack's order. `missing`
    names what the decision could not know: inputs without a value that a rule asked for, lists or a store out of reach.
    `origin` is `scored` when everything asked for was known or its rule says what then, `degraded` otherwise.
    """

    transaction_id: str
    timestamp: int
    action: Action
    origin: Origin = "scored"
    rules: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    challenge: str | msgspec.UnsetType = msgspec.UNSET
    duplicate: bool | msgspec.UnsetType = msgspec.UNSET
    pack: str


class TopicPlace(msgspec.Struct, frozen=True):
    """Where a record lies in Kafka."""

    topic: str
    partition: int
    offset: int


class FilePlace(msgspec.Struct, frozen=True):
    """Where a line lies in a file or pipe; lines count from 1."""

    path: str
    line: int


Place = TopicPlace | FilePlace

RejectionCode = Literal[
    "not_json",
    "invalid_utf8",
    "too_large",
    "missing_field",
    "wrong_type",
    "unknown_type",
    "invalid_value",
    "invalid_amount",
    "invalid_timestamp",
]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be read: why, where it came from, and its bytes as they came (base64 in JSON).

    Where the bytes are too many to send on whole, `original` holds their beginning and `original_bytes` their number.
    """

    reason: RejectionCode
    message: str
    place: Place
    original: bytes
    original_bytes: int
