"""From a URL to a store, or to what it has of a pack."""

from collections.abc import Callable
from typing import TypeVar

from stores.memory import MemoryStore
from stores.protocol import Store
from stores.redis import RedisStore
from stores.redis_home import RedisHome

REDIS_SCHEMES = ("redis", "rediss", "unix")

Opened = TypeVar("Opened")


class StoreUrlError(ValueError):
    """A store URL that cannot be taken."""


def open_store(url: str) -> Store:
    """The store at `url`, which is `memory:` or a Redis URL. Connects at the first exchange. Raises StoreUrlError.

    No message repeats the URL, since it may hold a password.
    """
    if url == "memory:":
        return MemoryStore()
    return _opened(url, RedisStore, "`memory:`, ")


def open_home(url: str, pack: str) -> RedisHome:
    """The versions of a pack in the store at `url`, a Redis URL. Connects at the first question. Raises StoreUrlError.

    No message repeats the URL, since it may hold a password.
    """
    if url == "memory:":
        raise StoreUrlError("expected a store that keeps packs, such as `redis://HOST:6379/0`, got `memory:`")
    return _opened(url, lambda url: RedisHome(url, pack), "")


def _opened(url: str, opened: Callable[[str], Opened], other: str) -> Opened:
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in REDIS_SCHEMES:
        raise StoreUrlError(
            f"expected a store URL such as {other}`redis://HOST:6379/0`, `rediss://HOST:6379/0` or "
            f"`unix:///path/redis.sock`, got {f'the scheme `{scheme}`' if separator else 'none of them'}"
        )
    try:
        return opened(url)
    except ValueError:
        raise StoreUrlError(
            f"expected a Redis URL such as `{scheme}://USER:PASSWORD@HOST:6379/0`, got one that cannot be read"
        ) from None
