"""What is measured: the rows of the table, in its order, with the goals there are."""

from typing import NamedTuple

BYTES_OF_EVENT = 150
BYTES_OF_KEY = 400
"""The goal for what windows hold, for each event in them and each live key."""

MARK_DAYS = 5
MARKS = 12
FULL_MARK = 2
"""The long run has marks every five days; at the second its longest window, a week, is full."""


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


def _percentiles(key: str, unit: str, goals: dict[str, float], shown: str = "") -> tuple[Quantity, ...]:
    names = ("p50", "p99", "p99.9")
    return tuple(Quantity(f"{key}.{name}_{unit}", name, shown or unit, goals.get(name)) for name in names)


def _recovery(key: str, title: str) -> Section:
    return Section(
        title,
        (
            Quantity(f"{key}.wall_us", "by the clock", "us/event", 1.0),
            Quantity(f"{key}.cpu_us", "CPU", "us/event"),
            Quantity(f"{key}.events_s", "rate", "events/s"),
            Quantity(f"{key}.seconds", "until ready, kernels loaded", "s"),
            Quantity(f"{key}.cold_seconds", "until ready, from the start of the process", "s"),
            Quantity(f"{key}.events", "events held", ""),
            Quantity(f"{key}.keys", "live keys", ""),
            Quantity(f"{key}.peak_mb", "peak of the process", "MB"),
        ),
    )


def _disturbed(key: str, what: str) -> Section:
    ratio = Quantity(f"{key}_ordered.cpu_us", "CPU / all in order, by round", "x")
    return Section(f"in process, batches of 1,024, {what}", (*_rate(key), ratio))


def _many_rules(key: str, title: str, most_us: float | None = None) -> Section:
    return Section(
        f"1,000 rules, {title}",
        (
            Quantity(f"{key}.cost_us", "CPU of 990 rules", "us/event", most_us),
            Quantity(f"{key}.few_us", "CPU with 10 rules", "us/event"),
            Quantity(f"{key}.many_us", "CPU with 1,000 rules", "us/event"),
            Quantity(f"{key}.hits", "rules that an event hits", ""),
        ),
    )


def _reload(key: str, title: str) -> Section:
    return Section(
        title,
        (
            Quantity(f"{key}.force_ms", "until in force, by the clock", "ms", 300.0),
            Quantity(f"{key}.force_most_ms", "the longest", "ms"),
            Quantity(f"{key}.read_cpu_ms", "reading, CPU", "ms"),
            Quantity(f"{key}.pause_most_ms", "longest pause between batches, by the clock", "ms", 5.0),
            Quantity(f"{key}.pause_cpu_most_ms", "longest pause between batches, CPU", "ms", 5.0),
            Quantity(f"{key}.batch_most_ms", "longest batch meanwhile", "ms"),
            Quantity(f"{key}.alone_most_ms", "longest of as many batches before", "ms"),
        ),
    )


