"""What held events and live keys may take of memory, for the plan of workload W, and ids in the ledger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BYTES_PER_EVENT = 150
BYTES_PER_KEY = 400
BYTES_PER_ID = 48


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")


def taken_by(program: str, argument: int) -> dict[str, int]:
    """What a program of `tests.support` prints."""
    run = subprocess.run(
        [sys.executable, "-m", f"support.{program}", str(argument)],
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    printed: dict[str, int] = json.loads(run.stdout)
    return printed


@needs_proc
@pytest.mark.parametrize("keys", [50, 5000, 10**9])
def test_memory_is_bounded_by_held_events_and_live_keys(keys: int) -> None:
    taken = taken_by("window_memory", keys)
    assert taken["events"] == 200_000
    assert taken["bytes"] > 100 * taken["events"]
    assert taken["bytes"] <= BYTES_PER_EVENT * taken["events"] + BYTES_PER_KEY * taken["keys"], taken


@needs_proc
@pytest.mark.parametrize("ids", [2_900_000, 2_960_000])
def test_memory_is_bounded_by_ids_in_the_ledger(ids: int) -> None:
    """Just before its table is doubled, and just after."""
    taken = taken_by("ledger_memory", ids)
    assert ids <= taken["entries"] < ids + 8192
    assert 24 * ids < taken["bytes"] <= BYTES_PER_ID * taken["entries"], taken
