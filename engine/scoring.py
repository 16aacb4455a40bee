"""Scoring: the pack's detectors that somebody reads, asked before they learn."""

from collections.abc import Iterable

from detectors import Facts, Scorer, open_scorer
from engine.frames import Frame
from rules import Input, Pack
from schemas import Value


class Scoring:
    """Puts an event's scores into its frame; the detectors learn only from what was not blocked."""

    def __init__(self, pack: Pack, inputs: Iterable[Input]) -> None:
        read = {each.name.rpartition(".")[0] for each in inputs if each.kind == "score"}
        self._scorers: dict[str, Scorer] = {
            name: open_scorer(spec.kind, spec.by, spec.of, spec.options)
            for name, spec in pack.detectors.items()
            if name in read
        }

    def __bool__(self) -> bool:
        return bool(self._scorers)

    def score(self, frame: Frame, at: int) -> None:
        """Fills `frame.scores` for event `at`."""
        for name, scorer in self._scorers.items():
            value = scorer.detector.score_one(_facts(frame, scorer, at))
            frame.scores[f"{name}.value", at] = value
            frame.scores[f"{name}.quantile", at] = None if value is None else scorer.ranks.quantile(value)

    def learn(self, frame: Frame, at: int) -> None:
        """Takes event `at`, scored before, for normal."""
        for name, scorer in self._scorers.items():
            value = frame.scores[f"{name}.value", at]
            if value is not None:
                scorer.ranks.learn(value)
            scorer.detector.learn_one(_facts(frame, scorer, at))


def _facts(frame: Frame, scorer: Scorer, at: int) -> Facts:
    facts: dict[str, Value] = {field: frame.field(field, at) for field in scorer.detector.reads}
    return facts
