"""Honest life: sessions of small purchases, and the days on which honest people look like fraudsters."""

import math
from dataclasses import dataclass
from random import Random

from simulator.calendar import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Calendar, day_start, waking_moment
from simulator.ledger import Item, Ledger, Means, Seat
from simulator.population import LADDER, Population, User, pack_of_points

_NEWCOMERS_A_DAY = 0.004
_NEW_DEVICE_A_DAY = 1.2 / 365
_GIFTS_A_DAY = 1 / 4000
_LAUNCH_FANS = 0.02
_COLLECTIONS_A_DAY = 1 / 2500
_TRIES_A_DAY = 1 / 1500
_STALLS_A_DAY = 1 / 6000


@dataclass(slots=True)
class World:
    rng: Random
    calendar: Calendar
    population: Population
    ledger: Ledger


def live_through(world: World, day: int) -> None:
    """Writes what honest users do on `day`."""
    rng, users = world.rng, world.population.users
    mood = world.calendar.mood(day)
    for user in users:
        for _ in range(poisson(rng, user.sessions_a_day * mood)):
            _session(world, user, day, waking_moment(rng, day))
    for _ in range(poisson(rng, len(users) * _NEWCOMERS_A_DAY)):
        _arrive(world, day)
    for event, a_day in (
        (_change_device, _NEW_DEVICE_A_DAY),
        (_give_presents, _GIFTS_A_DAY),
        (_collect_for_guild, _COLLECTIONS_A_DAY),
        (_try_cards, _TRIES_A_DAY),
        (_open_stall, _STALLS_A_DAY),
    ):
        for _ in range(poisson(rng, len(users) * a_day)):
            event(world, rng.choice(users), day)
    if day == world.calendar.launch_day:
        _launch(world, day)


