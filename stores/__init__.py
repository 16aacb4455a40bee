"""The online store: decisions that must be found again by id, and lists that analysts change while events flow.

One interface, in memory and in Redis. A store that cannot be reached says so in its answer and never raises. Beside it,
the home of a pack's versions: which there were, and which is in force.
"""

from stores.folder_home import FolderHome
from stores.memory import MemoryStore
from stores.opening import StoreUrlError, open_home, open_store
from stores.protocol import DECISION_EXPIRY_MS, LIST_CHANGES_MAX, Answer, ListChange, ListEntry, Lists, Store
from stores.redis import RedisStore
from stores.redis_home import RedisHome
from stores.versions import (
    Action,
    Files,
    Home,
    HomeError,
    Measured,
    OvertakenError,
    Record,
    version_before,
    version_in_force,
    versions_in_force,
)

__all__ = [
    "DECISION_EXPIRY_MS",
    "LIST_CHANGES_MAX",
    "Action",
    "Answer",
    "Files",
    "FolderHome",
    "Home",
    "HomeError",
    "ListChange",
    "ListEntry",
    "Lists",
    "Measured",
    "MemoryStore",
    "OvertakenError",
    "Record",
    "RedisHome",
    "RedisStore",
    "Store",
    "StoreUrlError",
    "open_home",
    "open_store",
    "version_before",
    "version_in_force",
    "versions_in_force",
]
