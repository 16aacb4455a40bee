"""`riskgate state` shows a directory and leaves it alone."""

import os
from pathlib import Path

from support.commands import riskgate
from support.journals import Run, segment


def test_what_a_directory_holds(tmp_path: Path) -> None:
    run = Run(tmp_path, slots=(0, 1), workers=2)
    run.append(b"x" * 1_000_000)
    run.journals[1].close()
    os.utime(segment(tmp_path, 1), (0, 0))
    done = riskgate("state", tmp_path)
    assert done.returncode == 0
    assert done.stderr == b""
    title, heads, _, *rows = done.stdout.decode().splitlines()
    assert title == "format 1, pack game-points, signature 5ca1ab1e"
    assert heads.split("  ")[0] == "slot"
    first, second = (row.split() for row in rows)
    assert first[:3] == ["0", "1", f"{segment(tmp_path, 1).stat().st_size:,}"]
    assert int(first[3]) > 20_000, "days since 1970"
    assert first[4:] == ["d", "ago", "process", str(os.getpid()), "on", os.uname().nodename]
    assert second[:3] == ["1", "1", str(segment(tmp_path, 1, slot=1).stat().st_size)]
    assert second[4] in {"s", "min"}
    run.append(b"it still has its owner")
    run.stop()
    assert riskgate("state", tmp_path).stdout.decode().splitlines()[-1].rstrip().endswith("none")


def test_what_is_no_state_directory(tmp_path: Path) -> None:
    done = riskgate("state", tmp_path)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.decode() == (
        f"riskgate: error: expected a state directory, got `{tmp_path}` without `manifest.json`; name one that --state"
        " has made, or restore the file from a backup\n"
    )
