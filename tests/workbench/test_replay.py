"""A replay pairs decisions as a plain comparison does, in whatever order they were given, and with whatever lacks."""

import random
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Engine
from rules import Pack
from schemas import Decision
from support.cuts import Incoming, told
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import random_stream
from support.replay_oracle import Counts, compared
from support.rule_packs import sound_pack
from workbench.history import History
from workbench.replay import Replayed, ReplayError, decisions_in, replay

SEEDS = range(18)


class Drawn(NamedTuple):
    pack: Pack
    history: History
    decisions: list[Decision]
    """Those of a live engine, in order."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Drawn]:
    return [_draw(tmp_path_factory.mktemp("drawn"), seed) for seed in SEEDS]


def _draw(folder: Path, seed: int) -> Drawn:
    draw = random.Random(83_000 + seed)
    pack = sound_pack(folder, random_pack(draw, scores=False).body, LIST_FILES)
    stream = [Incoming(each.raw) for each in random_stream(draw, 60)]
    (folder / "h.ndjson").write_bytes(b"".join(each.raw + b"\n" for each in stream))
    encoded = told(Engine(pack), stream, pack.entries_by_list, [7] * 20).decisions
    return Drawn(pack, History(folder / "h.ndjson"), [msgspec.json.decode(each, type=Decision) for each in encoded])


def _counts(replayed: Replayed) -> Counts:
    return Counts(replayed.identical, replayed.different, replayed.missing, replayed.extra)


def _replayed(drawn: Drawn, then: list[Decision], first: int = 1) -> Replayed:
    return replay(drawn.pack, drawn.history, then, first, lambda _: None)


def test_the_same_decisions_are_identical(drawn: list[Drawn]) -> None:
    duplicates = timers = 0
    for each in drawn:
        replayed = _replayed(each, each.decisions)
        assert _counts(replayed) == Counts(len(each.decisions), 0, 0, 0)
        assert replayed.is_same
        duplicates += sum(decision.duplicate is True for decision in each.decisions)
        timers += sum(decision.timer is not msgspec.UNSET for decision in each.decisions)
    assert min(duplicates, timers) > 3


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changes_are_found(data: st.DataObject, drawn: list[Drawn]) -> None:
    each = drawn[data.draw(st.sampled_from(SEEDS))]
    then: list[Decision] = []
    for decision in data.draw(st.permutations(each.decisions)) if data.draw(st.booleans()) else each.decisions:
        match data.draw(st.sampled_from(("keep", "keep", "keep", "drop", "twice", "act", "miss", "pack", "strange"))):
            case "keep":
                then.append(decision)
            case "twice":
                then += [decision, decision]
            case "act":
                then.append(msgspec.structs.replace(decision, action="review", rules=("other",)))
            case "miss":
                then.append(msgspec.structs.replace(decision, missing=("store",)))
            case "pack":
                then.append(msgspec.structs.replace(decision, pack="other@0123456789ab"))
            case "strange":
                then.append(msgspec.structs.replace(decision, transaction_id=f"{decision.transaction_id}?"))
    assert _counts(_replayed(each, then)) == compared(each.decisions, then)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_events_before_fill_windows_alone(drawn: list[Drawn], share: float) -> None:
    for each in drawn:
        first = 1 + int(60 * share)
        lines = Path(each.history.name).read_bytes().splitlines()
        ids = [
            msgspec.json.decode(line).get("transaction_id") or msgspec.json.decode(line)["event_id"] for line in lines
        ]
        late_ids = set(ids[first - 1 :]) - set(ids[: first - 1])
        whole = _replayed(each, each.decisions, first)
        assert whole.is_same
        assert whole.identical + whole.skipped == len(each.decisions)
        tail = [decision for decision in each.decisions if decision.transaction_id in late_ids]
        rest = _replayed(each, tail, first)
        assert (rest.identical, rest.different, rest.extra) == (len(tail), 0, 0)


def test_what_differs_is_named(drawn: list[Drawn]) -> None:
    (pack, history, decisions), then = drawn[0], list(drawn[0].decisions)
    then[3] = msgspec.structs.replace(then[3], action="block" if then[3].action != "block" else "allow")
    replayed = replay(pack, history, then, 1, lambda _: None)
    (difference,) = replayed.differences
    assert (difference.id, difference.fields) == (
        then[3].transaction_id,
        {"action": (then[3].action, decisions[3].action)},
    )
    assert (replayed.by_field, replayed.packs) == ({"action": 1}, {pack.version: len(then)})


def test_a_line_that_is_no_decision_is_told(tmp_path: Path) -> None:
    path = tmp_path / "decisions.ndjson"
    path.write_text('{"transaction_id": "t1", "timestamp": 1, "action": "allow", "pack": "p@1"}\n{"a": 1}\n')
    with pytest.raises(ReplayError, match=r"expected a decision in .*decisions.ndjson`:2, got none: .*transaction_id"):
        list(decisions_in(path))
    with pytest.raises(ReplayError, match="cannot be read"):
        list(decisions_in(tmp_path / "none"))
