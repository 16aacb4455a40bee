"""What a person sees while a stream runs: a live screen in a terminal, plain lines elsewhere."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple, Protocol

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from schemas import ACTIONS, Action

COLOURS: dict[Action, str] = {"allow": "green", "review": "cyan", "step_up": "yellow", "block": "red"}

_LATEST = 10
_BAR_CELLS = 28
_REFRESH_S = 0.12
_RATE_OVER_S = 1.0
_PLAIN_LINES = 10
_LOCAL = timezone(timedelta(hours=8))


class Block(NamedTuple):
    """A blocked transaction: when, whose, how much, and the reason."""

    timestamp_ms: int
    user_id: str
    amount: str
    rule: str
    text: str


@dataclass(slots=True)
class Progress:
    """How far a run is. `timestamp_ms` is the time of the latest event, `elapsed_s` the time the run has taken."""

    title: str
    events_total: int
    events: int = 0
    timestamp_ms: int = 0
    elapsed_s: float = 0.0
    actions: Counter[Action] = field(default_factory=Counter)
    latest: deque[Block] = field(default_factory=lambda: deque(maxlen=_LATEST))
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    def advance(self, events: int, timestamp_ms: int, elapsed_s: float) -> None:
        """Takes in that so many more events are done, whose decisions are in `actions` already."""
        self.events += events
        self.timestamp_ms, self.elapsed_s = timestamp_ms, elapsed_s
        self._marks.append((elapsed_s, self.actions.total()))
        while self._marks[0][0] < elapsed_s - _RATE_OVER_S:
            self._marks.popleft()

    @property
    def decisions_per_second(self) -> float:
        """The rate over the last second."""
        start_s, before = self._marks[0] if self._marks[0][0] < self.elapsed_s else (0.0, 0)
        return (self.actions.total() - before) / max(self.elapsed_s - start_s, 1e-9)


class View(Protocol):
    """Shows a run while it goes on."""

    def __enter__(self) -> "View": ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, progress: Progress) -> None: ...


class LiveView:
    """A screen that is drawn again a few times a second, by the thread that calls `show`."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._next_s = 0.0

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s or progress.events == progress.events_total:
            self._live.update(screen(progress), refresh=True)
            self._next_s = now_s + _REFRESH_S


class PlainView:
    """A few lines without control codes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, progress: Progress) -> None:
        part = progress.events * _PLAIN_LINES // max(progress.events_total, 1)
        if part > self._shown:
            self._shown = part
            counts = "  ".join(f"{action} {progress.actions[action]:,}" for action in ACTIONS)
            done = f"{progress.events / progress.events_total:4.0%}  {progress.events:,} events"
            rate = f"{progress.decisions_per_second:,.0f} decisions/s"
            self._console.print(f"{done}  {rate}  {counts}", highlight=False, soft_wrap=True)


def view_for(console: Console, plain: bool) -> View:
    return PlainView(console) if plain or not console.is_terminal else LiveView(console)


def screen(progress: Progress) -> RenderableType:
    """The whole live screen."""
    return Group(
        Panel(_head(progress), title=progress.title, title_align="left", box=ROUNDED, border_style="bright_black"),
        Panel(_decisions(progress.actions), title="decisions", title_align="left", border_style="bright_black"),
        Panel(_blocks(progress.latest), title="latest blocks", title_align="left", border_style="bright_black"),
    )


def moment(timestamp_ms: int, pattern: str) -> str:
    """A point in time in China, whose days the simulated stream follows."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).astimezone(_LOCAL).strftime(pattern)


def _head(progress: Progress) -> Table:
    grid = Table.grid(expand=True, padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(
        Text(f"{progress.decisions_per_second:>9,.0f} decisions/s", style="bold"),
        ProgressBar(total=progress.events_total, completed=progress.events, complete_style="blue"),
        f"{progress.events:,} of {progress.events_total:,} events   {moment(progress.timestamp_ms, '%a %d %b %H:%M')}",
    )
    return grid


def _decisions(actions: Counter[Action]) -> Table:
    """Counts and shares; the bars compare what was not allowed."""
    total = max(actions.total(), 1)
    longest = max(1, *(actions[action] for action in ACTIONS[1:]))
    grid = Table.grid(expand=True, padding=(0, 2))
    for justify in ("left", "right", "right"):
        grid.add_column(justify="right" if justify == "right" else "left", no_wrap=True, min_width=8)
    grid.add_column(ratio=1, no_wrap=True)
    for action in ACTIONS:
        colour = COLOURS[action]
        cells = 0 if action == "allow" else round(_BAR_CELLS * actions[action] / longest)
        grid.add_row(
            Text(action, style=f"bold {colour}"),
            f"{actions[action]:,}",
            f"{actions[action] / total:.2%}",
            Text("█" * cells, style=colour),
        )
    return grid


def _blocks(latest: Sequence[Block]) -> Table:
    grid = Table.grid(expand=True, padding=(0, 2))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True, style="red")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for block in reversed(latest):
        grid.add_row(moment(block.timestamp_ms, "%H:%M:%S"), block.user_id, block.amount, block.rule, block.text)
    for _ in range(_LATEST - len(latest)):
        grid.add_row("")
    return grid
