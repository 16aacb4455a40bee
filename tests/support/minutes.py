"""Payments a minute apart, and labels of some, for commands that measure on past events."""

from collections.abc import Iterable
from typing import Any

T0 = 1_790_000_000_000
MINUTE_MS = 60_000


def payments(count: int, users: int = 2) -> list[dict[str, Any]]:
    """Payments `t0`, `t1` and so on, of 5 CNY each, of the users in turn."""
    return [
        {"type": "payment", "transaction_id": f"t{n}", "timestamp": T0 + MINUTE_MS * n, "user_id": f"u{n % users}",
         "amount": 5, "currency": "CNY"}
        for n in range(count)
    ]  # fmt: skip


def fraud_labels(numbers: Iterable[int]) -> str:
    """A CSV file that calls these payments fraud, each known as it came."""
    rows = "".join(f"t{n},1,{T0 + MINUTE_MS * n}\n" for n in numbers)
    return f"transaction_id,fraud,labelled_at\n{rows}"
