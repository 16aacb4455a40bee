"""Collects values by key, one for each run, and runs what is measured inside a process of its own."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import IO

Values = dict[str, list[float]]


class Collection:
    """`step` hears what is being measured as it begins."""

    def __init__(self, step: Callable[[str], None]) -> None:
        self.step = step
        self._values: defaultdict[str, list[float]] = defaultdict(list)

    @property
    def values(self) -> Values:
        return dict(self._values)

    def add(self, key: str, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._values[f"{key}.{name}"].append(value)

    def measure(self, key: str, module: str, *arguments: object, lines: IO[bytes] | None = None) -> dict[str, float]:
        """Adds the figures that the module prints as JSON, given `lines` on its standard input."""
        self.step(f"in process: {key}")
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        done = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE, check=True)
        figures: dict[str, float] = json.loads(done.stdout)
        self.add(key, figures)
        return figures


def ratios(ours: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """How many times as much ours is, by name, of what can be compared."""
    return {name: value / other[name] for name, value in ours.items() if name in other and name != "peak_mb"}
