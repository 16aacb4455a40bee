"""What goes back: one decision for each judged event, one dead letter for each event that could not be read."""

from typing import Literal

import msgspec

Action = Literal["allow", "review", "step_up", "block"]
Origin = Literal["scored", "degraded", "fallback"]
Lapse = Literal["late", "future"]
Value = int | float | str | bool | None

ACTIONS: tuple[Action, ...] = ("allow", "review", "step_up", "block")
"""From the weakest to the strongest."""


class Reason(msgspec.Struct, gc=False, frozen=True):
    """Why a live rule acted: its id, its reason code, and a sentence with the values it saw."""

    rule: str
    reason: str
    text: str


class Demotion(msgspec.Struct, gc=False, frozen=True, rename={"was": "from"}):
    """That a rule with a breaker matched too often, and acts as `to` where it says `from`."""

    rule: str
    was: Action
    to: Action


class Decision(msgspec.Struct, kw_only=True, frozen=True):
    """The answer for one event.

    `rules` are the live rules that matched, `shadow` the shadow rules that would have, in the pack's order. `missing`
    names what the decision could not know: inputs without a value that a rule asked for, lists or a store out of reach.
    `overridden` are those of `rules` that do not count for the action, since another of them overrides them.
    `demoted` are those of `rules` that act as something weaker than they say, since their breakers have tripped.
    `errors` are the rules of whatever mode that could not be evaluated: they have neither matched nor not.
    `origin` is `scored` when everything asked for was known or its rule says what then and no rule failed, `degraded`
    otherwise.
    `degraded` says that the event's timestamp was too far behind or ahead of the stream: it enters no window.
    `duplicate` marks the recorded answer to a transaction that came again. `timer` is there where what a rule waited
    for did not come: it is the time, in epoch milliseconds, by which it should have, and the event is the one that it
    was to follow.
    """

    transaction_id: str
    timestamp: int
    action: Action
    origin: Origin = "scored"
    rules: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    overridden: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    demoted: tuple[Demotion, ...] | msgspec.UnsetType = msgspec.UNSET
    errors: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    challenge: str | msgspec.UnsetType = msgspec.UNSET
    degraded: Lapse | msgspec.UnsetType = msgspec.UNSET
    duplicate: bool | msgspec.UnsetType = msgspec.UNSET
    pack: str
    timer: int | msgspec.UnsetType = msgspec.UNSET


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

DeadLetterCode = RejectionCode | Literal["conflicting_duplicate"]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be read, or came again with other content: why, where it came from, and its bytes as they
    came (base64 in JSON).

    Where the bytes are too many to send on whole, `original` holds their beginning and `original_bytes` their number.
    """

    reason: DeadLetterCode
    message: str
    place: Place
    original: bytes
    original_bytes: int


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should look into.

    `conflicting_duplicate`: an id that has been decided came again with other content, as in a replay attack. The event
    itself is a dead letter; `place` is where both name it.
    """

    audit: Literal["conflicting_duplicate"]
    id: str
    type: str
    timestamp: int
    user_id: str
    place: Place


class DemotionEvent(msgspec.Struct, frozen=True, kw_only=True, rename={"was": "from"}):
    """Something that a person should look into: a rule matches far more often than it should, and was demoted.

    From the event `id` on, which is the one at `place`, it acts as `to` where it acted as `from`. Of the `judged`
    events in the window of its breaker it matched `hits`. `pack` is the version of the pack.
    """

    audit: Literal["rule_demoted"] = "rule_demoted"
    rule: str
    was: Action
    to: Action
    hits: int
    judged: int
    id: str
    timestamp: int
    place: Place
    pack: str
