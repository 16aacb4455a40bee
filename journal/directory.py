"""A state directory: whose it is, what is in it, and who writes to it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from journal.files import Buffer
from journal.frames import Frame
from journal.listing import segments_in, slots_in
from journal.manifest import Identity, open_manifest, read_manifest_of
from journal.segments import Torn
from journal.slots import SLOTS_MAX, Slot, read_record
from journal.writer import Journal


class StateDirectory:
    """DIR/manifest.json, DIR/slots/SLOT and DIR/segments/SLOT-NUMBER.log, for the owner's eyes only.

    A slot is what one worker writes. A run has the slots 0 to `workers` - 1, perhaps spread over processes; slots that
    an earlier run with more workers left are orphans: they are read, and go when nothing in them is needed.
    """

    def __init__(self, path: Path, workers: int, hash_key: bytes) -> None:
        self.path = path
        self.hash_key = hash_key
        self.torn: list[Torn] = []
        """What reading found torn; it is cut off where this process has claimed the slot."""
        self.workers = workers
        self._claimed: dict[int, Slot] = {}
        self._slots: dict[int, Slot] = {}

    @classmethod
    def open(
        cls, path: Path, identity: Identity, new_key: Callable[[], bytes], slots: Collection[int], workers: int
    ) -> "StateDirectory":
        """Makes the directory where it is missing or empty, and claims `slots` for this process, orphans with slot 0.

        `new_key` gives the 16 bytes that a new directory's ids are hashed with. Raises StateError if the directory is
        another pack's or format's, is in use, or cannot be read and written.
        """
        if not 0 < workers <= SLOTS_MAX or not all(0 <= slot < workers for slot in slots):
            raise ValueError(f"expected slots of 1 to {SLOTS_MAX} workers, got {slots} of {workers}")
        directory = cls(path, workers, open_manifest(path, identity, new_key).hash_key)
        holders, present = segments_in(path), slots_in(path)
        for number in holders.keys() - present:  # its record was made before its segments
            read_record(Slot(path, number).path)
        orphans = [number for number in present if number >= workers and 0 in slots]
        try:
            for number in (*sorted(slots), *orphans):
                directory._claimed[number] = Slot(path, number)
                directory._claimed[number].claim()
        except BaseException:
            directory.close()
            raise
        return directory

    @classmethod
    def look(cls, path: Path, identity: Identity) -> "StateDirectory":
        """A directory that is there, to be read without taking it, also while a run writes to it.

        Raises StateError if it is none, or of another pack or format.
        """
        return cls(path, 1, read_manifest_of(path, identity).hash_key)

    def read(self, progress: Callable[[int, int], None]) -> dict[int, Iterator[Frame]]:
        """For each slot that is there, all its frames in order. All are read before anything is appended.

        `progress` hears how many bytes were read and how many there are. Raises StateError, here or from an iterator,
        where something is damaged, missing or unknown.
        """
        sizes = segments_in(self.path)
        slots = {
            number: self._claimed.get(number) or Slot(self.path, number)
            for number in sorted({*slots_in(self.path), *sizes})
        }
        for number, slot in slots.items():
            slot.list_segments(sizes.get(number, {}))
        self._slots = slots
        total = sum(segment.size for slot in slots.values() for segment in slot.segments)
        so_far = 0

        def count(more: int) -> None:
            nonlocal so_far
            so_far += more
            progress(so_far, total)

        return {number: slot.frames(self.torn, count) for number, slot in slots.items()}

    def writer(self, slot: int, head: Callable[[], Sequence[Buffer]]) -> Journal:
        """The journal of a claimed slot, once all slots are read. Raises StateError if it cannot be written.

        `head` gives what a new segment begins with: all that later frames build on. Where the last run had another
        number of workers a segment begins at once, so that the heads of all slots together speak for what was before.
        """
        if not self._slots or not all(each.is_read for each in self._slots.values()):
            raise RuntimeError("all slots must be read to their ends before one is written")
        orphans = [each for number, each in self._claimed.items() if number >= self.workers and slot == 0]
        return Journal(self._claimed[slot], self.workers, orphans, head, self._is_rescaled)

    @cached_property
    def _is_rescaled(self) -> bool:
        """Whether a slot's last segment was begun by a run with another number of workers, when all was read."""
        began = [self._slots[slot].workers if slot in self._slots else 0 for slot in range(self.workers)]
        return any(workers != self.workers for workers in began)

    def is_claimed(self, slot: int) -> bool:
        """Whether only this process writes that slot."""
        return slot in self._claimed

    @property
    def size_bytes(self) -> int:
        """What all segments take on the disk now."""
        return sum(sum(sizes.values()) for sizes in segments_in(self.path).values())

    def close(self) -> None:
        """Gives up the slots. Journals are closed before."""
        for slot in self._claimed.values():
            slot.release()
