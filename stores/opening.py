"""From a URL to a store."""

from stores.memory import MemoryStore
from stores.protocol import Store
from stores.redis import RedisStore

REDIS_SCHEMES = ("redis", "rediss", "unix")


class StoreUrlError(ValueError):
    """A store URL that cannot be taken."""


def open_store(url: str) -> Store:
    """The store at `url`, which is `memory:` or a Redis URL. Connects at the first exchange. Raises StoreUrlError.

    No message repeats the URL, since it may hold a password.
    """
    if url == "memory:":
        return MemoryStore()
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in REDIS_SCHEMES:
        raise StoreUrlError(
            "expected a store URL such as `memory:`, `redis://HOST:6379/0`, `rediss://HOST:6379/0` or "
            f"`unix:///path/redis.sock`, got {f'the scheme `{scheme}`' if separator else 'none of them'}"
        )
    try:
        return RedisStore(url)
    except ValueError:
        raise StoreUrlError(
            f"expected a Redis URL such as `{scheme}://USER:PASSWORD@HOST:6379/0`, got one that cannot be read"
        ) from None
