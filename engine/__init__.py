"""The engine: one batch of events becomes one batch of decisions; it composes windows, detectors and rules.

It is pure: no clock, no randomness, no I/O. It knows the events it was given, the pack, and the lists of the call. What
it has become by that can be recorded, and restored from the records.
"""

from engine.breakers import Trip
from engine.composition import acting_of, action_of
from engine.decisions import Decisions
from engine.engine import MEMORY_BYTES, Engine, Prepared, Question, Renewal
from engine.features import signature_of
from engine.hindsight import Entered, Hindsight
from engine.measurements import Measured
from engine.messages import Message
from engine.outfit import Outfit, keeps_windows, obstacle
from engine.rates import Group, Noted, Rates
from engine.records import Piece, Record, record_of
from engine.scoring import Learnt
from engine.sharding import Member

__all__ = [
    "MEMORY_BYTES",
    "Decisions",
    "Engine",
    "Entered",
    "Group",
    "Hindsight",
    "Learnt",
    "Measured",
    "Member",
    "Message",
    "Noted",
    "Outfit",
    "Piece",
    "Prepared",
    "Question",
    "Rates",
    "Record",
    "Renewal",
    "Trip",
    "acting_of",
    "action_of",
    "keeps_windows",
    "obstacle",
    "record_of",
    "signature_of",
]
