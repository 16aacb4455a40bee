"""How a run ends: by itself, by a signal, or by a failure that a user can understand."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class FlowError(Exception):
    """Input or output that cannot go on, told in a sentence for the user."""


class StoppedError(FlowError):
    """The stop came before anything was taken."""


class PeerGoneError(FlowError):
    """Another process of the cluster has ended, and this one cannot go on alone."""


class Stop:
    """Set once somebody wants the run to end; whoever waits for something looks at it."""

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        self.requested = True


STOPPING = b"riskgate: stopping; once more to stop at once\n"


@contextmanager
def stopped_by_signals(stop: Stop, notice: bytes = STOPPING) -> Iterator[None]:
    """SIGINT and SIGTERM request the stop; the second one ends the process at once with 128 + its number.

    `notice` is written to standard error at the first.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            os._exit(128 + number)
        stop.request()
        os.write(sys.stderr.fileno(), notice)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