def _day(mark: int) -> tuple[Quantity, ...]:
    day = mark * MARK_DAYS
    return (
        Quantity(f"sixty.resident_mb_{mark}", f"resident after {day} days", "MB"),
        Quantity(f"sixty.journal_mb_{mark}", f"journal after {day} days", "MB"),
        Quantity(f"sixty.events_{mark}", f"events held after {day} days", ""),
        Quantity(f"sixty.keys_{mark}", f"live keys after {day} days", ""),
    )


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
    _disturbed("late_1", "1% late by up to an hour"),
    _disturbed("late_10", "10% late by up to an hour"),
    _disturbed("again_1", "1% come again within an hour"),
    Section("in process, batches of 1,024, detectors on", _rate("detectors")),
    Section("in process, batches of 1,024, a reason told for each hit", _rate("reasons")),
    Section("in process, through the pump, state not kept", _rate("unkept")),
    Section(
        "in process, through the pump, state kept",
        (*_rate("kept"), Quantity("kept.bytes_event", "journal", "B/event")),
    ),
    Section(
        "in process, through the pump, kept / not kept, by round", (Quantity("kept_unkept.cpu_us", "CPU", "x", 1.1),)
    ),
    Section("in process, one worker, sources and sinks excluded", _rate("workers_1")),
    Section("in process, two workers, each with its own users", _rate("workers_2")),
    Section(
        "in process, two workers / one, by round",
        (Quantity("workers_2_1.cpu_us", "CPU", "x"), Quantity("workers_2_1.events_s", "rate (goal at least 1.7)", "x")),
    ),
    _recovery("recovery", "taking up the state of W"),
    _many_rules("rules_256", "batches of 256, hit seldom", 15.0),
    _many_rules("rules_1024", "batches of 1,024, hit seldom", 15.0),
    _many_rules("rules_often", "batches of 1,024, the rules of W forty times"),
    Section(
        "backtest of W from Parquet",
        (
            Quantity("backtest.cpu_us", "CPU", "us/event", 6.67),
            Quantity("backtest.events_s_core", "events a second a core (goal at least 150,000)", ""),
            Quantity("backtest.features_cpu_us", "of that features", "us/event"),
            Quantity("backtest.sweep_cpu_s", "1,000 variants, CPU", "s"),
            Quantity("backtest.sweep_wall_s", "1,000 variants, by the clock", "s", 10.0),
        ),
    ),
    _reload("reload", "a pack of 200 rules is changed, windows stay"),
    _reload("reload_windows", "a pack of 200 rules is changed, all windows are new"),
    Section(
        "lint of 1,000 rules",
        (Quantity("lint.cpu_s", "CPU", "s"), Quantity("lint.wall_s", "by the clock", "s", 2.0)),
    ),
    _memory("memory", "memory, W as it is (5.6 hours)"),
    _memory("memory_evicting", "memory, windows that evict (23 days)"),
    Section("Kafka to Kafka, full speed: riskgate", (*_rate("kafka"), Quantity("kafka.peak_mb", "peak memory", "MB"))),
    Section(
        "Kafka to Kafka, full speed: riskgate, state kept",
        (*_rate("kafka_kept"), Quantity("kafka_kept.peak_mb", "peak memory", "MB")),
    ),
    Section(
        "Kafka to Kafka, full speed: riskgate, kept / not kept, by round",
        (Quantity("kafka_kept_unkept.cpu_us", "CPU", "x", 1.1), Quantity("kafka_kept_unkept.events_s", "rate", "x")),
    ),
    Section("Kafka to Kafka, full speed: bare loop (read, decode, write)", _rate("bare")),
    Section(
        "Kafka to Kafka, full speed: riskgate / bare loop, by round",
        (Quantity("kafka_bare.cpu_us", "CPU", "x"), Quantity("kafka_bare.events_s", "rate", "x")),
    ),
    Section("Kafka to Kafka, 1,000 events/s: riskgate", _percentiles("latency", "ms", {"p50": 1.0})),
    Section("Kafka to Kafka, 1,000 events/s: riskgate, state kept", _percentiles("latency_kept", "ms", {})),
    Section(
        "Kafka to Kafka, 1,000 events/s: riskgate, kept / not kept, by round",
        _percentiles("latency_kept_unkept", "ms", {}, "x"),
    ),
    Section("Kafka to Kafka, 1,000 events/s: the broker's echo", _percentiles("echo", "ms", {})),
    Section(
        "Kafka to Kafka, 1,000 events/s: riskgate / echo, by round",
        _percentiles("latency_echo", "ms", {"p99.9": 2.0}, "x"),
    ),
)

LONG_SECTIONS = (
    Section(
        "10 million events within six days, state kept",
        (
            Quantity("growing.cpu_us", "CPU", "us/event"),
            Quantity("growing.bytes_event", "journal", "B/event"),
            Quantity("growing.peak_mb", "peak of the process", "MB"),
        ),
    ),
    _recovery("recovery_long", "taking up their state"),
    Section(
        "20 million events over 60 days, users come and go, state kept",
        (
            Quantity("sixty.cpu_us", "CPU", "us/event"),
            *(quantity for mark in range(1, MARKS + 1) for quantity in _day(mark)),
            Quantity("sixty_growth.resident", f"highest resident since day {FULL_MARK * MARK_DAYS} / then", "x", 1.05),
            Quantity("sixty_growth.segments", "growth of the journal since, in segments", "", 1.0),
            Quantity("sixty.peak_mb", "peak of the process", "MB"),
        ),
    ),
)
