"""What is measured: the rows of the table, in its order, with the goals there are."""

from typing import NamedTuple

BYTES_OF_EVENT = 150
BYTES_OF_KEY = 400
"""The goal for what windows hold, for each event in them and each live key."""


class Quantity(NamedTuple):
    """One row: its key in results, what it is, its unit, and what it shall be at most."""

    key: str
    what: str
    unit: str
    most: float | None = None


class Section(NamedTuple):
    title: str
    quantities: tuple[Quantity, ...]


def _memory(key: str, title: str) -> Section:
    marks = (25, 50, 75, 100)
    return Section(
        title,
        (
            *(Quantity(f"{key}.held_mb_{mark}", f"held after {mark}%", "MB") for mark in marks),
            *(Quantity(f"{key}.events_{mark}", f"events held after {mark}%", "") for mark in (50, 100)),
            *(Quantity(f"{key}.keys_{mark}", f"live keys after {mark}%", "") for mark in (50, 100)),
            Quantity(f"{key}.bytes_event", "all that is held, by event held", "B"),
            Quantity(f"{key}.share", f"of {BYTES_OF_EVENT} B an event and {BYTES_OF_KEY} B a key", "x", 1.0),
            Quantity(f"{key}.peak_mb", "peak of the process", "MB"),
        ),
    )


def _rate(key: str, most_us: float | None = None) -> tuple[Quantity, Quantity]:
    return Quantity(f"{key}.cpu_us", "CPU", "us/event", most_us), Quantity(f"{key}.events_s", "rate", "events/s")


def _percentiles(key: str, unit: str, goals: dict[str, float]) -> tuple[Quantity, ...]:
    names = ("p50", "p99", "p99.9")
    return tuple(Quantity(f"{key}.{name}_{unit}", name, unit, goals.get(name)) for name in names)


STAGES = ("decode", "columns", "windows", "rules", "encode")

SECTIONS = (
    Section("in process, batches of 1,024", _rate("batch_1024", 6.0)),
    Section(
        "in process, batches of 1,024, by stage (a separate run)",
        tuple(Quantity(f"stages.{stage}_us", stage, "us/event") for stage in STAGES),
    ),
    Section("in process, batches of 256", _rate("batch_256")),
    Section("in process, one at a time", _percentiles("single", "us", {"p99": 60.0})),
    Section("in process, batches of 1,024, windows that evict (23 days)", _rate("evicting")),
    Section("in process, batches of 1,024, partitions out of step", _rate("out_of_step")),
    Section("in process, batches of 1,024, detectors on", _rate("detectors")),
    Section("in process, batches of 1,024, a reason told for each hit", _rate("reasons")),
    _memory("memory", "memory, W as it is (5.6 hours)"),
    _memory("memory_evicting", "memory, windows that evict (23 days)"),
    Section("Kafka to Kafka, full speed: riskgate", (*_rate("kafka"), Quantity("kafka.peak_mb", "peak memory", "MB"))),
    Section("Kafka to Kafka, full speed: bare loop (read, decode, write)", _rate("bare")),
    Section(
        "Kafka to Kafka, full speed: riskgate / bare loop, by round",
        (Quantity("kafka_bare.cpu_us", "CPU", "x"), Quantity("kafka_bare.events_s", "rate", "x")),
    ),
    Section("Kafka to Kafka, 1,000 events/s: riskgate", _percentiles("latency", "ms", {"p50": 1.0})),
    Section("Kafka to Kafka, 1,000 events/s: the broker's echo", _percentiles("echo", "ms", {})),
    Section(
        "Kafka to Kafka, 1,000 events/s: riskgate / echo, by round",
        tuple(
            Quantity(f"latency_echo.{name}_ms", name, "x", 2.0 if name == "p99.9" else None)
            for name in ("p50", "p99", "p99.9")
        ),
    ),
)
