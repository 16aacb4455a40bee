"""A backtest decides as the live engine: the same action, rules and shadow rules on random packs and streams."""

import random
from pathlib import Path

import pytest

from rules import Pack
from support.backtests import decided_by_backtest, decided_live, waits_by_backtest, waits_live
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import random_stream
from support.rule_packs import sound_pack
from workbench.feature_table import compute, feature_table
from workbench.history import History

SEEDS = range(30)


def _ignore(_: float) -> None:
    """Nobody watches the progress."""


def _drawn(folder: Path, seed: int, *, scores: bool) -> tuple[Pack, Path]:
    """A random pack, and a file with a random stream for it."""
    draw = random.Random(9_000 * seed + scores)
    pack = sound_pack(folder, random_pack(draw, scores=scores).body, LIST_FILES)
    path = folder / "history.ndjson"
    path.write_bytes(b"".join(event.raw + b"\n" for event in random_stream(draw, 240)))
    return pack, path


@pytest.mark.parametrize("scores", [False, True], ids=["columns", "scores"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_backtest_decides_as_the_live_engine(
    seed: int, scores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.ranks.SETTLED", 15)
    pack, path = _drawn(tmp_path, seed, scores=scores)
    table = compute(pack, History(path), _ignore)
    assert decided_by_backtest(pack, table) == decided_live(pack, path)
    assert waits_by_backtest(pack, table) == waits_live(pack, path)


def test_random_histories_have_every_kind_of_decision(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Else the test above would say little."""
    actions: set[str] = set()
    live = shadow = 0
    for seed in SEEDS:
        for action, rules, shadows in decided_live(*_drawn(tmp_path_factory.mktemp("drawn"), seed, scores=False)):
            actions.add(action)
            live += len(rules)
            shadow += len(shadows)
    assert actions == {"allow", "review", "step_up", "block"}
    assert min(live, shadow) > 200


def test_a_table_that_was_kept_is_the_same(tmp_path: Path) -> None:
    pack, path = _drawn(tmp_path, 3, scores=False)
    first = feature_table(pack, History(path), tmp_path / "kept", _ignore)
    seen: list[float] = []
    again = feature_table(pack, History(path), tmp_path / "kept", seen.append)
    assert seen == []
    assert again.events.equals(first.events)
    assert again.labels.equals(first.labels)
    assert again.waits.equals(first.waits)
    assert again.account == first.account
    assert decided_by_backtest(pack, again) == decided_live(pack, path)
