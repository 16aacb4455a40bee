from pathlib import Path

import pytest

from flows.kafka import SettingsError, read_settings


def test_settings_are_for_both_sides_or_one() -> None:
    settings = read_settings(["security.protocol=SSL", "consumer.fetch.min.bytes=9", "producer.linger.ms=5"])
    consumer = settings.of_consumer("kafka:9092", "g")
    producer = settings.of_producer("kafka:9092")
    assert consumer["security.protocol"] == producer["security.protocol"] == "SSL"
    assert consumer["fetch.min.bytes"] == "9"
    assert producer["linger.ms"] == "5"
    assert "fetch.min.bytes" not in producer
    assert "linger.ms" not in consumer
    assert (consumer["bootstrap.servers"], consumer["group.id"]) == ("kafka:9092", "g")


def test_a_file_holds_settings_and_arguments_win(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text(
        "# for tests\n\n sasl.username = ann \nsasl.password=a=b\n! more\nclient.id=file\n", encoding="utf-8"
    )
    settings = read_settings(["client.id=argument"], path)
    assert settings.common == {"sasl.username": "ann", "sasl.password": "a=b", "client.id": "argument"}


def test_a_broken_line_is_named_without_being_repeated(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("client.id=x\nsasl.password s3cret\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"kafka.properties:2: expected KEY=VALUE") as raised:
        read_settings(file=path)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("key", ["bootstrap.servers", "group.id", "enable.auto.commit", "consumer.group.id"])
def test_what_riskgate_keeps_in_its_own_hands_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="cannot be set here; it belongs to"):
        read_settings([f"{key}=x"])


def test_secrets_are_blotted_out() -> None:
    settings = read_settings(
        [
            "sasl.password=s3cret",
            "consumer.ssl.key.password=k3y",
            "sasl.oauthbearer.client.secret=0auth",
            "client.id=me",
        ]
    )
    assert settings.without_secrets("me s3cret k3y 0auth") == "me *** *** ***"
