"""Amounts of other currencies in a pack with rates: as if they had been paid in its own."""

import random
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules import Pack
from schemas import EXPONENTS
from support.cuts import decided
from support.raw_events import NOW_MS, nth_event
from support.rule_packs import sound_pack

BODY = """\
rates: rates.csv
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 5 events, warm_up: 1 events}}
features:
  spent: {sum: amount, by: user_id, over: 1m, event: transaction}
  most: {max: amount, by: user_id, over: 1m, event: transaction, where: amount > 3}
defaults: {event: transaction, mode: live, challenge: sms}
rules:
- {id: a.large, when: amount > 50, then: block, reason: LARGE, explain: "{amount} after {spent}"}
- {id: a.spent, when: spent > 100, then: review, reason: SPENT, explain: "{spent}, {most} at most"}
- {id: a.score, when: score.own.value > 1, then: step_up, reason: ODD, explain: "{score.own.value}"}
- {id: a.none, when: not has(amount), then: tag}
- id: a.friend
  when: amount > 10
  then: review
  exceptions: [{fields: [amount], values: [[14.50], [7.25]], expires: 2027-01-31, note: known}]
"""
CHANGE_MS = NOW_MS + 30_000
RATES = {"USD": ("7.25", "7.1"), "JPY": ("0.0473", "0.0481"), "KWD": (None, "23.456")}
CSV = "currency,rate,from\nUSD,7.25,\nJPY,0.0473,\n" + "".join(
    f"{code},{after},2026-09-21T14:13:50Z\n" for code, (_, after) in RATES.items()
)


def _pack(folder: Path) -> Pack:
    return sound_pack(folder, BODY, {"rates.csv": CSV})


def _in_cny(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its amount as it was in CNY; in a currency without a rate where there was none."""
    if event["currency"] not in RATES:
        return event
    rate = RATES[event["currency"]][event["timestamp"] >= CHANGE_MS]
    if rate is None:
        return event | {"currency": "EUR"}
    minor = round(Fraction(str(event["amount"])) * Fraction(rate) * 100)
    return event | {"amount": f"{minor // 100}.{minor % 100:02}", "currency": "CNY"}


def _stream(draw: random.Random) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number in range(200):
        timestamp = NOW_MS + 300 * number + draw.choice((0, 0, 0, -5_000))
        currency = draw.choice(("CNY", "CNY", "USD", "JPY", "KWD", "GBP"))
        amount = str(
            draw.choice((1, 2, 7, 150, 1_500)) if currency == "JPY" else draw.choice((1, 2, "0.05", "7.25", 20))
        )
        fields = {"timestamp": timestamp, "user_id": draw.choice(("u1", "u2")), "amount": amount, "currency": currency}
        if events and draw.random() < 0.1:
            name = draw.choice(events).get("transaction_id", "t")
            events.append(msgspec.json.decode(nth_event(number, "correction", original_transaction_id=name, **fields)))
        else:
            events.append(msgspec.json.decode(nth_event(number, draw.choice(("payment", "topup")), **fields)))
    return events


@pytest.mark.parametrize("seed", range(6))
def test_a_converted_amount_decides_as_one_of_the_pack_s_own(seed: int, tmp_path: Path) -> None:
    assert EXPONENTS["JPY"] == 0
    draw, pack = random.Random(seed), _pack(tmp_path)
    events = _stream(draw)
    theirs = decided(pack, list(map(msgspec.json.encode, events)), {}, cycle([1, 40, 7]))
    ours = decided(pack, [msgspec.json.encode(_in_cny(each)) for each in events], {}, cycle([200]))
    assert theirs == ours
    hit = {rule for each in ours for rule in msgspec.json.decode(each)["rules"]}
    assert hit == {"a.large", "a.spent", "a.score", "a.none", "a.friend"}


def test_without_rates_amounts_of_other_currencies_are_missing(tmp_path: Path) -> None:
    pack = sound_pack(tmp_path, BODY.replace("rates: rates.csv\n", ""))
    (decision,) = decided(pack, [nth_event(1, "payment", amount=100, currency="USD")], {}, cycle([1]))
    assert msgspec.json.decode(decision)["rules"] == ["a.none"]
