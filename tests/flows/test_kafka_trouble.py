import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from flows.kafka import Trouble
from flows.kafka.trouble import sentence_of


class Told:
    """A trouble with a clock and a notebook."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.notes: list[str] = []
        self.trouble = Trouble(
            "kafka:9092", self.notes.append, lambda text: text.replace("s3cret", "***"), lambda: self.now_s
        )


def test_trouble_is_told_at_once_and_then_at_growing_intervals() -> None:
    told = Told()
    times: list[int] = []
    for second in range(200):
        told.now_s = float(second)
        told.trouble.tell("no luck")
        if len(told.notes) > len(times):
            times.append(second)
    assert times == [0, 2, 7, 17, 47, 107, 167]
    assert set(told.notes) == {"no luck; trying again"}


def test_the_end_of_trouble_is_told_once_and_the_next_trouble_at_once() -> None:
    told = Told()
    told.trouble.over()
    told.trouble.tell("one")
    told.trouble.over()
    told.trouble.over()
    told.trouble.tell("two")
    assert told.notes == ["one; trying again", "Kafka at kafka:9092 works again", "two; trying again"]


def test_all_brokers_down_names_the_reason_that_came_before() -> None:
    told = Told()
    told.trouble.on_error(KafkaError(KafkaError._TRANSPORT, "connection refused"))  # noqa: SLF001
    assert told.notes == []
    told.trouble.on_error(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert told.notes == ["no broker at kafka:9092: connection refused; trying again"]


def test_no_secret_is_told() -> None:
    told = Told()
    told.trouble.tell("bad s3cret")
    assert told.notes == ["bad ***; trying again"]


def test_a_fatal_error_is_kept() -> None:
    told = Told()
    told.trouble.on_error(KafkaError(KafkaError._FATAL, "fenced", True))  # noqa: SLF001
    assert told.trouble.fatal == "fenced"


def test_what_librdkafka_refuses_is_told_without_codes() -> None:
    with pytest.raises(KafkaException) as refused:
        Producer({"security.protocl": "SSL"})
    assert sentence_of(refused.value) == 'No such configuration property: "security.protocl"'


def test_what_python_refuses_is_told_as_it_is() -> None:
    assert sentence_of(TypeError("expected a text")) == "expected a text"
