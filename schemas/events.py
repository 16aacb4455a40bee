"""The events of a customer's life, as they cross the boundary.

Every event is one JSON object whose `type` names its struct. Fields that the struct does not have are kept under
`attributes`.
"""

from typing import Annotated, Any

import msgspec

from schemas.money import minor_units
from schemas.timestamps import epoch_ms

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
"""An identifier or a short text: never empty, never long."""

Currency = Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
"""An ISO 4217 code in capitals."""

Instant = int | Name
"""Epoch milliseconds, or an RFC 3339 text with an offset."""

Amount = float | Name
"""A JSON number or a decimal text, in major units: `12.34` or `"12.34"`."""


class Event(msgspec.Struct, gc=False, kw_only=True, omit_defaults=True, tag_field="type", forbid_unknown_fields=True):
    """What every event has. A missing entity is `None`; an empty one is refused. Places are in degrees."""

    timestamp: Instant
    user_id: Name
    device_id: Name | None = None
    ip: Name | None = None
    country: Name | None = None
    channel: Name | None = None
    platform: Name | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    attributes: dict[str, Any] = {}

    @property
    def type(self) -> str:
        return EVENT_TYPES[self.__class__]

    @property
    def timestamp_ms(self) -> int:
        return epoch_ms(self.timestamp)

    @property
    def id(self) -> str:
        """The idempotency key: `transaction_id` of a transaction, `event_id` of any other event."""
        raise NotImplementedError


class Transaction(Event, gc=False, kw_only=True):
    """An event that moves money. Its amount is never negative: the type says which way the money goes."""

    transaction_id: Name
    amount: Amount
    currency: Currency
    merchant_id: Name | None = None
    payee_id: Name | None = None
    method: Name | None = None
    card_id: Name | None = None
    promotion_id: Name | None = None
    original_transaction_id: Name | None = None
    goods: Name | None = None
    quantity: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    @property
    def id(self) -> str:
        return self.transaction_id

    @property
    def amount_minor(self) -> int:
        """The amount in integer minor units of its currency, exactly."""
        return minor_units(self.amount, self.currency)


class Payment(Transaction, gc=False, tag="payment"):
    """Goods are bought."""


class Topup(Transaction, gc=False, tag="topup"):
    """A wallet is filled."""


class Refund(Transaction, gc=False, tag="refund"):
    """The merchant gives money of `original_transaction_id` back."""


class Payout(Transaction, gc=False, tag="payout"):
    """Money leaves the wallet to a bank account or a merchant."""


class Transfer(Transaction, gc=False, tag="transfer"):
    """Money goes from one user to another, the payee."""


class Occurrence(Event, gc=False, kw_only=True):
    """An event that moves no money."""

    event_id: Name

    @property
    def id(self) -> str:
        return self.event_id


class Login(Occurrence, gc=False, kw_only=True, tag="login"):
    success: bool = True


class PasswordReset(Occurrence, gc=False, tag="password_reset"):
    pass


class MfaVerified(Occurrence, gc=False, kw_only=True, tag="mfa_verified"):
    method: Name | None = None


class Registration(Occurrence, gc=False, kw_only=True, tag="registration"):
    referrer_id: Name | None = None


class Chargeback(Occurrence, gc=False, kw_only=True, tag="chargeback"):
    """The bank takes the money of `original_transaction_id` back."""

    original_transaction_id: Name
    reason: Name | None = None


class Reversal(Occurrence, gc=False, kw_only=True, tag="reversal"):
    """`original_transaction_id` did not happen after all: no window sums its amount any more."""

    original_transaction_id: Name
    reason: Name | None = None


class Correction(Occurrence, gc=False, kw_only=True, tag="correction"):
    """`original_transaction_id` moved this amount and not the one it told."""

    original_transaction_id: Name
    amount: Amount
    currency: Currency
    reason: Name | None = None

    @property
    def amount_minor(self) -> int:
        """The right amount in integer minor units of its currency, exactly."""
        return minor_units(self.amount, self.currency)


class Feedback(Occurrence, gc=False, kw_only=True, tag="feedback"):
    """A person's word on `original_transaction_id`."""

    original_transaction_id: Name
    fraud: bool


class Order(Occurrence, gc=False, kw_only=True, tag="order"):
    order_id: Name
    merchant_id: Name | None = None


class Delivery(Occurrence, gc=False, kw_only=True, tag="delivery"):
    order_id: Name
    delivered: bool = True


AnyEvent = (
    Payment
    | Topup
    | Refund
    | Payout
    | Transfer
    | Login
    | PasswordReset
    | MfaVerified
    | Registration
    | Chargeback
    | Reversal
    | Correction
    | Feedback
    | Order
    | Delivery
)

EVENT_TYPES: dict[type[Event], str] = {struct: str(struct.__struct_config__.tag) for struct in AnyEvent.__args__}
STRUCTS: dict[str, type[Event]] = {name: struct for struct, name in EVENT_TYPES.items()}
TRANSACTION_TYPES: tuple[str, ...] = tuple(
    name for struct, name in EVENT_TYPES.items() if issubclass(struct, Transaction)
)
PRICED = (Transaction, Correction)
"""The structs that tell an amount and a currency."""
