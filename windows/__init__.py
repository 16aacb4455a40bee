"""The sliding-window store: one append-only log of events, many cursors over it, in numba kernels driven by a plan.

A `Plan` says which aggregates are wanted; a `WindowStore` takes batches of events in and answers with the value of
every aggregate as of each event, exactly: true sliding windows in event time, late events in their place.
"""

from windows.admission import CONFLICT, DUPLICATE, FRESH, FUTURE, LATE, Admission, Verdicts
from windows.clock import RECENT
from windows.columns import Columns, Probe
from windows.grafting import Graft, chain_keys, graft_of, nothing_kept
from windows.hashing import Hasher
from windows.layout import CHAIN_CELL, NULL
from windows.places import pack
from windows.plan import FILTERS_MAX, Aggregate, Kind, Plan, plan_of
from windows.probing import HAS_COME, NOT_COME, NOT_OURS, UNSURE
from windows.sharding import Part, join, part_of
from windows.store import BATCH_MAX, WindowStore

__all__ = [
    "BATCH_MAX",
    "CHAIN_CELL",
    "CONFLICT",
    "DUPLICATE",
    "FILTERS_MAX",
    "FRESH",
    "FUTURE",
    "HAS_COME",
    "LATE",
    "NOT_COME",
    "NOT_OURS",
    "NULL",
    "RECENT",
    "UNSURE",
    "Admission",
    "Aggregate",
    "Columns",
    "Graft",
    "Hasher",
    "Kind",
    "Part",
    "Plan",
    "Probe",
    "Verdicts",
    "WindowStore",
    "chain_keys",
    "graft_of",
    "join",
    "nothing_kept",
    "pack",
    "part_of",
    "plan_of",
]
