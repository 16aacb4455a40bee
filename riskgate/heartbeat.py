"""The sign of life of a run: a small file in its state directory, which any process on any host can read.

It imports nothing heavy, since a probe reads it every few seconds.
"""

import os
from pathlib import Path

import msgspec

FILE = "heartbeat.json"
EVERY_MS = 1_000
"""How often it is written at most."""


class Beat(msgspec.Struct, frozen=True):
    """That the run in process `pid` was making progress at `time_ms`, after so many events."""

    pid: int
    time_ms: int
    events: int


class HeartbeatError(Exception):
    """No sign of life, told in a sentence for the user."""


class Heartbeat:
    """Shows that a run makes progress. One process writes it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._written_ms: int | None = None

    def beat(self, events: int, now_ms: int) -> None:
        """To be called whenever the stream has moved on; writes about once a second. Raises OSError."""
        if self._written_ms is not None and 0 <= now_ms - self._written_ms < EVERY_MS:
            return
        whole = self._path.with_suffix(".new")
        whole.write_bytes(msgspec.json.encode(Beat(os.getpid(), now_ms, events)) + b"\n")
        whole.replace(self._path)
        self._written_ms = now_ms


def last_beat(directory: Path) -> Beat:
    """Raises HeartbeatError where there is none or it cannot be read."""
    path = directory / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beat)
    except FileNotFoundError:
        raise HeartbeatError(f"no run has made progress in `{directory}` yet: there is no {FILE}") from None
    except OSError as error:
        raise HeartbeatError(f"expected a heartbeat that can be read, got `{path}`: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HeartbeatError(f"expected the heartbeat of a run, got `{path}`: {error}") from error
