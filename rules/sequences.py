"""Reading sequences: the events that follow each other become a feature, and a condition that reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules.bounds import STEPS_MAX
from rules.expressions import check_condition
from rules.features import key_fields, read_events
from rules.findings import quoted
from rules.literals import duration_ms
from rules.models import Absence, Feature, Filter
from rules.scopes import Macro, Scope, Vocabulary, feature_input
from rules.shapes import Shapes
from rules.syntax import Condition, Junction, Literal, Mention, Read
from rules.trees import Items, Scalar, Table, Tree

SEQUENCE_KEYS = ("by", "within", "steps", "unless")
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Sequence:
    """`feature` says whether the steps before the last have come; `when` is judged at the `events` of the last.

    Where the last step is an absence, that is in place of the feature, and `events` are those of the step before it:
    the ones of them for which `when` holds begin a wait.
    """

    feature: Feature | None
    absence: Absence | None
    events: frozenset[str]
    when: Condition


class StepCondition(NamedTuple):
    """The condition of a step, or of what is in `unless`: in which rule, on which events, and how it is written."""

    rule: str | None
    events: frozenset[str]
    condition: Condition
    scalar: Scalar
    word: str


@dataclass(frozen=True, slots=True)
class _Step:
    """What a step or an `unless` says: a word for types of event, and the condition on them."""

    word: Scalar
    filter: Filter

    @property
    def text(self) -> str:
        where = self.filter.where
        return self.word.value if where is None else f"{self.word.value} ({where.text.strip()})"

    def is_covered_by(self, other: "_Step", *, alike: bool) -> bool:
        """Whether what passes this passes the other, surely; `alike`: only where both say the same."""
        if not self.filter.events <= other.filter.events:
            return False
        return self.filter.tree == other.filter.tree or (other.filter.where is None and not alike)


class SequenceReader:
    """Reads sequences into the pack's vocabulary; what is wrong goes to the ledger."""

    def __init__(self, shapes: Shapes, vocabulary: Vocabulary, macro: Callable[[str], Macro | None]) -> None:
        self.shapes = shapes
        self.vocabulary = vocabulary
        self.macro = macro
        self.params: Mapping[str, Literal | None] = {}
        self.conditions: list[StepCondition] = []

    def read(self, node: Tree, name: str, params: Mapping[str, Literal | None]) -> Sequence | None:
        """A sequence whose feature is to have this name, in a rule with these params; None after findings."""
        shapes, what = self.shapes, "a sequence"
        self.params = params
        table = shapes.table(node, what, SEQUENCE_KEYS)
        if table is None:
            return None
        within = shapes.scalar(shapes.required(table, "within", what), "a duration for `within`")
        within_ms = None if within is None else duration_ms(within, shapes.ledger)
        steps_node = shapes.required(table, "steps", what)
        absent = _absent(steps_node)
        if absent is not None and isinstance(steps_node, Items):
            steps_node = Items(steps_node.values[:-1], steps_node.source, steps_node.start)
        steps = self._steps(steps_node, "steps")
        ends = () if absent is None else self._ends(absent)
        unless_node = table.get("unless")
        unless = () if unless_node is None else self._steps(unless_node, "events in `unless`")
        by_node = shapes.required(table, "by", what)
        if steps is None or ends is None or unless is None or not self._is_sound(steps, ends, unless, table):
            return None
        events = frozenset[str]().union(*(each.filter.events for each in (*steps, *ends, *unless)))
        who = "every step and every `unless`" if absent is None else "every step, what is absent and every `unless`"
        by = key_fields(by_node, events, shapes, f"{who} needs the key")
        if by is None or within is None or within_ms is None:
            return None
        if absent is None:
            return _followed(name, by, events, within.value, within_ms, steps, unless)
        return _awaited(name, by, events, within.value, within_ms, steps, ends, unless)

    def _ends(self, absent: Tree) -> tuple[_Step, ...] | None:
        """What is absent: one event or several; None after findings."""
        nodes = absent if isinstance(absent, Items) else Items((absent,), absent.source, absent.start)
        ends = self._steps(nodes, "events in `absent`")
        if ends == ():
            self.shapes.ledger.report("bad-sequence", absent.spot, "expected at least one event that is absent")
            return None
        return ends

    def _steps(self, node: Tree | None, what: str) -> tuple[_Step, ...] | None:
        """Steps, or what may be in `unless`; None after findings."""
        if node is None:
            return None
        nodes = self.shapes.items(node, what, STEPS_MAX)
        found = [self._step(each) for each in nodes[:STEPS_MAX]]
        sound = tuple(each for each in found if each is not None)
        return sound if isinstance(node, Items) and len(sound) == len(nodes) else None

    def _step(self, node: Tree) -> _Step | None:
        word, where = node, None
        if isinstance(node, Table):
            if len(node.entries) != 1:
                message = f"expected one type of event such as `payment: amount >= 500`, got {len(node.entries)}"
                self.shapes.ledger.report("bad-sequence", node.spot, message)
                return None
            word, condition = node.entries[0]
            where = self.shapes.scalar(condition, "a condition on the event")
            if where is None:
                return None
        if isinstance(word, Scalar) and word.value == ABSENT:
            self.shapes.ledger.report("bad-sequence", word.spot, "only the last step can be absent")
            return None
        scalar = self.shapes.scalar(word, "a type of event")
        events = None if scalar is None else read_events(scalar, frozenset(), self.shapes)
        if scalar is None or not events:
            return None
        if where is None:
            return _Step(scalar, Filter(events, None))
        scope = Scope("a step", self.vocabulary, events, self.params, self.macro)
        checked = check_condition(where, scope, self.shapes.ledger)
        if checked is None:
            return None
        self.conditions.append(StepCondition(self.shapes.ledger.rule, events, checked, where, scalar.value))
        return _Step(scalar, Filter(events, checked))

    def _is_sound(
        self, steps: tuple[_Step, ...], ends: tuple[_Step, ...], unless: tuple[_Step, ...], table: Table
    ) -> bool:
        ledger = self.shapes.ledger
        count = len(steps) + bool(ends)
        if not steps or count < 2:
            message = f"a sequence has two steps or more, got {count}"
            hint = "a rule on one event has `event` and `when`"
            ledger.report("bad-sequence", (table.get("steps") or table).spot, message, hint)
            return False
        sound = True
        for each in unless:
            for place, step in enumerate(steps[:-1]):
                if step.is_covered_by(each, alike=place == 0):
                    message = f"{quoted(each.text)} in `unless` is a step of the sequence"
                    hint = "only the last step that comes can be in both"
                    ledger.report("bad-sequence", each.word.spot, message, hint)
                    sound = False
                    break
        return sound


