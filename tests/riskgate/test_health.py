import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from riskgate.heartbeat import EVERY_MS, FILE, Beat, Heartbeat, HeartbeatError, last_beat
from support.commands import ROOT, riskgate

NOW_MS = 1_790_000_000_000


def test_what_was_beaten_is_read(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat(7, NOW_MS)
    assert last_beat(tmp_path) == Beat(os.getpid(), NOW_MS, 7)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_it_is_written_once_a_second_and_at_once_when_the_clock_was_set_back(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path)
    seen = []
    for events, now_ms in enumerate((0, 1, EVERY_MS - 1, EVERY_MS, EVERY_MS + 1, 3 * EVERY_MS, -60_000)):
        heartbeat.beat(events, NOW_MS + now_ms)
        seen.append(last_beat(tmp_path).events)
    assert seen == [0, 0, 0, 3, 3, 5, 6]


def test_one_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        Heartbeat(tmp_path / "gone").beat(1, NOW_MS)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"pid": 1}', '{"pid": 1, "time_ms": "x", "events": 2}', "\0", '{"pid": "\\ud800"}']
)
def test_another_file_is_no_heartbeat(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(HeartbeatError, match=f"expected the heartbeat of a run, got `.*{FILE}`"):
        last_beat(tmp_path)


@pytest.mark.parametrize(("age_s", "within", "code"), [(0, "30s", 0), (25, "1m", 0), (90, "1m", 1), (-90, "1m", 1)])
def test_health_is_the_age_of_the_last_progress(tmp_path: Path, age_s: int, within: str, code: int) -> None:
    Heartbeat(tmp_path).beat(1_234, time.time_ns() // 1_000_000 - age_s * 1_000)
    done = riskgate("health", tmp_path, "--within", within)
    told = (done.stderr if code else done.stdout).decode()
    assert done.returncode == code
    assert told.count("\n") == 1
    assert f"run {os.getpid()}, 1,234 events, last progress" in told
    assert ("expected within 60 s" in told) == (code == 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no run has made progress in"),
        ("half a lin", "expected the heartbeat of a run, got"),
    ],
)
def test_no_sign_of_life_is_told_in_a_line(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content, encoding="utf-8")
    done = riskgate("health", tmp_path)
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"riskgate: {message}")
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_a_directory_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    done = riskgate("health", tmp_path / "nowhere")
    assert done.returncode == 1
    assert b"nowhere" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_probe_loads_no_dataflow_and_no_kernels(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat(1, time.time_ns() // 1_000_000)
    code = "import sys; from riskgate.cli import cli; cli(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "health", tmp_path], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = done.stdout.split()
    assert "riskgate.heartbeat" in loaded
    assert not {"bytewax", "numba", "numpy", "confluent_kafka", "yaml", "flows"} & set(loaded)


@pytest.mark.parametrize("within", ["30", "0s", "s", "-1s", "1d", "999999s"])
def test_a_wrong_duration_is_told(tmp_path: Path, within: str) -> None:
    done = riskgate("health", tmp_path, "--within", within)
    assert done.returncode == 1
    assert f"expected a duration such as `30s`, `5m` or `1h`, got `{within}`" in done.stderr.decode()


def test_a_beat_says_who_when_and_how_much(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat(7, NOW_MS, "p@1", "no", ("a.b acts as review",))
    told = {"pid": os.getpid(), "time_ms": NOW_MS, "events": 7, "pack": "p@1", "refused": "no"}
    assert json.loads((tmp_path / FILE).read_text()) == told | {"demoted": ["a.b acts as review"]}
