"""Opens what a run keeps in its state directory to somebody who only looks, also while the run goes on."""

from collections.abc import Iterator
from pathlib import Path

from engine import Record, signature_of
from flows import kept_records
from journal import Identity, StateDirectory
from riskgate.recovering import recovering
from rules import Pack


def records_in(directory: Path, pack: Pack) -> Iterator[Record]:
    """All records there are, by their turn. Raises StateError and FlowError, here or as they are read."""
    state = StateDirectory.look(directory, Identity(pack.name, signature_of(pack)))
    with recovering(f"reading {directory}") as report:
        yield from kept_records(state.read(report))
