from io import StringIO

import pytest
from rich.console import Console

from riskgate.summary import Speed, print_summary
from riskgate.view import Block, LiveView, PlainView, Progress, screen, view_for
from schemas import Decision, Event, Payment
from simulator import START_MS, Label, Scores

BLOCK = Block(START_MS + 3_600_000, "u_000017", "648.00 CNY", "game.card_burst", "5 different cards in 10 minutes")


def progress() -> Progress:
    made = Progress("a title", events_total=1000)
    made.actions.update(allow=380, block=15, step_up=5)
    made.latest.append(BLOCK)
    made.advance(400, START_MS, elapsed_s=0.5)
    return made


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_rate_is_that_of_the_last_second() -> None:
    made = progress()
    assert made.decisions_per_second == pytest.approx(800)
    for step in range(1, 21):
        made.actions["allow"] += 10
        made.advance(12, START_MS, elapsed_s=0.5 + step / 10)
    assert made.decisions_per_second == pytest.approx(100)


def test_the_screen_shows_counts_shares_and_the_latest_blocks() -> None:
    console = Console(file=StringIO(), width=110)
    console.print(screen(progress()))
    shown = text(console)
    for part in ("a title", "400 of 1,000 events", "380", "95.00%", "3.75%", "01:00:00", "u_000017", "game.card_burst"):
        assert part in shown


def test_without_a_terminal_there_are_plain_lines() -> None:
    console = Console(file=StringIO(), width=60)
    made = progress()
    with view_for(console, plain=False) as view:
        assert isinstance(view, PlainView)
        view.show(made)
        view.show(made)
        made.advance(600, START_MS, elapsed_s=1.0)
        view.show(made)
    lines = text(console).splitlines()
    assert lines[0] == " 40%  400 events  800 decisions/s  allow 380  review 0  step_up 5  block 15"
    assert lines[1].startswith("100%  1,000 events")
    assert len(lines) == 2
    assert "\x1b" not in text(console)


def test_plain_is_obeyed_in_a_terminal() -> None:
    terminal = Console(file=StringIO(), force_terminal=True)
    assert isinstance(view_for(terminal, plain=True), PlainView)
    assert isinstance(view_for(terminal, plain=False), LiveView)


def test_the_live_view_draws_the_last_state() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=110, height=40)
    made = progress()
    with LiveView(console) as view:
        view.show(made)
        made.advance(600, START_MS, elapsed_s=1.0)
        view.show(made)
    assert "1,000 of 1,000 events" in text(console)


def test_the_summary_tells_what_was_caught_and_what_was_stopped_by_mistake() -> None:
    def payment(number: int) -> Payment:
        return Payment(timestamp=number, user_id="u1", transaction_id=f"t{number}", amount=100.5, currency="CNY")

    case = Label("cash_out", "cash_out-1")
    entries: list[tuple[Event, Label | None]] = [(payment(1), case), (payment(2), case), (payment(3), None)]
    scores = Scores(entries)
    for number in (2, 3):
        scores.record(Decision(transaction_id=f"t{number}", timestamp=0, action="block", rules=("game.x",), pack="p@1"))
    console = Console(file=StringIO(), width=130)
    print_summary(console, scores, Speed(3, 0.5, 0.1, 0.2, 0.3), "CNY")
    shown = text(console)
    row = next(line for line in shown.splitlines() if line.strip().startswith("cash out"))
    assert " ".join(row.split()) == "cash out 1 of 1 1 of 2 50.0% 100 of 201 50.0%"
    assert "1 of 1 honest transactions (100.00%), 100 CNY" in shown
    assert "1 blocked, 0 stepped up; 0 more" in shown
    assert "3 events in 0.5 s, 6 a second" in shown
    assert "p99.9 0.30 ms" in shown
    assert "\x1b" not in shown
