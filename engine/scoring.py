"""Scoring: the pack's detectors that somebody reads, asked before they learn."""

from collections.abc import Iterable

from detectors import Facts, Scorer, open_scorer
from engine.frames import Frame
from rules import Input, Pack


class Scoring:
    """The detectors that somebody reads, each with the ranks of its scores."""

    def __init__(self, pack: Pack, inputs: Iterable[Input]) -> None:
        read = {each.name.rpartition(".")[0] for each in inputs if each.kind == "score"}
        self._scorers: list[tuple[str, str, Scorer]] = [
            (f"{name}.value", f"{name}.quantile", open_scorer(spec.kind, spec.by, spec.of, spec.options))
            for name, spec in pack.detectors.items()
            if name in read
        ]

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
        for (value_name, _, scorer), seen in zip(self._scorers, facts, strict=True):
            value = scores[value_name]
            if value is not None:
                scorer.ranks.learn(value)
            scorer.detector.learn_one(seen)
