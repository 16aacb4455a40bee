"""Runs `riskgate` as its users do: as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.services import wait_until

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 180
"""The first run of all compiles the kernels."""


def riskgate(*arguments: str | Path, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Runs to the end and returns what it printed."""
    return subprocess.run(
        riskgate_command(*arguments), input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False, cwd=ROOT
    )


class Running:
    """A process under way; `process` has pipes at standard input and output, standard error goes to a file."""

    def __init__(self, arguments: tuple[str | Path, ...], stderr: Path) -> None:
        self._stderr = stderr
        with stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                riskgate_command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT
            )

    @property
    def told(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    def await_told(self, text: str, timeout_s: float = TIMEOUT_S) -> None:
        wait_until(lambda: text in self.told, timeout_s, f"`{text}`, told only: {self.told}")

    def end(self, signal: int | None = None, timeout_s: float = TIMEOUT_S) -> int:
        """Sends the signal, if any, and waits for the exit code."""
        if signal is not None:
            self.process.send_signal(signal)
        return self.process.wait(timeout_s)


@contextmanager
def started(stderr: Path, *arguments: str | Path) -> Iterator[Running]:
    """A running process that is killed if it is still there in the end."""
    running = Running(arguments, stderr)
    with running.process:
        try:
            yield running
        finally:
            running.process.kill()


def riskgate_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "riskgate", *map(str, arguments)]
