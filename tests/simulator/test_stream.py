from collections import Counter, defaultdict
from itertools import pairwise

import msgspec
import pytest

from schemas import Event, Login, Payment, Refund, Registration, Transaction
from schemas.batches import decode
from simulator import KINDS, QUIET_DAYS, START_MS, Label, simulate, users_for
from simulator.calendar import DAY_MS, HOUR_MS

Entry = tuple[Event, Label | None]
DAYS = 8


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return list(simulate(seed=11, users=1500, days=DAYS))


def test_same_seed_gives_same_bytes_and_another_seed_does_not() -> None:
    def stream(seed: int) -> list[bytes]:
        return [msgspec.json.encode(event) for event, _ in simulate(seed, users=60, days=4)]

    assert stream(1) == stream(1)
    assert stream(1) != stream(2)


def test_events_come_in_time_order_within_the_days_with_unique_ids(entries: list[Entry]) -> None:
    times = [event.timestamp_ms for event, _ in entries]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] >= START_MS
    assert times[-1] < START_MS + DAYS * DAY_MS
    assert len({event.id for event, _ in entries}) == len(entries)


def test_the_gate_can_read_every_event(entries: list[Entry]) -> None:
    batch = decode([msgspec.json.encode(event) for event, _ in entries])
    assert batch.rejections == []
    assert batch.events == [event for event, _ in entries]


def test_every_kind_is_planted_after_the_quiet_days_and_is_rare(entries: list[Entry]) -> None:
    planted = [(event, label) for event, label in entries if label is not None]
    assert {label.kind for _, label in planted} == set(KINDS)
    assert min(event.timestamp_ms for event, _ in planted) >= START_MS + QUIET_DAYS * DAY_MS
    assert 0.002 < len(planted) / len(entries) < 0.04


def test_the_cases_are_what_their_kind_says(entries: list[Entry]) -> None:
    cases: dict[Label, list[Event]] = defaultdict(list)
    for event, label in entries:
        if label is not None:
            cases[label].append(event)
    whole = [label for label, events in cases.items() if events[0].timestamp_ms < START_MS + (DAYS - 2) * DAY_MS]
    for label in whole:
        events = cases[label]
        payments = [event for event in events if isinstance(event, Payment)]
        devices = {event.device_id for event in events}
        users = {event.user_id for event in events}
        match label.kind:
            case "card_testing":
                tries = [payment for payment in payments if payment.amount_minor == 600]
                assert len({payment.device_id for payment in tries}) == 1
                assert len({payment.card_id for payment in tries}) >= 12
            case "account_takeover":
                assert len(devices) == len(users) == 1
            case "device_ring":
                assert len(devices) == 1
                assert len(users) >= 2
                assert any(isinstance(event, Registration) for event in events)
            case "promotion_abuse":
                assert len(users) >= 15 > len(devices)
                assert all(payment.promotion_id is not None for payment in payments)
            case "cash_out":
                payees = {event.payee_id for event in events if isinstance(event, Transaction)}
                assert len(payees) == 1
                assert len(users) >= 12


def test_honest_life_has_its_rhythm_and_its_pitfalls(entries: list[Entry]) -> None:
    honest = [event for event, label in entries if label is None]
    payments = [event for event in honest if isinstance(event, Payment)]
    hours = Counter((event.timestamp_ms - START_MS) % DAY_MS // HOUR_MS for event in payments)
    assert hours[21] > 5 * hours[4]
    amounts = sorted(payment.amount_minor for payment in payments)
    assert sum(amounts) / len(amounts) > 1.5 * amounts[len(amounts) // 2]
    users_of_ip: dict[str | None, set[str]] = defaultdict(set)
    for event in honest:
        users_of_ip[event.ip].add(event.user_id)
    assert max(map(len, users_of_ip.values())) > 60
    assert any(isinstance(event, Login) and not event.success for event in honest)
    refunds = [event for event in honest if isinstance(event, Refund)]
    paid = {payment.transaction_id: payment for payment in payments}
    assert refunds
    for refund in refunds:
        payment = paid[str(refund.original_transaction_id)]
        assert refund.timestamp_ms > payment.timestamp_ms
        assert refund.amount == payment.amount


@pytest.mark.parametrize(("events", "days"), [(10_000, 14), (30_000, 7)])
def test_users_for_makes_about_so_many_events(events: int, days: int) -> None:
    made = sum(1 for _ in simulate(3, users_for(events, days), days))
    assert made == pytest.approx(events, rel=0.2)


@pytest.mark.parametrize(("users", "days"), [(0, 10), (10, QUIET_DAYS)])
def test_too_small_a_world_is_refused(users: int, days: int) -> None:
    with pytest.raises(ValueError, match="expected more than 3 days and at least 1 user"):
        next(simulate(1, users, days))
