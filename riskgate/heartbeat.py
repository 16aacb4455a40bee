"""The sign of life of a run: a small file in its state directory, which any process on any host can read.

It imports nothing heavy, since a probe reads it every few seconds.
"""

import os
from pathlib import Path

import msgspec

FILE = "heartbeat.json"
"""The first process's; another one has its number in the name."""

EVERY_MS = 1_000
"""How often it is written at most."""


class Beat(msgspec.Struct, frozen=True):
    """That the run in process `pid` was making progress at `time_ms`, after so many events, by this pack.

    `refused` says why another one that lies in its folder is not in force, if one does. `demoted` says which rules act
    as something weaker than they say, and as what.
    """

    pid: int
    time_ms: int
    events: int
    pack: str = ""
    refused: str = ""
    demoted: tuple[str, ...] = ()


class HeartbeatError(Exception):
    """No sign of life, told in a sentence for the user."""


class Heartbeat:
    """Shows that process number `process` of a run makes progress."""

    def __init__(self, directory: Path, process: int = 0) -> None:
        self._path = _path(directory, process)
        self._written_ms: int | None = None

    def is_due(self, now_ms: int) -> bool:
        """Whether about a second has passed since the last beat."""
        return self._written_ms is None or not 0 <= now_ms - self._written_ms < EVERY_MS

    def beat(self, events: int, now_ms: int, pack: str = "", refused: str = "", demoted: tuple[str, ...] = ()) -> None:
        """To be called whenever the stream has moved on; writes if it `is_due`. Raises OSError."""
        if not self.is_due(now_ms):
            return
        whole = self._path.with_suffix(".new")
        whole.write_bytes(msgspec.json.encode(Beat(os.getpid(), now_ms, events, pack, refused, demoted)) + b"\n")
        whole.replace(self._path)
        self._written_ms = now_ms


def last_beat(directory: Path, process: int = 0) -> Beat:
    """Raises HeartbeatError where there is none or it cannot be read."""
    path = _path(directory, process)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beat)
    except FileNotFoundError:
        raise HeartbeatError(f"no run has made progress in `{directory}` yet: there is no {path.name}") from None
    except OSError as error:
        raise HeartbeatError(f"expected a heartbeat that can be read, got `{path}`: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HeartbeatError(f"expected the heartbeat of a run, got `{path}`: {error}") from error


def _path(directory: Path, process: int) -> Path:
    return directory / (f"heartbeat-{process}.json" if process else FILE)
