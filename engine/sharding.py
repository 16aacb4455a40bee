"""Several engines that share a stream: each decides what it reads, all hold the windows and the memory of ids together.

Each event is read by one engine, which prepares it and gives the answer. In between, all engines take in all events,
in one order that the first of them gives; each runs the windows of its own keys. So all agree on what is late or a
duplicate, and a window is exact wherever its events were read. Messages may come in any order.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine.agreement import Agreement
from engine.coming import Coming
from engine.core import Entered, Share
from engine.decisions import Decisions, joined
from engine.engine import Engine, Question, Renewal
from engine.messages import Change, End, Held, Hold, Message, Offer, Ready, Rest, Shares, Tails, Turn
from engine.order import Order
from windows import DUPLICATE, Columns

FIRST = 0
"""The engine that gives the order."""


@dataclass
class _Case:
    """A batch on its way to its decision, at the engine that read it."""

    questions: list[Question]
    entered: list[Entered] = field(default_factory=list)
    shares: dict[int, tuple[Share, ...]] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    tails: dict[int, str | None] = field(default_factory=dict)
    repeatable: int = 0


@dataclass
class _Debt:
    """Answers that another engine needs, and that are not all given yet."""

    engine: int
    number: int
    serials: list[int]


class Member:
    """One of `count` engines that share a stream; `engine` is that shard of as many.

    The caller submits batches, carries the messages of `outbox` to whom they are for, hands over what is for this one,
    and takes the decisions, in the order of the batches. An answer is only told to others once it is `released`.
    """

    def __init__(self, engine: Engine, index: int, count: int) -> None:
        self.outbox: deque[tuple[int, Message]] = deque()
        self._engine = engine
        self._index = index
        self._count = count
        self._restored = engine.core.next_serial
        self._number = 0
        self._cases: dict[int, _Case] = {}
        self._debts: list[_Debt] = []
        self._order = Order(count) if index == FIRST else None
        self._agreement = Agreement(count)
        self._renewals: dict[str, Renewal] = {}
        self._holds: list[str] = []
        self._changes: list[str] = []
        self._offers: dict[tuple[int, int], Offer | End] = {}
        self._turn = 0
        self._turns: dict[int, Turn | Change] = {}
        self._ended = 0
        self.stopping = False
        """Whether some engine wants all of them to read no more."""

    @property
    def in_flight(self) -> int:
        """Batches that were submitted and whose decisions have not been taken."""
        return len(self._cases)

    @property
    def is_holding(self) -> bool:
        """Whether nothing may be submitted now, since all engines are about to change to another pack."""
        return bool(self._holds)

    @property
    def is_done(self) -> bool:
        """Whether all engines have ended, and nothing is left to be decided or told."""
        return self._ended == self._count and not self._cases and not self._debts and not self.outbox

    def submit(self, questions: Iterable[Question]) -> None:
        """Has a batch decided."""
        asked = list(questions)
        self._cases[self._number] = _Case(asked)
        keys = len(self._engine.core.plan.ids)
        self._tell_all(Offer(self._index, self._number, tuple(_trimmed(each.coming, keys) for each in asked)))
        self._number += 1

    def end(self, stopping: bool) -> None:
        """Nothing more will be submitted; if the engine is `stopping`, others should end as well."""
        self._tell_all(End(self._index, self._number, stopping))

    def rest(self) -> None:
        """There is nothing to submit now: nobody should wait for it."""
        self._tell_first(Rest(self._index, self._number))

    def propose(self, renewal: Renewal | None) -> None:
        """The engine could change to another pack, with the same windows; it will when all could. Or to none."""
        version = "" if renewal is None else renewal.outfit.pack.version
        if renewal is not None:
            self._renewals.pop(version, None)
            self._renewals[version] = renewal
        self.outbox.append((FIRST, Ready(self._index, version)))  # also to itself: it may be about to submit

    def _tell_first(self, message: Held | Rest) -> None:
        if self._index == FIRST:
            self.receive(message)
        else:
            self.outbox.append((FIRST, message))

    def receive(self, message: Message) -> None:
        """Takes a message of another engine."""
        match message:
            case Rest() if self._order is not None:
                self._order.rest(message)
            case Ready() | Held():
                self._agreement.hear(message)
            case Hold():
                self._holds.append(message.pack)
                self.rest()
                self._tell_first(Held(self._index, self._number))
            case Turn() | Change():
                self._turns[message.turn] = message
            case Shares():
                self._cases[message.number].shares[message.shard] = message.pieces
            case Tails():
                self._cases[message.number].tails.update(message.tails)
            case Offer() | End():
                self._offers[message.engine, message.number] = message
                if self._order is not None:
                    self._order.add(message, self._engine.core)
                if isinstance(message, End):
                    self._agreement.hear(message)
        if self._order is not None:
            self._give_turns(self._order)
        self._enter()

    def take(self) -> Decisions | None:
        """The decisions on the next batch, if they are known; what the caller must have kept before it `releases`."""
        if not self._cases:
            return None
        number = next(iter(self._cases))
        case = self._cases[number]
        if len(case.shares) < self._count or len(case.tails) < len(case.asked):
            return None
        del self._cases[number]
        shares = [case.shares[shard] for shard in range(self._count)]
        parts = [
            self._engine.conclude(question, self._engine.core.joined(entered, pieces), case.tails)
            for question, entered, pieces in zip(case.questions, case.entered, zip(*shares, strict=True), strict=True)
        ]
        self._change()
        return parts[0] if len(parts) == 1 else joined(parts)

    def _change(self) -> None:
        """Changes to packs whose turn has come, once all that was submitted before is decided.

        An engine that does not know one of them reads no more, and has nothing to decide.
        """
        while self._changes and not self._cases:
            pack = self._changes.pop(0)
            self._holds.remove(pack)
            renewal = self._renewals.get(pack)
            if renewal is None:
                continue
            self._engine.change(renewal)
            proposed = list(self._renewals)
            for version in proposed[: proposed.index(pack) + 1]:
                del self._renewals[version]

    def release(self) -> None:
        """All decisions that were taken are kept: others may be told what was answered."""
        debts, self._debts = self._debts, []
        for debt in debts:
            self._pay(debt)
        self._forget()

    def _tell_all(self, offer: Offer | End) -> None:
        self.outbox.extend((other, offer) for other in range(self._count) if other != self._index)
        self.receive(offer)

    def _give_turns(self, order: Order) -> None:
        while (turn := order.give()) is not None:
            self._turns[turn.turn] = turn
            self.outbox.extend((other, turn) for other in range(self._count) if other != self._index)
        while (told := self._agreement.give(order)) is not None:
            self.outbox.extend((other, told) for other in range(self._count) if other != self._index)
            self.receive(told)

    def _enter(self) -> None:
        """Takes in all whose turn it is."""
        while (turn := self._turns.get(self._turn)) is not None:
            if isinstance(turn, Change):
                del self._turns[self._turn]
                self._turn += 1
                self._changes.append(turn.pack)
                self._change()
                continue
            if (turn.engine, turn.number) not in self._offers:
                return
            del self._turns[self._turn]
            self._turn += 1
            offer = self._offers.pop((turn.engine, turn.number))
            if isinstance(offer, End):
                self._ended += 1
                self.stopping |= offer.stopping
            else:
                self._take_in(offer)

    def _take_in(self, offer: Offer) -> None:
        core, answers = self._engine.core, self._engine.answers
        case = self._cases[offer.number] if offer.engine == self._index else None
        if case is not None:
            case.repeatable = core.repeatable
        shares, debts = [], []
        for piece in offer.pieces:
            entered, share = core.enter(piece)
            shares.append(share)
            answers.expect(offer.engine, len(entered.admitted.ids))
            repeated = _repeated(entered)
            if case is not None:
                case.entered.append(entered)
                case.asked.update(serial for serial in repeated if answers.holder(serial) not in (None, self._index))
            else:
                debts += [serial for serial in repeated if self._answers_for(serial)]
        if case is not None:
            case.shares[self._index] = tuple(shares)
            return
        self.outbox.append((offer.engine, Shares(self._index, offer.number, tuple(shares))))
        if debts:
            self._pay(_Debt(offer.engine, offer.number, debts))
        self._forget()

    def _answers_for(self, serial: int) -> bool:
        """Whether this engine gives the answer to that event; the answers of earlier runs are known to all."""
        return serial >= self._restored and self._engine.answers.holder(serial) in (None, self._index)

    def _pay(self, debt: _Debt) -> None:
        """Tells the answers, if all of them are given."""
        answers = self._engine.answers
        if any(answers.holder(serial) is not None for serial in debt.serials):
            self._debts.append(debt)
        else:
            tails = {serial: answers.of(serial) for serial in debt.serials}
            self.outbox.append((debt.engine, Tails(self._index, debt.number, tails)))

    def _forget(self) -> None:
        """Lets go of answers that nobody will ask for any more, as of the oldest batch that is not decided."""
        pending = next((case for case in self._cases.values()), None)
        if pending is None:
            self._engine.answers.forget(self._engine.core.repeatable)
        elif pending.entered:
            self._engine.answers.forget(pending.repeatable)


def _trimmed(coming: Coming, keys: int) -> Coming:
    """Without the ids that no window reads."""
    columns = coming.columns
    if columns.ids.shape[1] == keys:
        return coming
    ids = np.ascontiguousarray(columns.ids[:, :keys])
    trimmed = Columns(columns.timestamp_ms, ids, columns.values, columns.entering, columns.judged)
    return msgspec.structs.replace(coming, columns=trimmed)


def _repeated(entered: Entered) -> list[int]:
    """The serials of earlier events that came again."""
    if entered.verdicts.plain:
        return []
    kinds = entered.verdicts.kinds
    serials: list[int] = entered.verdicts.serials[kinds == DUPLICATE].tolist()
    return serials
