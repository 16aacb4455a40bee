"""Starting: which events of a frame may begin a wait of which rule."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.composition import Composer
from engine.frames import Frame
from engine.waits import Wait, WaitForm
from rules import Rule
from rules.columns import Columns
from rules.syntax import inputs_of
from windows import Columns as WindowColumns


class Starting:
    """Finds, for rules that wait as `forms` say, the events that pass what begins a wait and the rule's condition.

    Whether the steps before them have come is asked when the wait is over.
    """

    def __init__(self, rules: Sequence[Rule], forms: Mapping[str, WaitForm], text_id: Callable[[str], int]) -> None:
        self._forms = {rule.id: forms[rule.id] for rule in rules if rule.absence is not None}
        self._conditions = {
            rule.id: Columns([rule.when], text_id)
            for rule in rules
            if rule.absence is not None and inputs_of(rule.when.tree)
        }

    def __bool__(self) -> bool:
        """Whether any rule waits."""
        return bool(self._forms)

    def within_ms(self, rule: str) -> int:
        """How long the rule waits; 0 for one that does not."""
        return self._forms[rule].within_ms if rule in self._forms else 0

    def waits(self, frame: Frame, columns: WindowColumns, composer: Composer) -> list[Wait]:
        """The waits that the frame's events begin, if they count."""
        waits: list[Wait] = []
        for rule, form in self._forms.items():
            starting = columns.entering & np.uint64(1 << form.start) != 0
            starting &= (columns.ids[:, form.keys] != 0).all(axis=1)
            if rule in self._conditions and starting.any():
                condition = self._conditions[rule]
                read = [frame.column(each) for each in condition.inputs]
                (matched,), _ = condition.evaluate(read, frame.lists, frame.batch.timestamp_ms)
                starting &= matched
            places: list[int] = np.flatnonzero(starting).tolist()
            said = composer.would_say(rule, frame, places)
            waits += [Wait(at, rule, frame.names[at], text) for at, text in zip(places, said, strict=True)]
        return waits
