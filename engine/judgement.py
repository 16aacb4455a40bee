"""Judging a frame: which rules match each event, what detectors score and learn, and the answer that follows."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.breakers import Breakers
from engine.composition import Answer, Composer
from engine.features import TYPE_CODES
from engine.frames import Frame
from engine.outcomes import Conditions, bits_of, numbers_of
from engine.rates import Rates
from engine.scoring import Scoring
from rules import Input, Pack
from rules.syntax import PREFIXES, inputs_of
from schemas import Demotion, Lapse

KEPT_MAX = 1 << 16
"""So many different sets of matching rules have their answer kept."""


class Judge:
    """The rules of a pack that are not off.

    Rules that read no score are judged for the whole frame at once; then, event after event, detectors score, the
    other rules are judged, and what is neither blocked nor astray in time is learnt. What a rule that blocks matches is
    not learnt either while it is demoted.
    """

    def __init__(self, pack: Pack, text_id: Callable[[str], int], watched: Iterable[Input]) -> None:
        self.rules = tuple(rule for rule in pack.rules if rule.mode != "off")
        numbered = {number: rule for number, rule in enumerate(self.rules) if rule.absence is None}
        scored = {
            number: rule
            for number, rule in numbered.items()
            if any(read.kind == "score" for read in inputs_of(rule.when.tree))
        }
        plain = {number: rule for number, rule in numbered.items() if number not in scored}
        self._plain = Conditions(plain, pack.features, text_id)
        self._scored = Conditions(scored, pack.features, text_id)
        self._reads = self._plain.reads() | self._scored.reads()
        self.composer = Composer(pack, self.rules)
        waiting = [read for rule in self.rules if rule.absence is not None for read in inputs_of(rule.when.tree)]
        read = (*self._plain.inputs, *self._scored.inputs, *waiting, *watched)
        self.inputs = frozenset(read) | self.composer.sentence_inputs
        self.facts = tuple(sorted({read.name for read in self.inputs if read.kind == "profile"}))
        self.scoring = Scoring(pack)
        self._has_scores = bool(self.scoring)
        self.breakers = Breakers(pack, self.rules)
        self.has_breakers = bool(self.breakers)
        self._scores = [(index, read.name) for index, read in enumerate(self._scored.inputs) if read.kind == "score"]
        live = {number: rule for number, rule in numbered.items() if rule.mode == "live"}
        self._blocking = bits_of(number for number, rule in live.items() if rule.then == "block")
        self._overriding = [
            (1 << number, ~bits_of(other for other, each in live.items() if each.id in rule.overrides))
            for number, rule in live.items()
            if rule.overrides
        ]
        self._degrading = bits_of(number for number, rule in live.items() if rule.on_missing == "degraded")
        self._by_default = bits_of(number for number, rule in numbered.items() if rule.on_missing == "match")
        self._judging = [
            bits_of(number for number, rule in numbered.items() if name in rule.events) for name in TYPE_CODES
        ]
        self._judged_by_all = frozenset(
            code for code, judging in enumerate(self._judging) if judging == bits_of(numbered)
        )
        self._kept: dict[int | tuple[int, int, int], Answer] = {}
        self._reads_kept: dict[int, tuple[tuple[Input, str], ...]] = {}

    def judge(
        self,
        frame: Frame,
        positions: Sequence[int],
        complete: NDArray[np.bool_] | None,
        unknown: tuple[str, ...],
        lapses: Mapping[int, Lapse],
    ) -> list[Answer]:
        """The answers to the frame's events at `positions`; `lapses` says which of the frame's had strayed in time."""
        hits, lacks, failures, absent = self._plain.outcomes(frame, positions)
        if any(lacks):
            hits = [hit | lack & self._by_default for hit, lack in zip(hits, lacks, strict=True)]
        if not frame.kinds_present <= self._judged_by_all:
            judging = [self._judging[kind] for kind in frame.kinds]
            hits = [hit & bits for hit, bits in zip(hits, judging, strict=True)]
            lacks = [lack & bits for lack, bits in zip(lacks, judging, strict=True)]
            failures = {at: failed & judging[at] for at, failed in failures.items() if failed & judging[at]}
        if self._has_scores:
            self._take_turns(frame, positions, hits, lacks, failures, lapses)
            absent = None
        kept, sure = self._kept, complete is None and not unknown and not lapses and not failures
        answers = []
        for part in self._parts(frame, positions, hits, lapses) if self.has_breakers else (positions,):
            for at in part:
                hit, lack = hits[at], lacks[at]
                key = None if not sure else hit if not lack else None if absent is None else (hit, lack, absent[at])
                answer = None if key is None else kept.get(key)
                if answer is None:
                    answer = self._answer(frame, at, hit, lack, failures.get(at, 0), complete, unknown, lapses.get(at))
                    if key is not None:
                        if len(kept) >= KEPT_MAX:
                            kept.clear()
                        kept[key] = answer
                answers.append(answer)
        return answers

    def _parts(
        self, frame: Frame, positions: Sequence[int], hits: list[int], lapses: Mapping[int, Lapse]
    ) -> Iterator[Sequence[int]]:
        """The positions in parts, between which rules are demoted."""
        start = 0
        for at, demotions in self.breakers.count(frame, positions, hits, lapses):
            end = bisect_left(positions, at)
            yield positions[start:end]
            self._demote(dict(demotions))
            start = end
        yield positions[start:]

    def _demote(self, demotions: Mapping[int, Demotion]) -> None:
        self.composer.demote(demotions)
        self._kept.clear()

    def take_over(self, other: "Judge") -> None:
        """Goes on with what the judge of another pack has learnt, and with how far its rules were demoted."""
        self.scoring.take_over(other.scoring)
        self.breakers.take_over(other.breakers)
        self._demote(self.breakers.demotions)

    def take_up(self, own: Rates | None, others: Sequence[Rates]) -> None:
        """Goes on with what was counted before, and demotes as far as others had."""
        if own is not None:
            self.breakers.take_up(own)
        self.breakers.heed(others)
        self._demote(self.breakers.demotions)

    def _take_turns(
        self,
        frame: Frame,
        positions: Sequence[int],
        hits: list[int],
        lacks: list[int],
        failures: dict[int, int],
        lapses: Mapping[int, Lapse],
    ) -> None:
        """Event after event: scores, judges what reads scores, and lets detectors learn what they may."""
        scoring, scored = self.scoring, self._scored
        facts, rows = scoring.facts(frame), scored.rows.of(frame)
        for at in positions:
            seen = facts[at]
            scores = frame.scores[at] = scoring.score(seen)
            values = list(rows[at])
            for index, name in self._scores:
                values[index] = scores[name]
            hit, lack, failed = scored.outcome(values, frame, frame.moments[at])
            if hit or lack or failed:
                judging = self._judging[frame.kinds[at]]
                if failed & judging:
                    failures[at] = failures.get(at, 0) | failed & judging
                hits[at] |= (hit | lack & self._by_default) & judging
                lacks[at] |= lack & judging
            if not self._is_blocked(hits[at]) and at not in lapses:
                scoring.learn(seen, scores)

    def _is_blocked(self, hit: int) -> bool:
        """Whether a rule blocks that no other one overrides."""
        blocking = hit & self._blocking
        if blocking:
            for bit, others in self._overriding:
                if hit & bit:
                    blocking &= others
        return blocking != 0

    def _answer(
        self, frame: Frame, at: int, hit: int, lack: int, failed: int,
        complete: NDArray[np.bool_] | None, unknown: tuple[str, ...], lapse: Lapse | None,
    ) -> Answer:  # fmt: skip
        degraded = bool(unknown) or bool(lack & self._degrading) or failed != 0 or lapse is not None
        missing = [*unknown, *(title for read, title in self._reads_of(lack) if frame.value(read, at) is None)]
        if complete is not None and not complete[at]:
            degraded = True
            missing.append("windows")
        return self.composer.answer(hit, tuple(dict.fromkeys(missing)), failed, degraded, lapse)

    def _reads_of(self, rules: int) -> tuple[tuple[Input, str], ...]:
        """What the conditions of these rules read, and how a decision names it."""
        reads = self._reads_kept.get(rules)
        if reads is None:
            if len(self._reads_kept) >= KEPT_MAX:
                self._reads_kept.clear()
            found = dict.fromkeys(read for number in numbers_of(rules) for read in self._reads[number])
            reads = self._reads_kept[rules] = tuple((read, _title(read)) for read in found)
        return reads


def _title(read: Input) -> str:
    """How a decision names an input that was missing."""
    return PREFIXES.get(read.kind, "") + read.name
