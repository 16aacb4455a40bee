"""Frames of bytes on the disk, in a directory that one run at a time owns; what is in them is its owner's business.

What was appended survives the end of the process, what was synced a power failure. A torn tail is cut back; damage,
another pack's directory, a full or read-only disk are told in a sentence.
"""

from journal.contents import Contents, Owner, SlotContents, inspect
from journal.directory import StateDirectory
from journal.errors import StateError
from journal.files import Buffer, sync_folder
from journal.frames import Frame
from journal.manifest import Identity
from journal.segments import Torn
from journal.writer import Journal

__all__ = [
    "Buffer",
    "Contents",
    "Frame",
    "Identity",
    "Journal",
    "Owner",
    "SlotContents",
    "StateDirectory",
    "StateError",
    "Torn",
    "inspect",
    "sync_folder",
]
