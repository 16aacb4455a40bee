"""Kafka out of reach or unwilling: told at once, then at growing intervals, until it is over."""

import time
from collections.abc import Callable

from confluent_kafka import KafkaError

TELL_AGAIN_AFTER_S = (2.0, 5.0, 10.0, 30.0, 60.0)

_AWAY = frozenset({"_ALL_BROKERS_DOWN", "_AUTHENTICATION", "_RESOLVE", "_SSL"})


def sentence_of(error: Exception) -> str:
    """What librdkafka says in an exception that it raised, without codes."""
    cause = error.args[0] if error.args else None
    return cause.str() if isinstance(cause, KafkaError) else str(error)


class Trouble:
    """Shared by consumer and producer. `notify` gets whole lines; `blot` takes secrets out of them."""

    def __init__(
        self,
        bootstrap: str,
        notify: Callable[[str], None],
        blot: Callable[[str], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bootstrap = bootstrap
        self._notify = notify
        self._blot = blot
        self._monotonic = monotonic
        self._last_reason = ""
        self._told = 0
        self._tell_from_s = float("-inf")
        self.fatal: str | None = None

    def on_error(self, error: KafkaError) -> None:
        """librdkafka's error callback."""
        if error.fatal():
            self.fatal = self._blot(error.str())
        elif error.name() in _AWAY:
            self.away(error.str())
        else:
            self._last_reason = error.str()

    def away(self, otherwise: str = "no answer") -> None:
        """No broker can be reached; the reason is the last one that librdkafka gave, or else the one given."""
        self.tell(f"no broker at {self._bootstrap}: {self._last_reason or otherwise}")

    def tell(self, problem: str) -> None:
        now_s = self._monotonic()
        if now_s >= self._tell_from_s:
            self._notify(self._blot(f"{problem}; trying again"))
            self._tell_from_s = now_s + TELL_AGAIN_AFTER_S[min(self._told, len(TELL_AGAIN_AFTER_S) - 1)]
            self._told += 1

    def note(self, line: str) -> None:
        """Something to know that is no trouble."""
        self._notify(self._blot(line))

    def over(self) -> None:
        """Events come in or decisions are delivered."""
        if self._told:
            self._told = 0
            self._tell_from_s = float("-inf")
            self._last_reason = ""
            self._notify(f"Kafka at {self._bootstrap} works again")
