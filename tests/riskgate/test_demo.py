from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

import rules
from flows import Stop
from riskgate.cli import cli
from riskgate.demonstration import PACK, Simulation, demonstrate
from riskgate.summary import Speed
from riskgate.view import PlainView
from rules import Pack
from simulator import KINDS, Scores

EVENTS = 30_000


@pytest.fixture(scope="module")
def pack() -> Pack:
    pack = rules.load(PACK).pack
    assert pack is not None
    return pack


def run(pack: Pack, seed: int, stop: Stop) -> tuple[Scores, Speed]:
    return demonstrate(Simulation(seed, EVENTS), pack, PlainView(Console(file=StringIO())), stop)


def test_most_fraud_of_every_kind_is_stopped_and_few_honest_people_are(pack: Pack) -> None:
    scores, speed = run(pack, seed=5, stop=Stop())
    assert speed.events == pytest.approx(EVENTS, rel=0.2)
    assert 0 < speed.latency_p50_ms <= speed.latency_p99_ms <= speed.latency_p999_ms
    for kind in KINDS:
        outcome = scores.fraud[kind]
        assert outcome.total > 0, kind
        assert outcome.stopped / outcome.total > 0.6, kind
    assert 0 < scores.honest.stopped / scores.honest.total < 0.01


def test_the_same_seed_gives_the_same_account(pack: Pack) -> None:
    one, _ = run(pack, seed=6, stop=Stop())
    other, _ = run(pack, seed=6, stop=Stop())
    assert one.fraud == other.fraud
    assert one.honest == other.honest
    assert one.mistakes == other.mistakes


def test_a_run_that_is_stopped_at_once_ends_quietly(pack: Pack) -> None:
    stop = Stop()
    stop.request()
    _, speed = run(pack, seed=6, stop=stop)
    assert speed.events == 0


def test_without_a_terminal_the_command_prints_plain_lines() -> None:
    result = CliRunner().invoke(cli, ["demo", "--events", "5000", "--seed", "3"])
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "\n100%  " in result.output
    for part in ("Planted fraud", "cash out", "Stopped by mistake", "p99.9"):
        assert part in result.output
    assert max(map(len, result.output.splitlines())) <= 100
