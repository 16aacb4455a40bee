"""Several workers on one machine: starts them, passes signals on, ends all when one is gone, adds up what they did."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import click

from flows.tally import Tally
from riskgate.exits import EXIT_FAILED
from riskgate.overseen import OPENED, PEER_GONE_EXIT, Report, decode_report, environment

LOOK_EVERY_S = 0.1
LAST_WORDS_S = 5.0
"""How long the others may take to end when one worker is gone."""

HOST = "127.0.0.1"


class _Child:
    """One worker's process, and our end of the line to it."""

    def __init__(self, arguments: Sequence[str], number: int, addresses: str, key: bytes) -> None:
        self.number = number
        self.line, theirs = socket.socketpair()
        self._heard = b""
        options = ["--process", str(number), "--addresses", addresses]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "riskgate", *arguments, *options],
            stdin=None if number == 0 else subprocess.DEVNULL,
            stdout=None if number == 0 else subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=os.environ | environment(theirs.fileno(), key),
            # What a terminal sends to its foreground comes by way of us, and so once.
            start_new_session=True,
        )
        theirs.close()

    def listen(self) -> None:
        """Takes in what the worker has said, without waiting."""
        while select.select([self.line], [], [], 0)[0]:
            piece = self.line.recv(65_536)
            if not piece:
                return
            self._heard += piece

    @property
    def has_opened(self) -> bool:
        return self._heard.startswith(OPENED)

    @property
    def report(self) -> Report | None:
        """What it did, once it has said so."""
        said = self._heard.removeprefix(OPENED)
        return decode_report(said) if said.endswith(b"\n") else None


class Supervisor:
    """Runs `riskgate` with `arguments` in so many processes that are one cluster."""

    def __init__(self, arguments: Sequence[str], workers: int) -> None:
        self._arguments = arguments
        self._workers = workers
        self._children: list[_Child] = []
        self._stuck: set[int] = set()
        self._signals = 0
        self._last_signal = signal.SIGTERM

    def run(self) -> int:
        """Returns the exit code."""
        addresses, key = ",".join(f"{HOST}:{port}" for port in _free_ports(self._workers)), os.urandom(16)
        before = {number: signal.signal(number, self._pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._children.append(_Child(self._arguments, 0, addresses, key))
            # What is wrong with the command the first worker tells, once.
            while self._are_running() and not self._children[0].has_opened:
                self._look()
            if self._are_running() and not self._signals:
                others = range(1, self._workers)
                self._children += [_Child(self._arguments, number, addresses, key) for number in others]
            while self._are_running() and not self._codes(failed=True):
                self._look()
            self._end_all()
        finally:
            for child in self._children:
                child.process.kill()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._told()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        self._last_signal = signal.Signals(number)
        for child in self._children:
            child.process.send_signal(number)
        if self._signals == 1:
            os.write(sys.stderr.fileno(), b"riskgate: stopping; once more to stop at once\n")

    def _look(self) -> None:
        select.select([child.line for child in self._children], [], [], LOOK_EVERY_S)
        for child in self._children:
            child.listen()
        time.sleep(0.01)

    def _are_running(self) -> bool:
        return any(child.process.poll() is None for child in self._children)

    def _codes(self, failed: bool) -> dict[int, int]:
        """The exit codes of the workers that have ended, or of those that failed, by number."""
        codes = {child.number: child.process.poll() for child in self._children}
        return {number: code for number, code in codes.items() if code is not None and (code != 0 or not failed)}

    def _end_all(self) -> None:
        """Once one has failed the others end by themselves; one that is stuck is ended."""
        deadline_s = time.monotonic() + LAST_WORDS_S
        while self._are_running() and time.monotonic() < deadline_s:
            self._look()
        for child in self._children:
            if child.process.poll() is None:
                self._stuck.add(child.number)
                child.process.kill()
            child.process.wait()
            child.listen()

    def _told(self) -> int:
        """Says what all of them did, and which one was ended, if so it was."""
        if self._signals > 1:
            return 128 + self._last_signal
        failed = {number: code for number, code in self._codes(failed=True).items() if number not in self._stuck}
        harmless = {PEER_GONE_EXIT, -self._last_signal if self._signals else PEER_GONE_EXIT}
        causes = {number: code for number, code in failed.items() if code not in harmless}
        reports = [child.report for child in self._children if child.report is not None]
        tally = Tally()
        for report in reports:
            tally.add(report.tally)
        if not causes or tally.events:
            click.echo(tally.summary(max((report.duration_s for report in reports), default=0.0)), err=True)
        for number, code in causes.items():
            if code > 0:
                return code
            click.echo(
                f"riskgate: error: worker {number} was ended by {signal.Signals(-code).name}, so all of them ended;"
                " with --state the same command goes on where they were",
                err=True,
            )
            return EXIT_FAILED
        return 0


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
