"""A seeded generator of what a consumer-credit wallet that buys game points sees: honest life, and planted fraud.

It stands for no real people or company, and its labels are known exactly. The same seed gives the same events.
"""

from simulator.calendar import QUIET_DAYS, START_MS
from simulator.labels import KINDS, Kind, Label
from simulator.scores import STOPPING, Outcome, Scores
from simulator.stream import simulate, users_for

__all__ = ["KINDS", "QUIET_DAYS", "START_MS", "STOPPING", "Kind", "Label", "Outcome", "Scores", "simulate", "users_for"]
