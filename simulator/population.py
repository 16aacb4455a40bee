"""Who takes part: users with their devices, networks, cards and habits; the games they buy points for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple

from simulator.ledger import Item, Means, Seat

LADDER = (6, 12, 30, 68, 128, 328, 648)
"""Prices of a game's packs of points in CNY; ten points a yuan."""

_LADDER_WEIGHTS = (
    (60, 22, 12, 4, 2, 0, 0),
    (36, 26, 22, 10, 5, 1, 0),
    (18, 18, 24, 20, 13, 5, 2),
    (4, 6, 10, 20, 26, 20, 14),
)
_PURSES = (46, 36, 15, 3)
"""How many of a hundred users spend by each row of the ladder's weights, from pocket money to big spender."""

_PLATFORMS = ("android", "ios", "pc", "android", "ios", "android")
_CHANNELS = {"android": ("app", "mini_program"), "ios": ("app", "mini_program"), "pc": ("web", "web")}
_GAMES = 60
_USERS_PER_CARRIER_IP = 150
_USERS_PER_CAFE = 400
_CAFE_SEATS = 16


class Device(NamedTuple):
    id: str
    platform: str


class Cafe(NamedTuple):
    """A LAN cafe: one address, machines that strangers use one after another."""

    ip: str
    devices: tuple[Device, ...]


@dataclass(slots=True)
class User:
    id: str
    devices: list[Device]
    home_ip: str
    carrier_ips: tuple[str, ...]
    """Shared with many: a phone on the move gets now one, now another."""
    cafe: Cafe | None
    cards: list[str]
    games: tuple[str, ...]
    purse: int
    sessions_a_day: float
    hunger: float
    """How likely a running promotion is used, from 0 to 1."""


@dataclass(slots=True)
class Population:
    rng: Random
    users: list[User] = field(default_factory=list)
    games: tuple[str, ...] = tuple(f"game_{number:02}" for number in range(_GAMES))
    _game_weights: tuple[float, ...] = tuple(accumulate(1 / (rank + 2) for rank in range(_GAMES)))
    _ladders: tuple[tuple[int, ...], ...] = tuple(tuple(accumulate(row)) for row in _LADDER_WEIGHTS)
    _carrier_ips: list[str] = field(default_factory=list)
    _cafes: list[Cafe] = field(default_factory=list)
    _named: int = 0

    def settle(self, count: int) -> None:
        """Fills the place with `count` users, in families that share an address, some of them a card or a tablet."""
        self._carrier_ips = [self.new_ip() for _ in range(max(2, count // _USERS_PER_CARRIER_IP))]
        for _ in range(max(1, count // _USERS_PER_CAFE)):
            devices = tuple(Device(self.new_name("d"), "pc") for _ in range(_CAFE_SEATS))
            self._cafes.append(Cafe(self.new_ip(), devices))
        while len(self.users) < count:
            family = [self.new_user() for _ in range(self.rng.choice((1, 1, 1, 2, 3, 4)))]
            tablet = Device(self.new_name("d"), "android")
            for user in family:
                user.home_ip = family[0].home_ip
                if self.rng.random() < 0.5:
                    user.cards[0] = family[0].cards[0]
                if len(family) > 2:
                    user.devices.append(tablet)
            self.users += family[: count - len(self.users)]

    def new_name(self, prefix: str) -> str:
        self._named += 1
        return f"{prefix}_{self._named:06}"

    def new_ip(self) -> str:
        self._named += 1
        return f"10.{self._named >> 16 & 255}.{self._named >> 8 & 255}.{self._named & 255}"

    def new_device(self) -> Device:
        return Device(self.new_name("d"), self.rng.choice(_PLATFORMS))

    def new_user(self) -> User:
        """A user who is not among `users` yet."""
        rng = self.rng
        return User(
            id=self.new_name("u"),
            devices=[self.new_device() for _ in range(rng.choice((1, 1, 2, 2, 3)))],
            home_ip=self.new_ip(),
            carrier_ips=tuple(rng.choices(self._carrier_ips, k=3)),
            cafe=rng.choice(self._cafes) if rng.random() < 0.04 else None,
            cards=[self.new_name("c") for _ in range(rng.choice((1, 1, 1, 2, 3)))],
            games=tuple(rng.choices(self.games, cum_weights=self._game_weights, k=rng.choice((1, 2, 2, 3)))),
            purse=rng.choices(range(4), weights=_PURSES)[0],
            sessions_a_day=min(6.0, rng.lognormvariate(-0.7, 0.8)),
            hunger=rng.random() ** 2,
        )

    def seat(self, user: User) -> Seat:
        """Where `user` sits this time: most often the first device, at home or on the move, sometimes in a cafe."""
        rng = self.rng
        if user.cafe is not None and rng.random() < 0.3:
            return self.seat_on(user.id, rng.choice(user.cafe.devices), user.cafe.ip)
        device = user.devices[0] if rng.random() < 0.7 else rng.choice(user.devices)
        mobile = device.platform != "pc" and rng.random() < 0.45
        return self.seat_on(user.id, device, rng.choice(user.carrier_ips) if mobile else user.home_ip)

    def seat_on(self, user_id: str, device: Device, ip: str, country: str = "CN") -> Seat:
        channel = _CHANNELS[device.platform][self.rng.random() < 0.25]
        return Seat(user_id, device.id, device.platform, channel, ip, country)

    def means(self, user: User) -> Means:
        draw = self.rng.random()
        if draw < 0.45:
            return Means("credit")
        if draw < 0.8:
            return Means("card", user.cards[0] if self.rng.random() < 0.85 else self.rng.choice(user.cards))
        return Means("balance")

    def item(self, user: User) -> Item:
        """A pack of points as `user` would choose it."""
        price = self.rng.choices(LADDER, cum_weights=self._ladders[user.purse])[0]
        return pack_of_points(self.rng.choice(user.games), price)


def pack_of_points(merchant_id: str, price: int, packs: int = 1, discount: float = 0.0) -> Item:
    """`packs` packs at `price` CNY each, with a `discount` from 0 to 1."""
    return Item(merchant_id, round(price * packs * (1 - discount), 2), price * packs * 10)


def pick(rng: Random, users: Sequence[User], count: int) -> list[User]:
    """`count` different users, or all where there are fewer."""
    return rng.sample(users, min(count, len(users)))
