"""The engine: one batch of events becomes one batch of decisions; it composes windows, detectors and rules.

It is pure: no clock, no randomness, no I/O. It knows the events it was given, the pack, and the lists of the call. What
it has become by that can be recorded, and restored from the records.
"""

from engine.composition import acting_of, action_of
from engine.engine import MEMORY_BYTES, Decisions, Engine, Prepared, Question, Renewal
from engine.features import signature_of
from engine.hindsight import Entered, Hindsight
from engine.measurements import Measured
from engine.messages import Message
from engine.outfit import Outfit, obstacle
from engine.records import Piece, Record, record_of
from engine.scoring import Learnt
from engine.sharding import Member

__all__ = [
    "MEMORY_BYTES",
    "Decisions",
    "Engine",
    "Entered",
    "Hindsight",
    "Learnt",
    "Measured",
    "Member",
    "Message",
    "Outfit",
    "Piece",
    "Prepared",
    "Question",
    "Record",
    "Renewal",
    "acting_of",
    "action_of",
    "obstacle",
    "record_of",
    "signature_of",
]
