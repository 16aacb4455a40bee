"""The online store: decisions that must be found again by id, and lists that analysts change while events flow.

One interface, in memory and in Redis. A store that cannot be reached says so in its answer and never raises.
"""

from stores.memory import MemoryStore
from stores.opening import StoreUrlError, open_store
from stores.protocol import DECISION_EXPIRY_MS, LIST_CHANGES_MAX, Answer, ListChange, ListEntry, Lists, Store
from stores.redis import RedisStore

__all__ = [
    "DECISION_EXPIRY_MS",
    "LIST_CHANGES_MAX",
    "Answer",
    "ListChange",
    "ListEntry",
    "Lists",
    "MemoryStore",
    "RedisStore",
    "Store",
    "StoreUrlError",
    "open_store",
]
