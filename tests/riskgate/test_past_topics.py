"""Topics of a real broker as past events, as users of `riskgate backtest` and `riskgate diff` name them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from riskgate.cli import cli
from support.minutes import T0, payments
from support.packs import write_pack
from support.services import Topics

RULES = "- id: small.burst\n  when: tx_10m > params.most\n  params: {most: 2}\n  then: block\n"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    return write_pack(tmp_path / "pack", RULES)


def _filled(bootstrap: str, topic: str, lines: list[bytes], partitions: int = 2) -> None:
    """The lines, a minute apart, over all partitions."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for number, line in enumerate(lines):
        producer.produce(topic, line, partition=number % partitions, timestamp=T0 + 60_000 * number)
    assert producer.flush(30) == 0


def _run(folder: Path, command: str, *arguments: str) -> tuple[Result, dict[str, Any]]:
    out = folder / "report.json"
    done = CliRunner().invoke(cli, [command, *arguments, "--cache", str(folder / "cache"), "--json", str(out)])
    return done, json.loads(out.read_bytes()) if done.exit_code == 0 else {}


def test_a_topic_is_measured_as_a_file_with_the_samepayments(
    tmp_path: Path, pack: Path, kafka_bootstrap: str, topic: Topics
) -> None:
    lines = [json.dumps(event).encode() for event in payments(60)]
    lines.insert(7, b"no json\n")
    (tmp_path / "h.ndjson").write_bytes(b"\n".join(line.strip() for line in lines))
    name = topic(partitions=2)
    _filled(kafka_bootstrap, name, lines)
    of_file, expected = _run(tmp_path, "backtest", str(pack), "--data", str(tmp_path / "h.ndjson"))
    of_topic, found = _run(tmp_path, "backtest", str(pack), "--kafka", kafka_bootstrap, "--topic", name)
    assert (of_file.exit_code, of_topic.exit_code) == (0, 0), of_topic.output
    assert found["data"] == f"{name} at {kafka_bootstrap}"
    assert found["account"]["examples"][0]["place"] == "partition 1, offset 3"
    assert expected["account"]["examples"][0]["place"] == "row 8"
    assert found["rules"] == expected["rules"]
    assert found["rules"][0]["hits"] == 56
    assert "partition 1, offset 3: not_json: " in of_topic.output
    compared, difference = _run(tmp_path, "diff", str(pack), str(pack), "--kafka", kafka_bootstrap, "--topic", name)
    assert (compared.exit_code, difference["changed"], difference["period"]["events"]) == (0, 0, 60), compared.output
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_topic_from_an_offset(tmp_path: Path, pack: Path, kafka_bootstrap: str, topic: Topics) -> None:
    name = topic()
    _filled(kafka_bootstrap, name, [json.dumps(event).encode() for event in payments(60)], partitions=1)
    options = ("--kafka", kafka_bootstrap, "--topic", name, "--kafka-config", "fetch.wait.max.ms=50", "--from-offset")
    _, part = _run(tmp_path, "backtest", str(pack), *options, "40")
    _, whole = _run(tmp_path, "backtest", str(pack), *options, "earliest")
    assert (part["period"]["events"], whole["period"]["events"]) == (20, 60)
    nothing, _ = _run(tmp_path, "backtest", str(pack), *options, "60")
    assert (nothing.exit_code, "has no event that the pack judges" in nothing.output) == (1, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "expected --data, or --kafka and --topic"),
        (("--topic", "t"), "expected --kafka with --topic"),
        (("--data", "PACK/pack.yml", "--from-offset", "7"), "expected --kafka with --from-offset"),
        (("--kafka", "127.0.0.1:1"), "expected --topic with --kafka"),
        (("--kafka", "127.0.0.1:1", "--data", "PACK/pack.yml"), "expected either --data or --kafka, got both"),
        (("--kafka", "127.0.0.1:1", "--topic", "t", "--from-offset", "-3"), "expected an offset such as `1200`"),
    ],
)
def test_options_that_do_not_fit_are_told(options: tuple[str, ...], said: str, tmp_path: Path, pack: Path) -> None:
    done, _ = _run(tmp_path, "backtest", str(pack), *(each.replace("PACK", str(pack)) for each in options))
    assert (done.exit_code, said in done.output) == (2, True), done.output


def test_topics_that_cannot_be_read_are_told(tmp_path: Path, pack: Path, kafka_bootstrap: str, topic: Topics) -> None:
    name = topic()
    (tmp_path / "map.yml").write_text("columns: {user_id: U}\n")
    for options, said in (
        (("--topic", "nothing-of-this-name"), "expected a topic to read, got `nothing-of-this-name`"),
        (("--topic", "t", "--kafka-config", "group.id=x"), "--kafka-config: `group.id` cannot be set here"),
        (("--topic", "t", "--kafka-config", "no.such.key=x"), "the consumer cannot be set up: "),
        (("--topic", name, "--map", str(tmp_path / "map.yml")), "a map is for columns: "),
    ):
        done, _ = _run(tmp_path, "backtest", str(pack), "--kafka", kafka_bootstrap, *options)
        assert (done.exit_code, f"riskgate: error: {said}" in done.output) == (1, True), done.output
