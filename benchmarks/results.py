"""Results: a table for people, JSON for comparing two commits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.quantities import LONG_SECTIONS, SECTIONS, Quantity, Section

FOLDER = Path(__file__).parent / "results"


class Results(msgspec.Struct, frozen=True):
    """One run of the suite: for each quantity the values of all rounds."""

    taken: datetime
    commit: str
    hardware: dict[str, str]
    values: dict[str, list[float]]

    @property
    def head(self) -> dict[str, str]:
        """What a table says before its rows."""
        return {"commit": self.commit, "taken": f"{self.taken:%Y-%m-%d %H:%M} UTC", **self.hardware}


def save(results: Results, kind: str = "") -> Path:
    """Writes `results/<UTC date>-<commit><kind>.json`; a later run of the same day, commit and kind replaces it."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{results.taken.astimezone(UTC):%Y-%m-%d}-{results.commit}{kind}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return file


def read(file: Path) -> Results:
    """Ends the program with a line where the file holds no results."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Results)
    except (OSError, msgspec.MsgspecError) as error:
        raise SystemExit(f"expected the results of a benchmark in `{file}`: {error}") from error


def show(results: Results, console: Console) -> None:
    """Prints medians, ranges and goals."""
    for name, value in results.head.items():
        console.print(f"{name:>12}  {value}", highlight=False, soft_wrap=True)
    table = _table("", "median", "range", "unit", "goal", "")
    for section, quantities in _measured(results):
        table.add_row(section.title, style="bold")
        for quantity in quantities:
            values = results.values[quantity.key]
            middle = median(values)
            spread = f"{_number(min(values))}-{_number(max(values))}" if len(values) > 1 else ""
            goal = "" if quantity.most is None else f"<= {_number(quantity.most)}"
            met = "" if quantity.most is None else "met" if middle <= quantity.most else "[red]missed[/]"
            table.add_row(f"  {quantity.what}", _number(middle), spread, quantity.unit, goal, met)
        table.add_section()
    console.print(table)


def compare(before: Results, after: Results, console: Console) -> None:
    """Prints for each quantity that both have how many times as much the second is."""
    for name in ("commit", *before.hardware):
        one, other = ((r.commit if name == "commit" else r.hardware.get(name, "")) for r in (before, after))
        console.print(
            f"{name:>12}  {one}" + ("" if one == other else f"  ->  {other}"), highlight=False, soft_wrap=True
        )
    table = _table("", "before", "after", "unit", "after/before")
    for section, quantities in _measured(before):
        table.add_row(section.title, style="bold")
        for quantity in quantities:
            if quantity.key in after.values:
                old, new = median(before.values[quantity.key]), median(after.values[quantity.key])
                ratio = f"{new / old:.2f}" if old else ""
                table.add_row(f"  {quantity.what}", _number(old), _number(new), quantity.unit, ratio)
        table.add_section()
    console.print(table)


def _measured(results: Results) -> Iterator[tuple[Section, list[Quantity]]]:
    for section in (*SECTIONS, *LONG_SECTIONS):
        quantities = [each for each in section.quantities if each.key in results.values]
        if quantities:
            yield section, quantities


def _table(*titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for number, title in enumerate(titles):
        table.add_column(
            title, justify="right" if title not in ("", "unit", "goal") and number else "left", no_wrap=not number
        )
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