def poisson(rng: Random, mean: float) -> int:
    """A draw from the Poisson distribution."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def _session(world: World, user: User, day: int, at_ms: int) -> None:
    rng, population, ledger = world.rng, world.population, world.ledger
    seat = population.seat(user)
    if rng.random() < 0.45:
        if rng.random() < 0.06:
            ledger.login(seat, at_ms, success=False)
            at_ms += rng.randrange(5, 60) * SECOND_MS
        ledger.login(seat, at_ms)
        at_ms += rng.randrange(10, 300) * SECOND_MS
    means = population.means(user)
    if means.method == "balance" and rng.random() < 0.5:
        ledger.topup(seat, at_ms, float(rng.choice((50, 100, 100, 200, 500))), user.cards[0])
        at_ms += rng.randrange(20, 120) * SECOND_MS
    promotion = world.calendar.promotion(day)
    while True:
        item, promotion_id = population.item(user), None
        if promotion is not None and rng.random() < user.hunger:
            item = Item(item.merchant_id, round(item.price * 0.8, 2), item.points)
            promotion_id, promotion = promotion.id, None
        payment = ledger.payment(seat, at_ms, item, means, promotion_id)
        if rng.random() < 0.008:
            ledger.refund(seat, at_ms + rng.randrange(10 * MINUTE_MS, DAY_MS), payment)
        if rng.random() > 0.4:
            break
        at_ms += int(rng.expovariate(1 / (4 * MINUTE_MS))) + 8 * SECOND_MS


def _arrive(world: World, day: int) -> None:
    """A newcomer registers, often because of a promotion or a friend, and buys something small."""
    rng, population, ledger = world.rng, world.population, world.ledger
    user = population.new_user()
    seat = population.seat(user)
    at_ms = waking_moment(rng, day)
    friend = rng.choice(population.users).id if rng.random() < 0.3 else None
    ledger.registration(seat, at_ms, friend)
    if rng.random() < 0.6:
        promotion = world.calendar.promotion(day)
        item = pack_of_points(user.games[0], 6, discount=0.5 if promotion else 0.0)
        at_ms += rng.randrange(1, 40) * MINUTE_MS
        ledger.payment(seat, at_ms, item, population.means(user), promotion.id if promotion else None)
    population.users.append(user)


def _change_device(world: World, user: User, day: int) -> None:
    """A new phone, sometimes with a forgotten password, then life as usual on it."""
    rng, ledger = world.rng, world.ledger
    user.devices.insert(0, world.population.new_device())
    seat = world.population.seat_on(user.id, user.devices[0], rng.choice((user.home_ip, *user.carrier_ips)))
    at_ms = waking_moment(rng, day)
    if rng.random() < 0.2:
        ledger.password_reset(seat, at_ms)
        if rng.random() < 0.7:
            ledger.mfa_verified(seat, at_ms + rng.randrange(20, 200) * SECOND_MS)
        at_ms += 5 * MINUTE_MS
    ledger.login(seat, at_ms)
    _session(world, user, day, at_ms + rng.randrange(1, 180) * MINUTE_MS)


def _give_presents(world: World, user: User, day: int) -> None:
    """A new phone and a handful of large presents within the hour: a takeover to look at."""
    rng, ledger = world.rng, world.ledger
    _change_device(world, user, day)
    seat = world.population.seat_on(user.id, user.devices[0], user.home_ip)
    at_ms = waking_moment(rng, day)
    means = world.population.means(user)
    for _ in range(rng.randint(2, 5)):
        price = rng.choice(LADDER[4:])
        ledger.payment(seat, at_ms, pack_of_points(rng.choice(world.population.games), price), means)
        at_ms += rng.randrange(2, 15) * MINUTE_MS


def _launch(world: World, day: int) -> None:
    """A new game opens in the evening: its fans buy large packs one after another."""
    rng, population, ledger = world.rng, world.population, world.ledger
    for user in rng.sample(population.users, int(len(population.users) * _LAUNCH_FANS)):
        seat, means = population.seat(user), population.means(user)
        at_ms = day_start(day) + 20 * HOUR_MS + int(rng.expovariate(1 / HOUR_MS))
        price = LADDER[-1] if user.purse >= 2 else LADDER[4]
        for _ in range(rng.randint(2, 8)):
            ledger.payment(seat, at_ms, pack_of_points("game_new", price), means)
            at_ms += rng.randrange(30, 400) * SECOND_MS


def _collect_for_guild(world: World, user: User, day: int) -> None:
    """Players of a guild send its treasurer their share on one evening: many payers, one payee, mostly small sums."""
    rng, population, ledger = world.rng, world.population, world.ledger
    share = float(rng.choice((20, 30, 50, 50, 88, 100, 328, 648)))
    start = waking_moment(rng, day)
    for member in rng.sample(population.users, min(len(population.users), rng.randint(6, 30))):
        at_ms = start + rng.randrange(6 * HOUR_MS)
        ledger.transfer(population.seat(member), at_ms, share, user.id, rng.choice(("balance", "balance", "credit")))


def _try_cards(world: World, user: User, day: int) -> None:
    """An honest user whose card fails tries the others, and the mother's."""
    rng, ledger = world.rng, world.ledger
    seat: Seat = world.population.seat(user)
    at_ms = waking_moment(rng, day)
    item = world.population.item(user)
    for card in [*user.cards, world.population.new_name("c")]:
        for _ in range(rng.choice((1, 1, 2))):
            ledger.payment(seat, at_ms, item, Means("card", card))
            at_ms += rng.randrange(15, 90) * SECOND_MS


def _open_stall(world: World, user: User, day: int) -> None:
    """`user` signs students up on a tablet at a campus stall; each buys with the newcomers' discount."""
    rng, population, ledger = world.rng, world.population, world.ledger
    tablet, at_ms = population.new_device(), day_start(day) + 11 * HOUR_MS
    promotion = world.calendar.latest_promotion(day)
    for _ in range(rng.randint(3, 9)):
        student = population.new_user()
        seat = population.seat_on(student.id, tablet, user.carrier_ips[0])
        ledger.registration(seat, at_ms, user.id)
        item = pack_of_points(rng.choice(student.games), 6, discount=0.5)
        ledger.payment(seat, at_ms + rng.randrange(1, 6) * MINUTE_MS, item, population.means(student), promotion.id)
        population.users.append(student)
        at_ms += rng.randrange(6, 40) * MINUTE_MS
