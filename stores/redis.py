"""A store in Redis, shared by processes and found again after a restart.

Keys, after `riskgate:`. `decision:ID` holds a decision, `list:NAME` is a hash from each value to its entry, `lists` is
the set of their names, and `lists:version` counts changes, so that lists that did not change are not read again.
`lists:changes` is a list of the latest changes, each as JSON, the oldest first.
`profile:USER` is a hash from each fact about the user to a text.
Needs Redis 6.2 or later (`SET ... PXAT`).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stores.protocol import DECISION_EXPIRY_MS, LIST_CHANGES_MAX, Answer, ListChange, ListEntry

TIMEOUT_S = 0.25
"""How long one exchange may wait for Redis."""

RETRY_AFTER_S = (0.5, 1.0, 2.0, 5.0)
"""How long Redis is left alone after the first, second, ... failure in a row."""

_DECISION = "riskgate:decision:"
_LIST = "riskgate:list:"
_PROFILE = "riskgate:profile:"
_NAMES = "riskgate:lists"
_VERSION = "riskgate:lists:version"
_CHANGES = "riskgate:lists:changes"

_RECORD = """
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i + 1], 'PXAT', ARGV[1], 'NX') end
"""

_REMOVE = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('INCR', KEYS[2])
redis.call('RPUSH', KEYS[3], ARGV[2])
redis.call('LTRIM', KEYS[3], -ARGV[3], -1)
return 1
"""


class _Details(msgspec.Struct):
    expires_ms: int
    added_by: str
    reason: str


_decode_details = msgspec.json.Decoder(_Details).decode
_decode_change = msgspec.json.Decoder(ListChange).decode


def client_of(url: str, timeout_s: float) -> tuple[redis.Redis, str]:
    """A client that waits so long for an answer and asks once, and the name of its server, without secrets.

    Raises ValueError for a URL that cannot be read.
    """
    client = redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )
    options = client.connection_pool.connection_kwargs
    place = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    return client, f"redis {place}, database {options.get('db', 0)}"


class RedisStore:
    """Speaks to the Redis at `url`. Raises ValueError for a URL that cannot be read.

    `monotonic` is a clock in seconds that the pauses between attempts are measured on.
    """

    def __init__(
        self,
        url: str,
        expiry_ms: int = DECISION_EXPIRY_MS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis, self._name = client_of(url, TIMEOUT_S)
        self._expiry_ms = expiry_ms
        self._monotonic = monotonic
        self._lists: Mapping[str, Mapping[str, int]] = {}
        self._lists_version: bytes | None = None
        self._failures = 0
        self._resting_until_s = float("-inf")
        self._problem = ""

    @property
    def name(self) -> str:
        return self._name

    def exchange(
        self,
        asked: Sequence[str],
        decided: Sequence[tuple[str, bytes]],
        now_ms: int,
        users: Sequence[str] = (),
        facts: Sequence[str] = (),
    ) -> Answer:
        if self._monotonic() < self._resting_until_s:
            return Answer({}, self._lists, self._problem)
        try:
            recorded, profiles = self._round_trip(
                asked, decided, now_ms + self._expiry_ms, users if facts else (), facts
            )
        except (redis.RedisError, OSError, msgspec.MsgspecError) as error:
            rest_s = RETRY_AFTER_S[min(self._failures, len(RETRY_AFTER_S) - 1)]
            self._failures += 1
            self._resting_until_s = self._monotonic() + rest_s
            self._problem = f"{self._name}: {error}"
            return Answer({}, self._lists, self._problem)
        self._failures = 0
        return Answer(recorded, self._lists, profiles=profiles)

    def _round_trip(
        self,
        asked: Sequence[str],
        decided: Sequence[tuple[str, bytes]],
        expires_ms: int,
        users: Sequence[str],
        facts: Sequence[str],
    ) -> tuple[dict[str, bytes], dict[str, dict[str, str]]]:
        pipeline = self._redis.pipeline(transaction=False)
        if decided:
            # One EVAL costs half of as many SETs, which the client packs and parses one by one.
            keys = [_DECISION + id_ for id_, _ in decided]
            pipeline.eval(_RECORD, len(keys), *keys, expires_ms, *(decision for _, decision in decided))
        if asked:
            pipeline.mget([_DECISION + id_ for id_ in asked])
        pipeline.get(_VERSION)
        for user in users:
            pipeline.hmget(_PROFILE + user, list(facts))
        replies = pipeline.execute()
        told = len(replies) - len(users)
        if replies[told - 1] != self._lists_version:
            self._lists = self._read_lists()
            self._lists_version = replies[told - 1]
        found = replies[told - 2] if asked else ()
        decisions = {id_: decision for id_, decision in zip(asked, found, strict=True) if decision is not None}
        return decisions, {
            user: {
                fact: each.decode(errors="replace")
                for fact, each in zip(facts, values, strict=True)
                if each is not None
            }
            for user, values in zip(users, replies[told:], strict=True)
        }

    def _read_lists(self) -> dict[str, dict[str, int]]:
        """What is read here may be newer than the version read before it; then the next exchange reads it again."""
        names = sorted(cast("set[bytes]", self._redis.smembers(_NAMES)))
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.hgetall(_LIST + name.decode())
        return {
            name.decode(): {value.decode(): _decode_details(details).expires_ms for value, details in entries.items()}
            for name, entries in zip(names, pipeline.execute(), strict=True)
            if entries
        }

    def list_names(self) -> tuple[str, ...]:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.smembers(_NAMES)
        return tuple(sorted(name.decode() for name in cast("set[bytes]", self._execute(pipeline)[0])))

    def add_to_list(self, name: str, entry: ListEntry, at_ms: int) -> None:
        details = msgspec.json.encode(_Details(entry.expires_ms, entry.added_by, entry.reason))
        change = ListChange(at_ms, name, entry.value, "added", entry.added_by, entry.reason, entry.expires_ms)
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.sadd(_NAMES, name)
        pipeline.hset(_LIST + name, entry.value, details)
        pipeline.incr(_VERSION)
        pipeline.rpush(_CHANGES, msgspec.json.encode(change))
        pipeline.ltrim(_CHANGES, -LIST_CHANGES_MAX, -1)
        self._execute(pipeline)

    def remove_from_list(self, name: str, value: str, who: str, why: str, at_ms: int) -> bool:
        change = msgspec.json.encode(ListChange(at_ms, name, value, "removed", who, why, None))
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.eval(_REMOVE, 3, _LIST + name, _VERSION, _CHANGES, value, change, LIST_CHANGES_MAX)
        return self._execute(pipeline)[0] == 1

    def list_changes(self) -> tuple[ListChange, ...]:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.lrange(_CHANGES, 0, -1)
        return tuple(map(_decode_change, cast("list[bytes]", self._execute(pipeline)[0])))

    def list_entries(self, name: str) -> tuple[ListEntry, ...]:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hgetall(_LIST + name)
        entries = cast("dict[bytes, bytes]", self._execute(pipeline)[0])
        decoded = ((value.decode(), _decode_details(details)) for value, details in sorted(entries.items()))
        return tuple(ListEntry(value, d.expires_ms, d.added_by, d.reason) for value, d in decoded)

    def set_profile(self, user: str, facts: Mapping[str, str]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        for fact, text in facts.items():
            pipeline.hset(_PROFILE + user, fact, text)
        self._execute(pipeline)

    def _execute(self, pipeline: "redis.client.Pipeline") -> list[object]:
        try:
            return pipeline.execute()
        except redis.RedisError as error:
            raise OSError(f"{self._name}: {error}") from error

    def close(self) -> None:
        self._redis.close()
