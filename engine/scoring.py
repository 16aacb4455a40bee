"""Scoring: the pack's detectors, asked before they learn."""

from collections.abc import Iterable, Sequence

import msgspec

from detectors import Facts, Scorer, open_scorer
from engine.frames import Frame
from rules import DetectorSpec, Pack
from schemas import Value

Learnt = list[tuple[float | None, tuple[Value, ...]]]
"""What the detectors learnt of one event: for each its score of it, and the values of the fields that it reads."""


class Scoring:
    """A pack's detectors, each with the ranks of its scores.

    They learn whether or not a rule reads them, so that what they have learnt is good for a pack with other rules.
    """

    def __init__(self, pack: Pack) -> None:
        self._scorers: list[tuple[str, str, Scorer]] = [
            (f"{name}.value", f"{name}.quantile", open_scorer(spec.kind, spec.by, spec.of, spec.options))
            for name, spec in pack.detectors.items()
        ]
        self._specs = tuple(pack.detectors.values())
        self._learnt: list[Learnt] = []

    @property
    def by_spec(self) -> list[tuple[DetectorSpec, Scorer]]:
        """The scorers with what they were made by."""
        return [(spec, scorer) for spec, (_, _, scorer) in zip(self._specs, self._scorers, strict=True)]

    def take_over(self, other: "Scoring") -> None:
        """Goes on with the scorers of another pack that are the same in this one."""
        learnt = other.by_spec
        for number, (spec, (value_name, quantile_name, scorer)) in enumerate(
            zip(self._specs, self._scorers, strict=True)
        ):
            known = next((scorer for each, scorer in learnt if each == spec), scorer)
            self._scorers[number] = value_name, quantile_name, known

    def __bool__(self) -> bool:
        return bool(self._scorers)

    def facts(self, frame: Frame) -> list[tuple[Facts, ...]]:
        """For each event what each detector sees of it."""
        seen = []
        for _, _, scorer in self._scorers:
            reads = scorer.detector.reads
            seen.append([dict(zip(reads, row, strict=True)) for row in zip(*map(frame.fields, reads), strict=True)])
        return list(zip(*seen, strict=True))

    def score(self, facts: tuple[Facts, ...]) -> dict[str, float | None]:
        """The event's scores, by the names that inputs have."""
        scores: dict[str, float | None] = {}
        for (value_name, quantile_name, scorer), seen in zip(self._scorers, facts, strict=True):
            value = scores[value_name] = scorer.detector.score_one(seen)
            scores[quantile_name] = None if value is None else scorer.ranks.quantile(value)
        return scores

    def learn(self, facts: tuple[Facts, ...], scores: dict[str, float | None]) -> None:
        """Takes the event, scored before, for normal."""
        learnt: Learnt = []
        for (value_name, _, scorer), seen in zip(self._scorers, facts, strict=True):
            value = scores[value_name]
            scorer.learn(value, seen)
            learnt.append((value, tuple(seen.values())))
        self._learnt.append(learnt)

    def drain(self) -> list[Learnt]:
        """What was learnt since this was last asked."""
        learnt, self._learnt = self._learnt, []
        return learnt

    def relearn(self, learnt: Iterable[Learnt]) -> None:
        """Learns again what was drained."""
        for event in learnt:
            for (_, _, scorer), (value, seen) in zip(self._scorers, event, strict=True):
                scorer.learn(value, dict(zip(scorer.detector.reads, seen, strict=True)))

    def state(self) -> bytes:
        """All that has been learnt, for `adopt`."""
        return msgspec.msgpack.encode([scorer.state() for _, _, scorer in self._scorers])

    def adopt(self, states: Sequence[bytes]) -> None:
        """Takes over what others had learnt; several where they shared a stream. Raises MsgspecError."""
        learnt: list[list[bytes]] = [msgspec.msgpack.decode(state, type=list[bytes]) for state in states]
        for number, (_, _, scorer) in enumerate(self._scorers):
            scorer.adopt([parts[number] for parts in learnt])
