"""`riskgate replay` on what a real run has given out."""

import json
from pathlib import Path

import msgspec
import pytest

from simulator import simulate
from support.commands import ROOT, riskgate

PACK = ROOT / "rules" / "packs" / "game-points"
EVENTS = 4_000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events of the simulator, and what `riskgate run` decided on them."""
    folder = tmp_path_factory.mktemp("run")
    entries = list(simulate(3, 150, 14))[:EVENTS]
    lines = [msgspec.json.encode(event) + b"\n" for event, _ in entries]
    (folder / "events.ndjson").write_bytes(b"".join([*lines, b"no json\n", *lines[-5:]]))
    done = riskgate("run", "--pack", PACK, "--input", folder / "events.ndjson", "--output", folder / "decisions.ndjson")
    assert done.returncode == 0, done.stderr
    return folder


def _replay(run: Path, decisions: Path, *options: str) -> tuple[int, str]:
    done = riskgate("replay", "--pack", PACK, "--data", run / "events.ndjson", "--decisions", decisions, *options)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_history_gives_the_decisions_that_were_given(run: Path) -> None:
    count = len((run / "decisions.ndjson").read_bytes().splitlines())
    code, told = _replay(run, run / "decisions.ndjson")
    assert code == 0, told
    assert f"identical  {count:,}\ndifferent  0\nmissing    0" in told
    code, told = _replay(run, run / "decisions.ndjson", "--from", "2000")
    assert code == 0, told
    assert "decisions on events before are not compared" in told


def test_every_difference_is_told(run: Path, tmp_path: Path) -> None:
    lines = (run / "decisions.ndjson").read_text().splitlines()
    changed = json.loads(lines[7]) | {"action": "review", "rules": ["game.none"]}
    strange = json.loads(lines[8]) | {"transaction_id": "t_none"}
    given = [*lines[:7], json.dumps(changed), json.dumps(strange), *lines[9:]]
    (tmp_path / "given.ndjson").write_text("".join(f"{line}\n" for line in given))
    code, told = _replay(run, tmp_path / "given.ndjson", "--json", str(tmp_path / "replay.json"))
    assert code == 3
    was = json.loads(lines[7])["action"]
    assert (
        f"{changed['transaction_id']}\n  action: review then, {was} now\n  rules: game.none then, nothing now" in told
    )
    assert f"missing: {json.loads(lines[8])['transaction_id']}" in told
    assert "extra: t_none" in told
    report = json.loads((tmp_path / "replay.json").read_text())
    assert (report["identical"], report["different"], report["missing"], report["extra"]) == (len(lines) - 2, 1, 1, 1)
    (tmp_path / "given.ndjson").write_text("no decision\n")
    code, told = _replay(run, tmp_path / "given.ndjson")
    assert code == 1
    assert "expected a decision in" in told
    assert "Traceback" not in told
