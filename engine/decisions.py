"""Decisions: what an engine answers to a batch, and what became of it by that."""

from collections.abc import Mapping

import msgspec

from engine.breakers import Trip
from engine.records import Piece
from schemas import Action, Lapse, Value


class Decisions(msgspec.Struct, frozen=True):
    """Decisions on a batch: for the events at `positions` of `batch.events` the JSON of each.

    `actions` are those of the events that were decided now, `watched` for each of these the values of the inputs that
    the engine was told to watch, empty without any. `repeated` are the positions of events that had been decided
    before, `conflicting` of those whose id had been used by another event: they get no decision. `tripped` are the
    rules that were demoted, each with the position of the event from which on it is. `strayed` were too late or too far
    ahead for a window, judged or not. `unmatched` counts reversals and corrections of unknown transactions. Where a
    wait was in vain, its decision stands before that of the event which came then, and has the position -1 less that
    event's.
    """

    positions: list[int]
    encoded: list[bytes]
    actions: list[Action]
    watched: list[tuple[Value, ...]]
    repeated: list[int]
    conflicting: list[int]
    unmatched: int
    pieces: tuple[Piece, ...]
    tripped: tuple[Trip, ...]
    strayed: Mapping[int, Lapse]


def joined(parts: list[Decisions]) -> Decisions:
    """The decisions on parts of a batch as those on all of it."""
    return Decisions(
        [at for part in parts for at in part.positions],
        [encoded for part in parts for encoded in part.encoded],
        [action for part in parts for action in part.actions],
        [values for part in parts for values in part.watched],
        [at for part in parts for at in part.repeated],
        [at for part in parts for at in part.conflicting],
        sum(part.unmatched for part in parts),
        tuple(piece for part in parts for piece in part.pieces),
        tuple(trip for part in parts for trip in part.tripped),
        {at: lapse for part in parts for at, lapse in part.strayed.items()},
    )
