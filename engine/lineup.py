"""The lineup: answers to events, answers given again, and decisions on waits, in the order of the events."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.answers import repeated
from engine.core import Entered
from schemas import Action
from windows import DUPLICATE


class Timer(NamedTuple):
    """What is decided on a wait: about which event, of when, the rest of the decision, and its action."""

    name: str
    timestamp_ms: int
    tail: str
    action: Action


def with_repeated(
    positions: list[int], tails: list[str], answered: list[int], earlier: Mapping[int, str | None]
) -> tuple[list[int], list[str], list[int]]:
    """The answers with those among them that are given again, in the events' order."""
    all_tails = dict(zip(positions, tails, strict=True))
    all_tails |= {at: repeated(tail) for at, tail in earlier.items() if tail is not None}
    merged = sorted(all_tails)
    numbers = {at: number for number, at in enumerate(merged)}
    moved = [number if number < 0 else numbers[positions[number]] for number in answered]
    return merged, [all_tails[at] for at in merged], moved


def with_timers(
    positions: list[int],
    said: list[str],
    times: list[int],
    tails: list[str],
    answered: list[int],
    timers: list[tuple[int, Timer]],
) -> tuple[list[int], list[str], list[int], list[str], list[int]]:
    """The answers with the decisions on waits among them, each before that of the event which came then."""
    events = [(at, 1, number) for number, at in enumerate(positions)]
    order = sorted([*((at, 0, number) for number, (at, _) in enumerate(timers)), *events])
    numbers = {number: place for place, (_, is_event, number) in enumerate(order) if is_event}
    found = [
        (at, said[number], times[number], tails[number]) if is_event else (-1 - at, *timers[number][1][:3])
        for at, is_event, number in order
    ]
    places, names, moments, texts = map(list, zip(*found, strict=True))
    return places, names, moments, texts, [number if number < 0 else numbers[number] for number in answered]


def numbers_at(positions: list[int], count: int) -> list[int]:
    """For each of `count` events its number among those at `positions`, or -1."""
    if len(positions) == count:
        return positions
    numbers = [-1] * count
    for number, at in enumerate(positions):
        numbers[at] = number
    return numbers


def first_serial(entered: Entered, kinds: list[int] | None) -> int:
    """The serial of the first event that was admitted; any where none was."""
    serials = entered.verdicts.serials
    if kinds is None:
        return int(serials[0])
    return next((int(serials[at]) for at, kind in enumerate(kinds) if kind < DUPLICATE), 0)
