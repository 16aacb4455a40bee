"""The agreement on another pack: engines that share a stream change to it at one turn of their order.

Each engine watches its own copy of the pack, and says when it has read another one. When all that still read have the
same one, they are asked to hold: to offer nothing more. Once all that they have offered has had its turn, the next turn
is that of the change. So no batch is prepared by one pack and decided by the other.
"""

from engine.messages import Change, End, Held, Hold, Ready
from engine.order import Order


class Agreement:
    """What the first of `count` engines knows of the packs of all."""

    def __init__(self, count: int) -> None:
        self._ready: list[str] = [""] * count
        self._ended = [False] * count
        self._held: dict[int, int] = {}
        self._asked = ""

    def hear(self, message: Ready | Held | End) -> None:
        match message:
            case Ready():
                self._ready[message.engine] = message.pack
            case Held():
                self._held[message.engine] = message.number
            case End():
                self._ended[message.engine] = True

    def give(self, order: Order) -> Hold | Change | None:
        """What all are to be told now, if anything."""
        if not self._asked:
            reading = {pack for pack, ended in zip(self._ready, self._ended, strict=True) if not ended}
            if len(reading) != 1 or reading == {""}:
                return None
            (self._asked,) = reading
            return Hold(self._asked)
        if len(self._held) < len(self._ready) or not order.has_given(self._held):
            return None
        change, self._asked = order.change(self._asked), ""
        self._ready = ["" if pack == change.pack else pack for pack in self._ready]
        self._held.clear()
        return change
