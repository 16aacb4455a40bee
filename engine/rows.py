"""Rows: the values of some inputs event by event, as conditions for one event read them."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from engine.frames import Frame
from rules import Input
from schemas import Value


class Rows:
    """Reads the same inputs from frame after frame. `features` are the pack's, in the order of a `FeatureTable`."""

    def __init__(self, inputs: Sequence[Input], features: Iterable[str]) -> None:
        places = {("feature", name): number for number, name in enumerate(features)}
        self._others = [each for each in inputs if each.kind != "feature"]
        self._has_features = len(self._others) < len(inputs)
        first = len(places) if self._has_features else 0
        places |= {(each.kind, each.name): place for place, each in enumerate(self._others, first)}
        self._pick = _picking([places[each.kind, each.name] for each in inputs])

    def of(self, frame: Frame) -> list[Sequence[Value]]:
        """For each event the values of the inputs; None where missing. At a score's or list's place stands None."""
        rows = frame.features.rows if self._has_features else [[] for _ in frame.events]
        if self._others:
            more = zip(*map(frame.listed, self._others), strict=True)
            rows = [[*row, *values] for row, values in zip(rows, more, strict=True)]
        return list(map(self._pick, rows))


def _picking(places: Sequence[int]) -> Callable[[Sequence[Value]], Sequence[Value]]:
    """What picks these places from a row."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))
