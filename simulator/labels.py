"""The truth about an event: which planted fraud it belongs to."""

from typing import Literal, NamedTuple

Kind = Literal["card_testing", "account_takeover", "device_ring", "promotion_abuse", "cash_out"]

KINDS: tuple[Kind, ...] = ("card_testing", "account_takeover", "device_ring", "promotion_abuse", "cash_out")


class Label(NamedTuple):
    """The kind of fraud, and the name of the one planted case that the event is part of, such as `cash_out-3`."""

    kind: Kind
    case: str
