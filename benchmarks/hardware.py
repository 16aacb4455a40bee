"""On what, and with which code, figures were taken."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUIET_LOAD = 0.5
PACKAGES = ("numpy", "numba", "msgspec", "bytewax", "confluent-kafka")


def describe() -> dict[str, str]:
    """Names and values for the head of a table."""
    return {
        "processor": f"{_first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.1f} GB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def doubt() -> str:
    """What to say when the machine has other work to do; empty when it is quiet."""
    load = os.getloadavg()[0]
    if load <= QUIET_LOAD:
        return ""
    return f"the machine is busy (load {load:.1f}): figures taken now are too high, and ratios are rough"


def commit() -> str:
    """The short commit of the work tree, with `-changed` where files differ from it; `none` outside of git."""
    head = _git("rev-parse", "--short=8", "HEAD")
    if not head:
        return "none"
    return f"{head}-changed" if _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _first(file: str, field: str) -> str:
    lines = (line.partition(":") for line in Path(file).read_text().splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == field), "unknown")
