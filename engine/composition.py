"""Composing decisions: from the rules that matched, were missing or failed to the JSON that goes back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from engine.frames import Frame
from engine.outcomes import bits_of, numbers_of
from engine.reasons import RuleReason
from rules import Input, Pack, Rule
from schemas import ACTIONS, Action, Decision, Demotion, Lapse

TAILS_MAX = 1 << 16
"""So many different answers without values are kept encoded."""

_REASONS = '"reasons":['
"""Where reasons begin: inside a JSON string its quotes would be escaped."""


class Answer(NamedTuple):
    """All of a decision but whose it is and what its reasons tell.

    `tail` is the JSON from `"action"` on; the reasons of the rules `telling` are still to be put in at `gap`.
    """

    action: Action
    tail: str
    gap: int
    telling: tuple[int, ...]


class Composer:
    """Composes answers for one pack. Rules are numbered in the pack's order, without those that are off."""

    def __init__(self, pack: Pack, rules: Sequence[Rule]) -> None:
        self._pack = pack
        self._rules = list(rules)
        self._reasons: dict[int, RuleReason] = {
            number: RuleReason(rule, rule.reason, pack)
            for number, rule in enumerate(rules)
            if rule.mode == "live" and rule.reason is not None
        }
        self._numbers = {rule.id: number for number, rule in enumerate(rules)}
        self._ids = [rule.id for rule in rules]
        self._live = bits_of(number for number, rule in enumerate(rules) if rule.mode == "live")
        self._telling = bits_of(self._reasons)
        self._overriding = [
            (1 << number, bits_of(other for other, each in enumerate(rules) if each.id in rule.overrides))
            for number, rule in enumerate(rules)
            if rule.overrides
        ]
        self._thens = self._by_action()
        self._kept: dict[tuple[int, tuple[str, ...], int, bool, Lapse | None], Answer] = {}
        self._demotions: dict[int, Demotion] = {}
        self._demoted = 0

    @property
    def sentence_inputs(self) -> frozenset[Input]:
        """What the reasons' sentences read."""
        return frozenset(read for reason in self._reasons.values() for read in reason.inputs)

    def demote(self, demotions: Mapping[int, Demotion]) -> None:
        """From now on the rules with these numbers act as they are demoted to."""
        for number, demotion in demotions.items():
            self._rules[number] = replace(self._rules[number], then=demotion.to)
            self._demotions[number] = demotion
        self._demoted = bits_of(self._demotions)
        self._thens = self._by_action()
        self._kept.clear()

    def _by_action(self) -> list[tuple[Action, int]]:
        """For each action, the strongest first, the bits of the rules that say it."""
        return [
            (action, bits_of(number for number, rule in enumerate(self._rules) if rule.then == action))
            for action in reversed(ACTIONS)
        ]

    def answer(self, hit: int, missing: tuple[str, ...], failed: int, degraded: bool, lapse: Lapse | None) -> Answer:
        """The answer where the rules of the bits `hit` matched and those of `failed` raised, with what was `missing`,
        and how it strayed in time.
        """
        key = (hit, missing, failed, degraded, lapse)
        answer = self._kept.get(key)
        if answer is None:
            if len(self._kept) >= TAILS_MAX:
                self._kept.clear()
            answer = self._kept[key] = self._compose(hit, missing, failed, degraded, lapse)
        return answer

    def would_say(self, rule: str, frame: Frame, positions: Sequence[int]) -> list[str]:
        """The reason that the rule would give for the frame's events at `positions`, as JSON; or empty texts."""
        reason = self._reasons.get(self._numbers[rule])
        return [""] * len(positions) if reason is None else reason.told(frame, positions)

    def elapsed(self, rule: str, said: str, timer_ms: int, unsure: bool) -> tuple[Action, str] | None:
        """Action and tail of the answer when a wait of the rule was in vain; None where that rule has gone."""
        number = self._numbers.get(rule)
        if number is None:
            return None
        answer = self.answer(1 << number, ("windows",) if unsure else (), 0, unsure, None)
        tail = answer.tail
        if answer.telling and said:
            tail = f"{tail[: answer.gap]}{said}{tail[answer.gap :]}"
        return answer.action, f'{tail[:-1]},"timer":{timer_ms}}}'

    def tails(self, frame: Frame, positions: Sequence[int], answers: Sequence[Answer]) -> list[str]:
        """The whole tails of the answers to the frame's events at `positions`, with their reasons."""
        tails = [answer.tail for answer in answers]
        if not self._reasons:
            return tails
        tellers: defaultdict[int, list[int]] = defaultdict(list)
        for at, answer in enumerate(answers):
            for number in answer.telling:
                tellers[number].append(at)
        told: defaultdict[int, list[str]] = defaultdict(list)
        for number, places in sorted(tellers.items()):
            texts = self._reasons[number].told(frame, [positions[at] for at in places])
            for at, text in zip(places, texts, strict=True):
                told[at].append(text)
        for at, reasons in told.items():
            tail, gap = tails[at], answers[at].gap
            tails[at] = f"{tail[:gap]}{','.join(reasons)}{tail[gap:]}"
        return tails

    def _compose(self, hit: int, missing: tuple[str, ...], failed: int, degraded: bool, lapse: Lapse | None) -> Answer:
        live = acting = hit & self._live
        for bit, others in self._overriding:
            if live & bit:
                acting &= ~others
        action, deciding = next(
            ((action, acting & bits) for action, bits in self._thens if acting & bits), (ACTIONS[0], 0)
        )
        challenges = (self._rules[number].challenge for number in numbers_of(deciding)) if action == "step_up" else ()
        decision = Decision(
            transaction_id="",
            timestamp=0,
            action=action,
            origin="degraded" if degraded else "scored",
            rules=self._named(live),
            shadow=self._named(hit & ~self._live),
            missing=missing,
            overridden=self._named(live & ~acting) or msgspec.UNSET,
            demoted=tuple(self._demotions[number] for number in numbers_of(live & self._demoted)) or msgspec.UNSET,
            errors=self._named(failed) or msgspec.UNSET,
            challenge=next((each for each in challenges if each is not None), msgspec.UNSET),
            degraded=msgspec.UNSET if lapse is None else lapse,
            pack=self._pack.version,
        )
        text = msgspec.json.encode(decision).decode()
        tail = text[text.index('"action"') :]
        gap = tail.index(_REASONS) + len(_REASONS)
        return Answer(action, tail, gap, numbers_of(hit & self._telling))

    def _named(self, rules: int) -> tuple[str, ...]:
        """The ids of the rules with these bits."""
        return tuple(map(self._ids.__getitem__, numbers_of(rules))) if rules else ()


def acting_of(rules: Sequence[Rule]) -> list[Rule]:
    """Those of the live rules that matched the same event whose hits count: no other one overrides them."""
    named = {overridden for rule in rules for overridden in rule.overrides}
    return [rule for rule in rules if rule.id not in named]


def action_of(rules: Sequence[Rule]) -> Action:
    """The strongest action of live rules that matched the same event."""
    return max((rule.then for rule in acting_of(rules) if rule.then != "tag"), key=ACTIONS.index, default=ACTIONS[0])


def encode(ids: Sequence[str], timestamp_ms: Sequence[int], tails: Sequence[str]) -> list[bytes]:
    """The JSON of decisions: what `msgspec` makes of `schemas.Decision`, put together from encoded tails."""
    joined = "".join(ids)
    if joined.isascii() and joined.isprintable() and '"' not in joined and "\\" not in joined:
        return [
            f'{{"transaction_id":"{key}","timestamp":{time},{tail}'.encode()
            for key, time, tail in zip(ids, timestamp_ms, tails, strict=True)
        ]
    return [
        f'{{"transaction_id":{msgspec.json.encode(key).decode()},"timestamp":{time},{tail}'.encode()
        for key, time, tail in zip(ids, timestamp_ms, tails, strict=True)
    ]
