"""What the kernel counts of a process, from /proc."""

import os
import time
from pathlib import Path
from typing import NamedTuple

MB = 1e6

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Resident(NamedTuple):
    """Physical memory of a process, in bytes: now, and at its highest."""

    now: int
    peak: int


def cpu_s(pid: int) -> float:
    """User and system time of all its threads, also of those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def resident(pid: int) -> Resident:
    """Raises KeyError where the process is ending and has no memory any more."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return Resident(*(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")))


def age_s() -> float:
    """For how long this process has been running, to a hundredth."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _TICKS_PER_S
