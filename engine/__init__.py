"""The engine: one batch of events becomes one batch of decisions; it composes windows, detectors and rules.

It is pure: no clock, no randomness, no I/O. It knows the events it was given, the pack, and the lists of the call.
"""

from engine.engine import MEMORY_BYTES, Decisions, Engine

__all__ = ["MEMORY_BYTES", "Decisions", "Engine"]
