"""Planted fraud: each planter writes one case, beginning at a given time, with its label on every event."""

from collections.abc import Callable

from simulator.calendar import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, START_MS
from simulator.honesty import World
from simulator.labels import Kind, Label
from simulator.ledger import Means, Seat
from simulator.population import LADDER, Device, User, pack_of_points, pick

Planter = Callable[[World, int, Label], None]


def _test_cards(world: World, at_ms: int, label: Label) -> None:
    """A bot tries stolen cards with tiny amounts, fast or patiently; what works is spent there or sold on."""
    rng, population, ledger = world.rng, world.population, world.ledger
    device, ips = population.new_device(), [population.new_ip() for _ in range(rng.choice((1, 1, 3, 6)))]
    accounts = [population.new_name("u") for _ in range(rng.choice((1, 1, 2, 4)))]
    patient = rng.random() < 0.25
    working: list[str] = []
    for number in range(rng.randint(12, 50)):
        card = population.new_name("c")
        seat = population.seat_on(accounts[number % len(accounts)], device, rng.choice(ips))
        ledger.payment(
            seat, at_ms, pack_of_points(rng.choice(population.games[:8]), 6), Means("card", card), label=label
        )
        if rng.random() < 0.12:
            working.append(card)
        at_ms += rng.randrange(6, 25) * MINUTE_MS if patient else rng.randrange(2, 40) * SECOND_MS
    for card in working:
        seat, when = population.seat_on(accounts[0], device, ips[0]), at_ms
        if rng.random() < 0.4:
            seat = population.seat_on(population.new_name("u"), population.new_device(), population.new_ip())
            when += rng.randrange(2 * HOUR_MS, 2 * DAY_MS)
        for _ in range(rng.randint(1, 3)):
            item = pack_of_points(rng.choice(population.games[:8]), rng.choice(LADDER[5:]))
            ledger.payment(seat, when, item, Means("card", card), label=label)
            when += rng.randrange(20, 300) * SECOND_MS


def _take_over(world: World, at_ms: int, label: Label) -> None:
    """Passwords are guessed or phished, reset from a strange device, and the account is emptied; some wait a day.

    A few steal the session on the victim's own device, where nothing looks strange but the amounts.
    """
    rng, population, ledger = world.rng, world.population, world.ledger
    victim = rng.choice(population.users)
    if rng.random() < 0.1:
        _empty_account(world, population.seat(victim), victim, at_ms, label)
        return
    country = rng.choice(("CN", "CN", "CN", "VN", "MM"))
    ip = rng.choice(victim.carrier_ips) if rng.random() < 0.1 else population.new_ip()
    seat = population.seat_on(victim.id, population.new_device(), ip, country)
    for _ in range(rng.choice((0, 0, 2, 4, 7))):
        ledger.login(seat, at_ms, success=False, label=label)
        at_ms += rng.randrange(3, 40) * SECOND_MS
    if rng.random() < 0.75:
        ledger.password_reset(seat, at_ms, label=label)
        at_ms += rng.randrange(20, 120) * SECOND_MS
    ledger.login(seat, at_ms, label=label)
    at_ms += rng.randrange(DAY_MS, 3 * DAY_MS) if rng.random() < 0.12 else rng.randrange(1, 90) * MINUTE_MS
    _empty_account(world, seat, victim, at_ms, label)


def _empty_account(world: World, seat: Seat, victim: User, at_ms: int, label: Label) -> None:
    rng, population, ledger = world.rng, world.population, world.ledger
    means = Means("card", victim.cards[0]) if rng.random() < 0.5 else Means("credit")
    for _ in range(rng.randint(2, 7)):
        price = rng.choices(LADDER[3:], weights=(1, 3, 5, 8))[0]
        item = pack_of_points(rng.choice(population.games), price, packs=rng.choice((1, 1, 1, 2)))
        ledger.payment(seat, at_ms, item, means, label=label)
        at_ms += rng.randrange(20, 600) * SECOND_MS


def _run_ring(world: World, at_ms: int, label: Label) -> None:
    """Invented people on one device each draw their new credit line, one after another over hours or days."""
    rng, population, ledger = world.rng, world.population, world.ledger
    device, ip = population.new_device(), population.new_ip()
    pause = rng.choice((20 * MINUTE_MS, 2 * HOUR_MS, 8 * HOUR_MS))
    for _ in range(rng.randint(6, 22)):
        seat = population.seat_on(population.new_name("u"), device, ip)
        ledger.registration(seat, at_ms, label=label)
        spend_ms = at_ms + rng.randrange(5, 60) * MINUTE_MS
        for _ in range(rng.randint(1, 3)):
            item = pack_of_points(rng.choice(population.games), rng.choice(LADDER[4:]))
            ledger.payment(seat, spend_ms, item, Means("credit"), label=label)
            spend_ms += rng.randrange(1, 20) * MINUTE_MS
        at_ms += int(pause * rng.uniform(0.4, 1.6))


def _abuse_promotion(world: World, at_ms: int, label: Label) -> None:
    """Fresh accounts on a few devices, or on a shelf of them, take the newcomers' discount, each once."""
    rng, population, ledger = world.rng, world.population, world.ledger
    devices: list[Device] = [population.new_device() for _ in range(rng.choice((2, 3, 4, 6, 14)))]
    ip = rng.choice((population.new_ip(), rng.choice(population.users).carrier_ips[0]))
    promotion = world.calendar.latest_promotion((at_ms - START_MS) // DAY_MS)
    game, referrer = rng.choice(population.games), population.new_name("u")
    for _ in range(rng.randint(15, 60)):
        seat = population.seat_on(population.new_name("u"), rng.choice(devices), ip)
        ledger.registration(seat, at_ms, referrer, label=label)
        item = pack_of_points(game, 6, discount=0.5)
        claim_ms = at_ms + rng.randrange(20, 600) * SECOND_MS
        ledger.payment(seat, claim_ms, item, Means("balance"), promotion.id, label=label)
        at_ms += rng.randrange(1, 12) * MINUTE_MS


def _cash_out(world: World, at_ms: int, label: Label) -> None:
    """Recruited users turn their credit lines into cash through one payee within hours, in round sums."""
    rng, population, ledger = world.rng, world.population, world.ledger
    payee = population.new_name("p")
    hours = rng.uniform(1.5, 10)
    shop = rng.random() < 0.5
    recruits: list[User] = pick(rng, population.users, rng.randint(12, 45))
    for user in recruits:
        when = at_ms + int(rng.random() * hours * HOUR_MS)
        amount = float(rng.choice((500, 800, 1000, 1000, 1500, 2000, 3000)) - rng.choice((0, 0, 1, 2, 12)))
        seat = population.seat(user)
        if shop:
            item = pack_of_points("shop_" + payee, 1)._replace(price=amount, points=int(amount) * 10)
            ledger.payment(seat, when, item, Means("credit"), payee_id=payee, label=label)
        else:
            ledger.transfer(seat, when, amount, payee, "credit", label=label)


PLANTERS: dict[Kind, tuple[float, Planter]] = {
    "card_testing": (2.0, _test_cards),
    "account_takeover": (5.0, _take_over),
    "device_ring": (0.8, _run_ring),
    "promotion_abuse": (0.8, _abuse_promotion),
    "cash_out": (0.5, _cash_out),
}
"""For each kind the cases a week among 1,000 users, and who writes one."""
