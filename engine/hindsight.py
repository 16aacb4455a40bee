"""Hindsight: what windows knew of one event, and which events they held, from the records of what entered them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.coming import Coming, Revaluation
from engine.core import Core
from engine.engine import MEMORY_BYTES
from engine.features import FeaturePlan, feature_plan
from engine.records import Record, bundles
from engine.tables import FeatureTable
from rules import Pack
from schemas import Value
from windows.columns import between


class Entered(NamedTuple):
    """The events of a record as they entered the windows.

    `ids` are the hashes of the texts of `FeaturePlan.plan.ids`, uint64[n, columns], 0 where missing; `values` those of
    `plan.values`, int64[columns, n], NULL where missing. `entering` has a bit for each of the plan's filters. `names`
    are those events that were answered have, and `events` are hashes of all names.
    """

    timestamp_ms: NDArray[np.int64]
    ids: NDArray[np.uint64]
    values: NDArray[np.int64]
    entering: NDArray[np.uint64]
    texts: Mapping[str, list[str | None]]
    events: NDArray[np.uint64]
    names: list[str | None]
    revaluation: Revaluation | None


class Hindsight:
    """Looks at records by the plan of a pack, which must have the signature of the one that they were made with."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self.plan: FeaturePlan = feature_plan(pack)
        self._text_fields = sorted(set(self.plan.plan.texts.values()))

    def entered(self, record: Record) -> Entered:
        coming = self._coming(record)
        columns = coming.columns
        names = [None if number < 0 else record.names[number] for number in record.answers()]
        return Entered(
            columns.timestamp_ms,
            columns.ids,
            columns.values,
            columns.entering,
            {field: list(texts) for field, texts in coming.texts.items()},
            coming.ids,
            names,
            coming.revaluation,
        )

    def features(self, before: Iterable[Record], record: Record, at: int) -> dict[str, Value]:
        """The features of event `at` of a record, as the windows gave them then: `before` are all records before it."""
        core = Core(self.plan, self._pack.timing, MEMORY_BYTES)
        for bundle in bundles(before, self.plan.plan, core.text_fields):
            core.load(bundle.entered, core.readmit(bundle.entered), bundle.turn)
        coming = self._coming(record)
        earlier, itself = _between(coming, 0, at), _between(coming, at, at + 1)
        if at:
            core.load(earlier, core.readmit(earlier), record.turn)
        judged = msgspec.structs.replace(itself.columns, judged=np.ones(1, dtype=np.bool_))
        taken = core.take(msgspec.structs.replace(itself, columns=judged))
        table = FeatureTable(self.plan.forms(set(self.plan.names)), taken.features, taken.texts)
        return {name: table.value(name, 0) for name in self.plan.names}

    def _coming(self, record: Record) -> Coming:
        bundle = next(bundles([record], self.plan.plan, self._text_fields))
        return bundle.entered


def _between(coming: Coming, start: int, end: int) -> Coming:
    """Some of the events, without what the last of all changed and without the waits that they start."""
    return Coming(
        coming.ids[start:end],
        coming.contents[start:end],
        coming.timestamp_ms[start:end],
        None if coming.arrival_ms is None else coming.arrival_ms[start:end],
        between(coming.columns, start, end),
        {field: list(texts[start:end]) for field, texts in coming.texts.items()},
        None,
    )
