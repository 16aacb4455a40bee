"""Draws docs/demo.svg: what `riskgate demo` leaves on the terminal, from a real run. `make picture` calls it."""

import re
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

import rules
from flows import Stop
from riskgate.commands.demo import EVENTS, SEED
from riskgate.demonstration import PACK, Simulation, demonstrate
from riskgate.summary import print_summary
from riskgate.view import Progress, screen

PICTURE = Path(__file__).parent.parent / "docs" / "demo.svg"
WIDTH = 112


class _Keeper:
    """A view that keeps what it was last shown."""

    def __init__(self) -> None:
        self.progress: Progress | None = None

    def __enter__(self) -> "_Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, progress: Progress) -> None:
        self.progress = progress


def draw() -> str:
    """The picture as SVG; it names no font that would have to be fetched."""
    pack = rules.load(PACK).pack
    if pack is None:
        sys.exit(f"the pack {PACK} has findings; `riskgate lint {PACK}` shows them")
    keeper = _Keeper()
    scores, speed = demonstrate(Simulation(SEED, EVENTS), pack, keeper, Stop())
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    if keeper.progress is not None:
        console.print(screen(keeper.progress))
    print_summary(console, scores, speed, pack.currency)
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="riskgate demo"), flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(draw())
    print(PICTURE)
