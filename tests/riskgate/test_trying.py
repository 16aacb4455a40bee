"""`riskgate shadow-report` as its users run it, on files and on topics."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from riskgate.cli import cli
from support.commands import riskgate
from support.minutes import fraud_labels, payments
from support.packs import write_pack
from support.services import Topics

RULES = """\
- id: small.burst
  when: tx_10m > params.most
  params: {most: 2}
  then: block
- id: small.much
  when: spend_1h > 40
  then: review
  mode: shadow
- id: small.any
  when: amount >= 0
  then: review
  mode: 'off'
"""


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A folder with a pack, events, labels, and the decisions that `riskgate run` gave on them."""
    (tmp_path / "pack").mkdir()
    write_pack(tmp_path / "pack", RULES)
    lines = [json.dumps(event) for event in payments(40)]
    (tmp_path / "h.ndjson").write_text("\n".join([*lines, lines[-1]]) + "\n")
    labels = fraud_labels(range(10, 20))
    (tmp_path / "labels.csv").write_text(labels)
    done = riskgate(
        "run", "--pack", str(tmp_path / "pack"), "--input", str(tmp_path / "h.ndjson"), "--output",
        str(tmp_path / "decisions.ndjson"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tmp_path


def _run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(
        cli,
        ["shadow-report", str(folder / "pack"), "--labels", str(folder / "labels.csv"), "--cache",
         str(folder / "cache"), "--json", str(folder / "r.json"), *options],
    )  # fmt: skip


def _figures(folder: Path) -> list[tuple[object, ...]]:
    rules = json.loads((folder / "r.json").read_bytes())["report"]["rules"]
    return [(rule["rule"], rule["mode"], rule["hits"], rule["fraud"], rule["effect"]["if"]) for rule in rules]


EXPECTED = [("small.burst", "live", 36, 10, "removed"), ("small.much", "shadow", 24, 4, "added")]


def test_decisions_of_a_run_in_files(ran: Path) -> None:
    files = ("--data", str(ran / "h.ndjson"), "--decisions", str(ran / "decisions.ndjson"))
    done = _run(ran, *files, "--html", str(ran / "r.html"))
    assert done.exit_code == 0, done.output
    assert _figures(ran) == EXPECTED
    assert "40 decisions are measured; all that were read, by pack: small@" in done.output
    assert "1 are repeated answers to events that came again: left out" in done.output
    assert "no decision is by this very pack" not in done.output
    page = (ran / "r.html").read_text()
    assert "<h1>Shadow report of small@" in page
    assert "Hits by day" in page
    assert "Precision and recall" not in page


def test_decisions_and_events_in_topics(ran: Path, kafka_bootstrap: str, topic: Topics) -> None:
    names = [topic(stem) for stem in ("events", "decisions")]
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True})
    for name, file in zip(names, ("h.ndjson", "decisions.ndjson"), strict=True):
        for line in (ran / file).read_bytes().splitlines():
            producer.produce(name, line)
    assert producer.flush(30) == 0
    done = _run(ran, "--kafka", kafka_bootstrap, "--topic", names[0], "--decisions-topic", names[1])
    assert done.exit_code == 0, done.output
    assert _figures(ran) == EXPECTED
    gone = _run(ran, "--kafka", kafka_bootstrap, "--topic", names[0], "--decisions-topic", "nothing-of-this-name")
    assert (gone.exit_code, "expected a topic to read, got `nothing-of-this-name`" in gone.output) == (1, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "expected either --decisions or --decisions-topic"),
        (("--decisions-topic", "d"), "expected --kafka with --decisions-topic, got --data"),
    ],
)
def test_options_that_do_not_fit_are_told(ran: Path, options: tuple[str, ...], said: str) -> None:
    done = _run(ran, "--data", str(ran / "h.ndjson"), *options)
    assert (done.exit_code, said in done.output) == (2, True), done.output
