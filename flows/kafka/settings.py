"""librdkafka's settings: what riskgate chooses, and what the user adds or overrides."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

Value = str | int | float | bool

COMMON: dict[str, Value] = {
    "client.id": "riskgate",
    "reconnect.backoff.max.ms": 2_000,
    "socket.nagle.disable": True,
}
CONSUMER: dict[str, Value] = {
    "auto.offset.reset": "earliest",
    # After a crash the partitions lie idle for this long; librdkafka sends heartbeats from a thread of its own.
    "session.timeout.ms": 10_000,
    # A full queue pauses fetching for this long; the default of a second starves a fast consumer.
    "fetch.queue.backoff.ms": 10,
    # Small portions keep partitions close to each other in time (see `alignment`); what is read of a partition beyond
    # what is held back is read again after its pause.
    "queued.min.messages": 4_096,
    "fetch.message.max.bytes": 262_144,
}
PRODUCER: dict[str, Value] = {
    # Even 0.1 ms of linger costs about a millisecond; with one request under way the next batch gathers meanwhile.
    "linger.ms": 0,
    "max.in.flight": 1,
    "enable.idempotence": True,
    "message.timeout.ms": 0,
}
BULK: dict[str, Value] = {
    # Where thousands are under way at once nobody waits for one of them: fewer, larger requests.
    "linger.ms": 1,
}
OWN = {
    "bootstrap.servers": "--kafka",
    "group.id": "--group",
    "enable.auto.commit": "the order of delivery and commit, which riskgate keeps itself",
    "enable.auto.offset.store": "the order of delivery and commit, which riskgate keeps itself",
    "delivery.report.only.error": "the order of delivery and commit, which riskgate keeps itself",
}
"""Settings that cannot be passed through, and what they belong to."""

_SECRET = re.compile(r"password|secret|\.pem$|token|oauthbearer\.config")


class SettingsError(ValueError):
    """Settings that cannot be read or are not the user's to set."""


class Settings(NamedTuple):
    """What the user passed, by whom it is for."""

    common: dict[str, str]
    consumer: dict[str, str]
    producer: dict[str, str]

    @property
    def assigns_incrementally(self) -> bool:
        """Whether the consumer's group hands out partitions one by one, and does not take all of them back first."""
        given = self.common | self.consumer
        strategy = given.get("partition.assignment.strategy", "")
        return "cooperative" in strategy or given.get("group.protocol") == "consumer"

    def of_consumer(self, bootstrap: str, group: str, instance: str | None = None) -> dict[str, Value]:
        """The whole configuration of a consumer; `instance` names it across restarts."""
        return {
            **COMMON,
            **({} if instance is None else {"group.instance.id": instance}),
            **CONSUMER,
            **self.common,
            **self.consumer,
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }

    def of_producer(self, bootstrap: str, bulk: bool = False) -> dict[str, Value]:
        """The whole configuration of a producer of what cannot wait, or of what comes in `bulk`."""
        return {
            **COMMON,
            **PRODUCER,
            **(BULK if bulk else {}),
            **self.common,
            **self.producer,
            "bootstrap.servers": bootstrap,
            "delivery.report.only.error": True,
        }

    def of_readback(self, bootstrap: str) -> dict[str, Value]:
        """The whole configuration of a consumer that belongs to no group and reads topics back."""
        return {
            **COMMON,
            **self.common,
            **self.consumer,
            "bootstrap.servers": bootstrap,
            "group.id": "riskgate-readback",
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted",
        }

    def of_extent(self, bootstrap: str) -> dict[str, Value]:
        """The whole configuration of a consumer that belongs to no group and reads what a topic holds."""
        return {
            **COMMON,
            **CONSUMER,
            **self.common,
            **self.consumer,
            "bootstrap.servers": bootstrap,
            "group.id": "riskgate-extent",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }

    def of_admin(self, bootstrap: str) -> dict[str, Value]:
        """The whole configuration of a client that creates topics: as for the producer, who will write to them."""
        return {**COMMON, **self.common, **self.producer, "bootstrap.servers": bootstrap}

    def without_secrets(self, text: str) -> str:
        """The text with every secret value in it blotted out."""
        for settings in self:
            for key, value in settings.items():
                if value and _SECRET.search(key):
                    text = text.replace(value, "***")
        return text


def read_settings(pairs: Iterable[str] = (), file: Path | None = None) -> Settings:
    """Settings from `KEY=VALUE` texts and a properties file; the texts win. Raises SettingsError, naming no value.

    A key that starts with `consumer.` or `producer.` is for that side only, any other for both.
    """
    settings = Settings({}, {}, {})
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"expected a properties file that can be read, got `{file}`: {error}") from error
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith(("#", "!")):
                _add(settings, line, f"{file}:{number}")
    for pair in pairs:
        _add(settings, pair, "--kafka-config")
    return settings


def _add(settings: Settings, pair: str, place: str) -> None:
    key, separator, value = pair.partition("=")
    key, value = key.strip(), value.strip()
    if not separator or not key:
        raise SettingsError(f"{place}: expected KEY=VALUE, got a text without a key or `=`")
    side, dot, rest = key.partition(".")
    group, name = settings.common, key
    if dot and side in ("consumer", "producer"):
        group, name = (settings.consumer if side == "consumer" else settings.producer), rest
    if name in OWN:
        raise SettingsError(f"{place}: `{name}` cannot be set here; it belongs to {OWN[name]}")
    group[name] = value


def log() -> logging.Logger:
    """Where librdkafka's own log goes: nowhere, unless logging is set up; what matters is told by `Trouble`."""
    logger = logging.getLogger("riskgate.librdkafka")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return logger
