"""What a backtest has to say of a rule, counted event by event from decisions of live engines: slow and plain."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine import Engine
from rules import Pack
from schemas import Decision
from schemas.batches import Batch, decode

Event = Mapping[str, Any]


class Judged(NamedTuple):
    """An event that got a decision, and its place in the stream."""

    at: int
    event: Event
    decision: Decision


class Said(NamedTuple):
    """What is said of a transaction, and since when it is known."""

    transaction_id: str
    fraud: bool
    known_ms: int


def judged(pack: Pack, path: Path) -> list[Judged]:
    """The new decisions of a live engine on the file's lines, with their events; a backtest has none on waits."""
    lines = path.read_bytes().splitlines()
    batch: Batch = decode(lines)
    decisions = Engine(pack).decide(batch, pack.entries_by_list)
    read = [msgspec.json.decode(each, type=Decision) for each in decisions.encoded]
    accepted = batch.accepted()
    events = [msgspec.json.decode(lines[accepted[at]]) for at in decisions.positions]
    rows = zip(decisions.positions, events, read, strict=True)
    return [Judged(at, event, each) for at, event, each in rows if not each.duplicate and not each.timer]


def as_shadow(pack: Pack) -> Pack:
    """The pack with every rule in shadow, so that each decision names all that hit."""
    return replace(pack, rules=tuple(replace(rule, mode="shadow") for rule in pack.rules))


def turned(pack: Pack, rule_id: str) -> Pack:
    """The pack with a live rule off, or with another one live."""
    rules = [
        replace(rule, mode="off" if rule.mode == "live" else "live") if rule.id == rule_id else rule
        for rule in pack.rules
    ]
    return replace(pack, rules=tuple(rules))


def fraud_of(event: Event, labels: Sequence[Said], end_ms: int, maturity_ms: int) -> bool | None:
    """Whether a transaction is fraud; None where that is not known, or the event is none."""
    if "transaction_id" not in event or event["timestamp"] > end_ms - maturity_ms:
        return None
    known = [each for each in labels if each.known_ms <= end_ms]
    if not known:
        return None
    said = [each for each in known if each.transaction_id == event["transaction_id"]]
    return bool(said) and max(enumerate(said), key=lambda each: (each[1].known_ms, each[0]))[1].fraud


def changes(before: Sequence[Judged], after: Sequence[Judged]) -> Counter[tuple[str, str]]:
    """How many decisions go from one action to another; `none` where there is no decision."""
    old, new = ({each.at: each.decision.action for each in side} for side in (before, after))
    pairs = [(str(old.get(key, "none")), str(new.get(key, "none"))) for key in old | new]
    return Counter(pair for pair in pairs if pair[0] != pair[1])


def money(events: Sequence[Event], currency: str) -> Decimal:
    """The sum of their amounts in that currency."""
    return sum((Decimal(str(e["amount"])) for e in events if e.get("currency") == currency), Decimal(0))
