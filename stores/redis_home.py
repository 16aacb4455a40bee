"""The home of a pack's versions in Redis, shared by all who run it.

Keys, after `riskgate:pack:NAME:`. `file:SHA256` is a file of some version, `version:VERSION` lists those of one, and
`records` is the list of records in their order. Files and versions are written once; a record is added only where it is
the next one. What is in force follows from the records.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import msgspec
import redis

from schemas import CONTENT_BYTES_MAX
from stores.redis import client_of
from stores.versions import (
    LISTING_BYTES_MAX,
    RECORDS_MAX,
    Files,
    HomeError,
    Record,
    checked,
    listing_of,
    overtaken,
    read_listing,
    read_record,
    version_in_force,
    written,
)

TIMEOUT_S = 10.0
"""How long one answer may take: files are larger than decisions."""

_ADD = """
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""

Answer = TypeVar("Answer")


class RedisHome:
    """The versions of the pack `pack` in the Redis at `url`. Raises ValueError for a URL that cannot be read."""

    def __init__(self, url: str, pack: str) -> None:
        self._redis, place = client_of(url, TIMEOUT_S)
        self.pack = f"store:{pack}"
        self.name = f"`{self.pack}` in {place}"
        self._prefix = f"riskgate:pack:{pack}:"

    def active(self) -> Files | None:
        version = version_in_force(self.records())
        return None if version is None else self.files(version)

    def records(self, after: int = 0) -> tuple[Record, ...]:
        found = self._asked(lambda: self._redis.lrange(self._key("records"), after, after + RECORDS_MAX))
        raws = cast("list[bytes]", found)
        return tuple(read_record(raw, number, self.name) for number, raw in enumerate(raws, after + 1))

    def files(self, version: str) -> Files:
        listing = read_listing(self._read(self._key(f"version:{version}"), LISTING_BYTES_MAX), self.name)
        files: dict[str, bytes] = {}
        room = CONTENT_BYTES_MAX
        for name, digest in listing.files.items():
            files[name] = self._read(self._key(f"file:{digest}"), room)
            room -= len(files[name])
        return checked(version, files, self.name)

    def commit(self, record: Record, files: Files) -> None:
        records = self.records()
        now = version_in_force(records)
        if now != record.before or record.number != len(records) + 1:
            raise overtaken(self.name, record.before, now)
        listing = listing_of(files)
        for name, digest in listing.files.items():
            self._keep(self._key(f"file:{digest}"), files[name])
        self._keep(self._key(f"version:{record.after}"), msgspec.json.encode(listing))
        if not self._asked(
            lambda: self._redis.eval(_ADD, 1, self._key("records"), record.number - 1, written(record)),
            "; whether the change was made, `riskgate history` says",
        ):
            raise overtaken(self.name, record.before, version_in_force(self.records()))

    def close(self) -> None:
        self._redis.close()

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _keep(self, key: str, raw: bytes) -> None:
        """Writes what is not there yet: the name says what it is, so that a second writing is the same."""
        self._asked(lambda: self._redis.exists(key) or self._redis.set(key, raw))

    def _read(self, key: str, most: int) -> bytes:
        """Bytes that must be there, and be no more than `most`. Raises HomeError."""
        raw = cast("bytes", self._asked(lambda: self._redis.getrange(key, 0, most)))
        if not raw and not self._asked(lambda: self._redis.exists(key)):
            raise HomeError(f"expected `{key}` in {self.name}, got nothing: it must not be forgotten; restore a backup")
        if len(raw) > most:
            raise HomeError(f"expected at most {most:,} bytes under `{key}` in {self.name}, got more")
        return raw

    def _asked(self, ask: Callable[[], Answer], more: str = "") -> Answer:
        try:
            return ask()
        except (redis.RedisError, OSError) as error:
            raise HomeError(f"{self.name}: {error}{more}") from error
