"""A word for who waits: the first engine on a machine compiles the kernels, which takes a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import click

from engine import Engine
from rules import Pack

PATIENCE_S = 2.0
"""Kernels that are compiled already are loaded well within this."""


@contextmanager
def loading_kernels(patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Says on standard error what takes so long, if it does."""
    line = "riskgate: loading the kernels; the first time on a machine they are compiled ..."
    timer = Timer(patience_s, click.echo, [line], {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def load_kernels(pack: Pack) -> None:
    """Loads what an engine of the pack needs, and says so if it takes long; whoever makes one next does not wait."""
    with loading_kernels():
        Engine(pack)
