"""Alternatives are true, and the smallest there are: held to the texts of random rules, value by value."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

from engine import Engine
from rules import Input, Pack
from rules.syntax import PREFIXES
from schemas import Value
from schemas.batches import decode
from support.pack_texts import PackText
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import steady_stream
from support.rule_packs import sound_pack
from support.verdict_oracle import Told, action
from workbench.alternatives import Alternative, alternatives
from workbench.tracing import watched_inputs
from workbench.verdict import Seen

SEEDS = range(50)
IDS = 8
AROUND = 120
"""Where nothing is found, so many whole values on both sides are tried."""


def _told(folder: Path, seed: int) -> Iterator[tuple[PackText, Pack, Told]]:
    """Some events of a random stream as a live engine saw them."""
    draw = random.Random(48_000 + seed)
    text = random_pack(draw, scores=seed % 5 == 0)
    pack = sound_pack(folder, text.body, LIST_FILES)
    watched = watched_inputs(pack)
    batch = decode([each.raw for each in steady_stream(draw, 120)])
    made = Engine(pack, watched=watched).decide(batch, pack.entries_by_list)
    judged = [at for at in made.positions if at >= 0 and at not in made.repeated]
    seen = dict(zip(judged, made.watched, strict=True))
    in_time = [at for at in judged if at not in made.strayed]
    for at in draw.sample(in_time, min(IDS, len(in_time))):
        values = dict(zip(watched, seen[at], strict=True))
        yield text, pack, Told(batch.events[at], values, pack.entries_by_list, int(batch.timestamp_ms[at]))


def _with(told: Told, read: Input, value: Value) -> Told:
    return told._replace(values={**told.values, read: value})


def _tried(text: PackText, told: Told, each: Alternative) -> Callable[[Any], str]:
    """The action with another value in the place of an alternative's."""
    if each.kind == "param":
        rule, name = each.name.split(": params.")
        bare = next(rule_text for rule_text in text.rules if rule_text.id == rule).params[name].bare
        assert not bare or isinstance(each.new, int)
        return lambda value: action(text, told, {(rule, name): value})
    (read,) = [read for read in told.values if PREFIXES.get(read.kind, "") + read.name == each.name]
    return lambda value: action(text, _with(told, read, value))


def _between(old: Any, new: Any, draw: random.Random) -> list[Any]:
    """Values from the old one on, up to just before the new one."""
    if isinstance(old, int) and isinstance(new, int):
        step = 1 if new > old else -1
        every = range(old, new, step)
        return list(every) if len(every) < 600 else [*every[:200], *every[-200:], *draw.sample(every, 200)]
    inner = [old + (new - old) * draw.random() for _ in range(60)]
    return [old, math.nextafter(new, old), *(each for each in inner if min(old, new) < each < max(old, new))]


def test_each_alternative_is_true_and_no_nearer_value_is_one(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    draw = random.Random(7)
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        for text, pack, told in _told(folder, seed):
            now = action(text, told)
            search = alternatives(pack, told.event.type, Seen(told.values, pack.entries_by_list, told.moment_ms))
            seen["searches"] += 1
            seen["given up"] += len(search.given_up)
            for each in search.found:
                seen[each.kind] += 1
                if each.kind == "list":
                    continue
                tried = _tried(text, told, each)
                assert tried(each.new) == each.action != now, each
                if isinstance(each.old, bool | str | None) or each.new is None:
                    continue
                seen["numbers"] += 1
                assert all(tried(value) != each.action for value in _between(each.old, each.new, draw)), each
    assert min(seen[each] for each in ("field", "feature", "attribute", "numbers")) > 10, seen
    assert seen["param"] > 2, seen
    assert 10 * seen["given up"] < seen["searches"], seen


def test_where_nothing_is_found_there_is_nothing_nearby(tmp_path: Path) -> None:
    tried = 0
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        for text, pack, told in _told(folder, seed):
            now = action(text, told)
            search = alternatives(pack, told.event.type, Seen(told.values, pack.entries_by_list, told.moment_ms))
            sides = {(each.name, _is_more(each)) for each in search.found if each.kind in ("field", "feature")}
            for read, value in told.values.items():
                if not _is_whole(value, read) or read.name in search.given_up:
                    continue
                for is_more, values in (
                    (True, range(value + 1, value + AROUND)),
                    (False, range(max(0, value - AROUND), value)),
                ):
                    if (read.name, is_more) not in sides:
                        tried += 1
                        assert all(action(text, _with(told, read, other)) == now for other in values), (read, value)
    assert tried > 200


def _is_whole(value: Value, read: Input) -> TypeGuard[int]:
    return read.whole and isinstance(value, int) and not isinstance(value, bool) and read.type != "duration"


def _is_more(each: Alternative) -> bool:
    return isinstance(each.new, int | float) and isinstance(each.old, int | float) and each.new > each.old
