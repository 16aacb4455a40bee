"""The clock of the commands: all below them is told the time."""

import time


def clock_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
