"""Composing decisions: from the rules that matched or were missing to the JSON that goes back."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from rules import Input, Pack, Rule
from rules.sentences import Sentence, compile_sentence
from schemas import ACTIONS, Action, Decision, Reason, Value

TAILS_MAX = 1 << 16
"""So many different answers without values are kept encoded."""


class Answer(NamedTuple):
    """All of a decision but whose it is: the action, and the JSON from `"action"` on."""

    action: Action
    tail: str


class Composer:
    """Composes answers for one pack. Rules are numbered in the pack's order, without those that are off."""

    def __init__(self, pack: Pack, rules: Sequence[Rule]) -> None:
        self._pack = pack
        self._rules = rules
        self._sentences: dict[int, Sentence] = {
            number: compile_sentence(rule, pack)
            for number, rule in enumerate(rules)
            if rule.mode == "live" and rule.reason is not None
        }
        self._kept: dict[tuple[tuple[int, ...], tuple[str, ...], bool], Answer] = {}

    @property
    def sentence_inputs(self) -> frozenset[Input]:
        """What the reasons' sentences read."""
        return frozenset(read for sentence in self._sentences.values() for read in sentence.inputs)

    def answer(
        self, matched: tuple[int, ...], missing: tuple[str, ...], degraded: bool, value: Callable[[Input], Value]
    ) -> Answer:
        """The answer where the rules `matched`, with what was `missing`; `value` gives what reasons tell."""
        telling = [number for number in matched if number in self._sentences]
        if telling:
            return self._compose(matched, missing, degraded, tuple(self._reason(number, value) for number in telling))
        key = (matched, missing, degraded)
        answer = self._kept.get(key)
        if answer is None:
            if len(self._kept) >= TAILS_MAX:
                self._kept.clear()
            answer = self._kept[key] = self._compose(matched, missing, degraded, ())
        return answer

    def tells(self, matched: tuple[int, ...]) -> bool:
        """Whether the answer has values of the event in it."""
        return any(number in self._sentences for number in matched)

    def _reason(self, number: int, value: Callable[[Input], Value]) -> Reason:
        rule, sentence = self._rules[number], self._sentences[number]
        return Reason(rule.id, rule.reason or "", sentence.render([value(read) for read in sentence.inputs]))

    def _compose(
        self, matched: tuple[int, ...], missing: tuple[str, ...], degraded: bool, reasons: tuple[Reason, ...]
    ) -> Answer:
        live = [self._rules[number] for number in matched if self._rules[number].mode == "live"]
        action = max((rule.then for rule in live if rule.then != "tag"), key=ACTIONS.index, default=ACTIONS[0])
        challenges = [
            rule.challenge for rule in live if rule.then == action == "step_up" and rule.challenge is not None
        ]
        decision = Decision(
            transaction_id="",
            timestamp=0,
            action=action,
            origin="degraded" if degraded else "scored",
            rules=tuple(rule.id for rule in live),
            shadow=tuple(self._rules[number].id for number in matched if self._rules[number].mode == "shadow"),
            missing=missing,
            reasons=reasons,
            challenge=challenges[0] if challenges else msgspec.UNSET,
            pack=self._pack.version,
        )
        text = msgspec.json.encode(decision).decode()
        return Answer(action, text[text.index('"action"') :])


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
