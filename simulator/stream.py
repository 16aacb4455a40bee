"""The simulation: honest life day by day, frauds planted in between, all of it in time order."""

from collections.abc import Iterator
from random import Random

from schemas import Event
from simulator.calendar import DAY_MS, QUIET_DAYS, Calendar, day_start
from simulator.fraud import PLANTERS, Planter
from simulator.honesty import World, live_through
from simulator.labels import Label
from simulator.ledger import Ledger
from simulator.population import Population

_EVENTS_PER_USER_DAY = 2.15


def users_for(events: int, days: int) -> int:
    """How many users make about `events` events in `days` days."""
    return max(1, round(events / days / _EVENTS_PER_USER_DAY))


def simulate(seed: int, users: int, days: int) -> Iterator[tuple[Event, Label | None]]:
    """The events of `users` users over `days` days (more than QUIET_DAYS) in time order, each with its label.

    The label is None for what honest people do. Users grow in number meanwhile. Raises ValueError.
    """
    if days <= QUIET_DAYS or users < 1:
        raise ValueError(f"expected more than {QUIET_DAYS} days and at least 1 user, got {days} days, {users} users")
    rng = Random(seed)
    world = World(rng, Calendar(rng, days), Population(rng), Ledger())
    world.population.settle(users)
    cases = _cases(rng, users, days)
    for day in range(days):
        end_ms = day_start(day + 1)
        live_through(world, day)
        while cases and cases[-1][0] < end_ms:
            at_ms, planter, label = cases.pop()
            planter(world, at_ms, label)
        for _, _, event, entry_label in world.ledger.read_until(end_ms):
            yield event, entry_label


def _cases(rng: Random, users: int, days: int) -> list[tuple[int, Planter, Label]]:
    """When each case begins and who writes it, the latest first; every kind has at least one."""
    first_ms, weeks = day_start(QUIET_DAYS), (days - QUIET_DAYS) / 7
    cases: list[tuple[int, Planter, Label]] = []
    for kind, (a_week, planter) in PLANTERS.items():
        for number in range(max(1, round(a_week * users / 1000 * weeks))):
            at_ms = first_ms + rng.randrange((days - QUIET_DAYS) * DAY_MS - DAY_MS // 2)
            cases.append((at_ms, planter, Label(kind, f"{kind}-{number + 1}")))
    return sorted(cases, key=lambda case: case[0], reverse=True)
