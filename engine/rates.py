"""Rates: how often the rules with breakers matched lately, and how far each is demoted, as it is kept and taken up.

The time of the events is cut into slots, `PARTS` of them to the `over` of a breaker, and counted by them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

PARTS = 60
"""A window moves by so many parts of itself."""

NEVER = -(2**62)


class Watched(msgspec.Struct, array_like=True, gc=False):
    """One rule, by its digest: its hits by slot, to which of its steps it is demoted, 0 for none, and in which slot."""

    digest: str
    hits: dict[int, int]
    level: int = 0
    slot: int = NEVER


class Group(msgspec.Struct, array_like=True, gc=False):
    """Rules that judge the same events and began to be watched together: how many events by slot, each rule by id."""

    number: int
    judged: dict[int, int]
    rules: dict[str, Watched]


class Begun(NamedTuple):
    """From here on these rules, by id with their digests, are watched as the group of that number, from nothing."""

    number: int
    digests: Mapping[str, str]


class Counted(NamedTuple):
    """So many more events of the group in one slot, and so many more of them that each rule matched."""

    number: int
    slot: int
    judged: int
    hits: Mapping[str, int]


class Stepped(NamedTuple):
    """A rule is demoted to that of its steps, in that slot."""

    rule: str
    level: int
    slot: int


class Noted(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a batch did to the rates."""

    begun: list[Begun]
    counted: list[Counted]
    stepped: list[Stepped]


class Rates:
    """All groups, as they stand after what was noted."""

    def __init__(self, groups: Sequence[Group] = ()) -> None:
        self.groups = list(groups)

    def follow(self, noted: Noted) -> None:
        """Takes in what a batch did."""
        for begun in noted.begun:
            for group in self.groups:
                group.rules = {rule: each for rule, each in group.rules.items() if rule not in begun.digests}
            self.groups = [group for group in self.groups if group.rules and group.number != begun.number]
            rules = {rule: Watched(digest, {}) for rule, digest in begun.digests.items()}
            self.groups.append(Group(begun.number, {}, rules))
        groups = {group.number: group for group in self.groups}
        for counted in noted.counted:
            group = groups[counted.number]
            group.judged[counted.slot] = group.judged.get(counted.slot, 0) + counted.judged
            for rule, count in counted.hits.items():
                hits = group.rules[rule].hits
                hits[counted.slot] = hits.get(counted.slot, 0) + count
        for stepped in noted.stepped:
            for group in self.groups:
                if (watched := group.rules.get(stepped.rule)) is not None:
                    watched.level, watched.slot = stepped.level, stepped.slot
