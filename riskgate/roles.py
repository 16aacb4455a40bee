"""What a process is in a run: the only one, or one of several workers, with or without a supervisor."""

import os
import secrets
import sys
from typing import NamedTuple, NoReturn

import click

from flows import Place
from riskgate.overseen import Overseer, is_overseen


class Role(NamedTuple):
    """`place` is None where the process is the only one, `overseer` where nobody on this machine started it."""

    place: Place | None
    overseer: Overseer | None

    @property
    def number(self) -> int:
        """Which worker it is, from 0; also the slot of a state directory that it writes."""
        return 0 if self.place is None else self.place.number

    @property
    def workers(self) -> int:
        return 1 if self.place is None else len(self.place.addresses)

    @property
    def is_first(self) -> bool:
        """The one that tells what all of them could tell."""
        return self.number == 0

    def new_key(self) -> bytes:
        """The key for hashing ids where none is kept; all workers of a run need the same."""
        return secrets.token_bytes(16) if self.overseer is None else self.overseer.key

    def notify(self, line: str) -> None:
        worker = "" if self.place is None else f"worker {self.number}: "
        click.echo(f"riskgate: {worker}{line}", err=True)


def role_of(place: Place | None) -> Role:
    """The role of this process at that place."""
    return Role(place, Overseer.found() if place is not None and is_overseen() else None)


def keep_standard_output() -> None:
    """Leaves the descriptor of standard output to nobody: bytewax writes to it while it waits for others."""
    sys.stdout.flush()
    kept = os.dup(sys.stdout.fileno())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    sys.stdout = os.fdopen(kept, "w", encoding="utf-8")


def end_now(code: int) -> NoReturn:
    """Ends the process without waiting for threads that wait for other processes."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
