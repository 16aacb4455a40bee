"""A succession: windows of another plan grow from what a holding has, while that one goes on, and then follow it."""

from engine.features import FeaturePlan
from engine.holding import ALWAYS_MS, Holding, Since, Texts
from windows import WindowStore, graft_of, nothing_kept

PART_ROWS = 256
"""So many events are taken over at once."""


class Succession:
    """Grows a holding for the features `after` from `older`, which is one for the features `before`.

    The store reserves `memory_bytes`. What is in the log is taken over as far as the older plan kept what is wanted.
    """

    def __init__(
        self, older: Holding, before: FeaturePlan, after: FeaturePlan, memory_bytes: int, lateness_ms: int
    ) -> None:
        known = {each.key: number for number, each in enumerate(before.filters)}
        same = {number: known[each.key] for number, each in enumerate(after.filters) if each.key in known}
        self.older = older
        self._graft = graft_of(after.plan, older.plan, same)
        store = WindowStore(self._graft.plan, memory_bytes, lateness_ms=lateness_ms)
        chains = len(self._graft.plan.chains)
        store.reserve(older.store.events, older.store.keys * chains // max(1, len(older.plan.chains)))
        self.holding = Holding(self._graft.plan, store)
        self._latest_ms = ALWAYS_MS

    def grow(self, most: int) -> int:
        """Takes over so many events more of the older log at most, and returns how many: 0 where none is left."""
        store, pages = self.holding.store, self.older.store.pages
        page, place = store.next_place
        if not place:
            page = next((number for number in pages if number >= page), -1)
        if page < 0:
            return 0
        kept = self.older.store.kept(page, self._graft, place, most)
        if kept is None:  # it was forgotten when a part of it had been taken
            kept = nothing_kept(self._graft, self._latest_ms, 1)
        count = len(kept.timestamp_ms)
        if count:
            rows = store.take_kept(page, kept)
            self._latest_ms = max(self._latest_ms, int(kept.timestamp_ms.max()))
            self.holding.keep_texts([rows], self._texts(kept.rows, count))
        return count

    def _texts(self, rows: range, count: int) -> Texts:
        """What the older log's rows have as the texts of `count` events."""
        older = self.older.rows_of
        return {
            name: older[name][rows.start : rows.stop].tolist() if name in older and rows else [None] * count
            for name in self.holding.rows_of
        }

    def finish(self) -> Holding:
        """The holding, with all that the older one has."""
        while self.grow(PART_ROWS):
            pass
        self.holding.cover(self._since())
        return self.holding

    def revalue(self, serial: int, amount_minor: int) -> None:
        """An event that may have been taken over has another amount now."""
        column, store = self.holding.amount, self.holding.store
        if column is not None and serial < store.ordinals:
            store.revalue(serial, column, amount_minor)

    def _since(self) -> Since:
        """What the older log had, it had since it forgot, or since it had it; all else begins now."""
        older = self.older
        forgotten_ms = older.store.complete_since_ms
        of_chain = dict(zip(older.chain_cells, older.since.chains, strict=True))
        chains = [max(forgotten_ms, of_chain.get(cell, self._latest_ms)) for cell in self._graft.chain_cells]
        new = {name: self._latest_ms for name in self.holding.columns if name not in older.columns}
        return Since(chains, {**older.since.columns, **new})
