"""A worker that a supervisor on the same machine started: how they find each other, and what they say."""

import os
import socket
from contextlib import suppress
from threading import Thread

import msgspec

from flows.lifecycle import Stop
from flows.tally import Tally

OPENED = b"opened\n"
"""Said once the worker has its state directory and both ends."""

PEER_GONE_EXIT = 70
"""The exit code of a worker that ended because another one had."""

_LINE = "RISKGATE_LINE"
_KEY = "RISKGATE_HASH_KEY"


class Report(msgspec.Struct):
    """What a worker did, and how long that took."""

    tally: Tally
    duration_s: float


def decode_report(said: bytes) -> Report:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(said, type=Report, dec_hook=lambda kind, value: kind(value))


def environment(line: int, key: bytes) -> dict[str, str]:
    """What a worker is started with: the descriptor of its end of the line, and the key that ids are hashed with."""
    return {_LINE: str(line), _KEY: key.hex()}


class Overseer:
    """The worker's end of the line to its supervisor."""

    def __init__(self, line: socket.socket, key: bytes) -> None:
        self._line = line
        self.key = key

    @classmethod
    def found(cls) -> "Overseer":
        """The one that started this process."""
        return cls(socket.socket(fileno=int(os.environ[_LINE])), bytes.fromhex(os.environ[_KEY]))

    def watch(self, stop: Stop) -> None:
        """Requests the stop when the supervisor is gone."""

        def wait() -> None:
            with suppress(OSError):
                self._line.recv(1)
            stop.request()

        Thread(target=wait, name="overseer", daemon=True).start()

    def opened(self) -> None:
        self._say(OPENED)

    def report(self, tally: Tally, duration_s: float) -> None:
        self._say(msgspec.json.encode(Report(tally, duration_s)) + b"\n")

    def _say(self, words: bytes) -> None:
        with suppress(OSError):  # a supervisor that is gone needs to know nothing
            self._line.sendall(words)


def is_overseen() -> bool:
    return _LINE in os.environ
