"""Where events are written down in any order, to be read in time order."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from schemas import Event, Login, MfaVerified, PasswordReset, Payment, Refund, Registration, Topup, Transfer
from simulator.labels import Label

CURRENCY = "CNY"


class Seat(NamedTuple):
    """Who sits where: the fields that all events of one session share."""

    user_id: str
    device_id: str
    platform: str
    channel: str
    ip: str
    country: str


class Means(NamedTuple):
    """How a payment is made: `card` with its card, `credit` from the consumer's line, `balance` from the wallet."""

    method: str
    card_id: str | None = None


class Item(NamedTuple):
    """What is bought: `price` in CNY for `points` game points."""

    merchant_id: str
    price: float
    points: int


class Ledger:
    """Ids count up in the order of writing, so that the same writing gives the same ids."""

    def __init__(self) -> None:
        self._pending: list[tuple[int, int, Event, Label | None]] = []
        self._written = 0

    def read_until(self, end_ms: int) -> Sequence[tuple[int, int, Event, Label | None]]:
        """Takes out what happens before `end_ms`, in time order; what happens at once stays in the order of writing."""
        self._pending.sort(key=lambda entry: entry[:2])
        end = bisect_left(self._pending, end_ms, key=lambda entry: entry[0])
        taken, self._pending = self._pending[:end], self._pending[end:]
        return taken

    def payment(
        self,
        seat: Seat,
        at_ms: int,
        item: Item,
        means: Means,
        promotion_id: str | None = None,
        payee_id: str | None = None,
        label: Label | None = None,
    ) -> Payment:
        user_id, device_id, platform, channel, ip, country = seat
        payment = Payment(
            timestamp=at_ms,
            user_id=user_id,
            device_id=device_id,
            ip=ip,
            country=country,
            channel=channel,
            platform=platform,
            transaction_id=self._id("t"),
            amount=item.price,
            currency=CURRENCY,
            merchant_id=item.merchant_id,
            payee_id=payee_id,
            method=means.method,
            card_id=means.card_id,
            promotion_id=promotion_id,
            goods="game_points",
            quantity=item.points,
        )
        self._write(at_ms, payment, label)
        return payment

    def refund(self, seat: Seat, at_ms: int, payment: Payment, label: Label | None = None) -> None:
        refund = Refund(
            timestamp=at_ms,
            **seat._asdict(),
            transaction_id=self._id("t"),
            amount=payment.amount,
            currency=CURRENCY,
            merchant_id=payment.merchant_id,
            method=payment.method,
            original_transaction_id=payment.transaction_id,
        )
        self._write(at_ms, refund, label)

    def topup(self, seat: Seat, at_ms: int, amount: float, card_id: str) -> None:
        topup = Topup(
            timestamp=at_ms,
            **seat._asdict(),
            transaction_id=self._id("t"),
            amount=amount,
            currency=CURRENCY,
            method="card",
            card_id=card_id,
        )
        self._write(at_ms, topup, None)

    def transfer(
        self, seat: Seat, at_ms: int, amount: float, payee_id: str, method: str, label: Label | None = None
    ) -> None:
        transfer = Transfer(
            timestamp=at_ms,
            **seat._asdict(),
            transaction_id=self._id("t"),
            amount=amount,
            currency=CURRENCY,
            payee_id=payee_id,
            method=method,
        )
        self._write(at_ms, transfer, label)

    def login(self, seat: Seat, at_ms: int, success: bool = True, label: Label | None = None) -> None:
        login = Login(timestamp=at_ms, **seat._asdict(), event_id=self._id("e"), success=success)
        self._write(at_ms, login, label)

    def password_reset(self, seat: Seat, at_ms: int, label: Label | None = None) -> None:
        self._write(at_ms, PasswordReset(timestamp=at_ms, **seat._asdict(), event_id=self._id("e")), label)

    def mfa_verified(self, seat: Seat, at_ms: int) -> None:
        event = MfaVerified(timestamp=at_ms, **seat._asdict(), event_id=self._id("e"), method="sms_otp")
        self._write(at_ms, event, None)

    def registration(self, seat: Seat, at_ms: int, referrer_id: str | None = None, label: Label | None = None) -> None:
        event = Registration(timestamp=at_ms, **seat._asdict(), event_id=self._id("e"), referrer_id=referrer_id)
        self._write(at_ms, event, label)

    def _id(self, prefix: str) -> str:
        self._written += 1
        return f"{prefix}{self._written:08}"

    def _write(self, at_ms: int, event: Event, label: Label | None) -> None:
        self._pending.append((at_ms, self._written, event, label))
