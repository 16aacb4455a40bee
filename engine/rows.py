"""Rows: the values of some inputs event by event, as conditions for one event read them."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from engine.fields import Fields
from engine.frames import Frame
from rules import Input
from schemas import Value


class Rows:
    """Reads the same inputs from frame after frame. `features` are the pack's, in the order of a `FeatureTable`."""

    def __init__(self, inputs: Sequence[Input], features: Iterable[str]) -> None:
        numbers = {name: number for number, name in enumerate(features)}
        self._has_features = any(each.kind == "feature" for each in inputs)
        fields = [each for each in inputs if each.kind == "field" and each.name != "amount"]
        self._fields = Fields([each.name for each in fields])
        self._others = [each for each in inputs if each.kind != "feature" and each not in fields]
        first = len(numbers) if self._has_features else 0
        places = {each: place for place, each in enumerate((*fields, *self._others), first)}
        self._pick = _picking([numbers[each.name] if each.kind == "feature" else places[each] for each in inputs])

    def of(self, frame: Frame) -> list[Sequence[Value]]:
        """For each event the values of the inputs; None where missing. At a score's or list's place stands None."""
        features: Sequence[Sequence[Value]] = frame.features.rows if self._has_features else [()] * len(frame.events)
        parts = zip(features, self._fields.of(frame.events), *map(frame.listed, self._others), strict=True)
        pick = self._pick
        return [pick((*row, *fields, *others)) for row, fields, *others in parts]


def _picking(places: Sequence[int]) -> Callable[[Sequence[Value]], Sequence[Value]]:
    """What picks these places from a row."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: [row[place] for place in places]
