"""Commands whose standard input or output is gone, full, or read by somebody who leaves."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import ROOT, TIMEOUT_S

PACK = "rules/packs/game-points"
DEMO = "demo --events 2000"
NULL = "run --pack rules/packs/game-points --input /dev/null --output -"


def shell(arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs `riskgate` with the arguments and redirections; the exit code is that of riskgate in a pipe too."""
    line = f"set -o pipefail; {shlex.quote(sys.executable)} -m riskgate {arguments}"
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=ROOT,
        env={**os.environ, **variables},
    )


@pytest.mark.parametrize("lines", [1, 3])
def test_the_demo_ends_quietly_when_its_reader_has_seen_enough(lines: int) -> None:
    done = shell(f"{DEMO} | head -{lines}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == lines


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [DEMO, f"lint {PACK}", f"test {PACK}", "--help"])
def test_a_full_disk_behind_standard_output_is_told_in_a_line(arguments: str) -> None:
    done = shell(f"{arguments} >/dev/full")
    assert (done.returncode, done.stderr) == (1, "riskgate: error: No space left on device\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (f"run --pack {PACK} --input - --output - <&-", "expected an input that can be read, got `-`: it is closed"),
        (f"{NULL} >&-", "expected an output that can be written, got `-`: it is closed"),
    ],
)
def test_a_closed_standard_input_or_output_is_told_in_a_line(arguments: str, told: str) -> None:
    done = shell(arguments)
    assert (done.returncode, done.stderr) == (1, f"riskgate: error: {told}\n")


def test_the_loss_of_standard_error_changes_nothing() -> None:
    assert shell(f"{NULL} 2>&-").returncode == 0


def test_a_terminal_without_box_characters_gets_the_rest() -> None:
    done = shell(DEMO, PYTHONIOENCODING="latin-1:strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Planted fraud" in done.stdout