def _absent(steps: Tree | None) -> Tree | None:
    """What the last of the steps says that is not to come, if it does."""
    last = steps.values[-1] if isinstance(steps, Items) and steps.values else None
    if isinstance(last, Table) and [key.value for key, _ in last.entries] == [ABSENT]:
        return last.get(ABSENT)
    return None


def _joined(unless: tuple[_Step, ...]) -> tuple[Filter, ...]:
    """The filters of `unless`, with those that have no condition made one."""
    plain = [each.filter.events for each in unless if each.filter.where is None]
    joined = (Filter(frozenset[str]().union(*plain), None),) if plain else ()
    return (*joined, *(each.filter for each in unless if each.filter.where is not None))


def _followed(
    name: str,
    by: tuple[str, ...],
    events: frozenset[str],
    within: str,
    within_ms: int,
    steps: tuple[_Step, ...],
    unless: tuple[_Step, ...],
) -> Sequence:
    """A sequence that is judged at its last step."""
    filters = tuple(each.filter for each in steps[:-1])
    feature = Feature(
        name, "sequence", None, by, within_ms, 0, None, events, "bool", False, steps=filters, unless=_joined(unless)
    )
    return Sequence(feature, None, steps[-1].filter.events, _condition(feature, within, steps, unless))


def _awaited(
    name: str,
    by: tuple[str, ...],
    events: frozenset[str],
    within: str,
    within_ms: int,
    steps: tuple[_Step, ...],
    ends: tuple[_Step, ...],
    unless: tuple[_Step, ...],
) -> Sequence:
    """A sequence that is decided when nothing of `ends` has come after its steps.

    The window holds what is asked about then: all since the last step, and that with the steps before it.
    """
    over_ms = within_ms + 1 if len(steps) == 1 else 2 * within_ms + 1
    filters, without = tuple(each.filter for each in steps), _joined(unless)
    feature = Feature(
        name, "absence", None, by, over_ms, 0, None, events, "number", True,
        steps=filters, unless=without, ends=_joined((*ends, *unless)),
    )  # fmt: skip
    came = ", then ".join(each.text for each in steps)
    text = f"{came}, then no {' or '.join(each.text for each in ends)} within {within}{_without(unless)}"
    return Sequence(None, Absence(feature, within_ms), steps[-1].filter.events, Condition(text, Literal(True, "bool")))


def _without(unless: tuple[_Step, ...]) -> str:
    return f", without {' or '.join(each.text for each in unless)}" if unless else ""


def _condition(feature: Feature, within: str, steps: tuple[_Step, ...], unless: tuple[_Step, ...]) -> Condition:
    """The condition on the last step, which reads aloud as the sequence; its first words mention the feature."""
    last = steps[-1].filter.where
    came = Read(feature_input(feature))
    before = ", then ".join(each.text for each in steps[:-1])
    mentions = [Mention(0, len(before), came.input)]
    text = f"{before}, then {steps[-1].text} within {within}"
    if last is not None:
        start = len(f"{before}, then {steps[-1].word.value} (") - (len(last.text) - len(last.text.lstrip()))
        mentions += [Mention(start + each.start, start + each.end, each.means) for each in last.mentions]
    text += _without(unless)
    return Condition(text, came if last is None else Junction("and", (last.tree, came)), tuple(mentions))
