"""What held events and live keys may take of memory, for the plan of workload W."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BYTES_PER_EVENT = 150
BYTES_PER_KEY = 400


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
@pytest.mark.parametrize("keys", [50, 5000, 10**9])
def test_memory_is_bounded_by_held_events_and_live_keys(keys: int) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.support.window_memory", str(keys)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    taken = json.loads(run.stdout)
    assert taken["events"] == 200_000
    assert taken["bytes"] > 100 * taken["events"]
    assert taken["bytes"] <= BYTES_PER_EVENT * taken["events"] + BYTES_PER_KEY * taken["keys"], taken
